// @ts-check
// Line icons of our own on a 16 × 16 grid.

import { html, Markup } from "./html.js";

/** @type {Record<string, string>} */
const PATHS = {
  live: "M1.5 8h3l2-5 3 10 2-5h3",
  board: "M2.5 2.5h3v11h-3zM6.5 2.5h3v7h-3zM10.5 2.5h3v9h-3z",
  analytics: "M2.5 13.5v-5M6.2 13.5v-10M9.8 13.5v-7M13.5 13.5v-4",
  replay: "M8 2.5A5.5 5.5 0 1 1 3 5.7M3 2.5v3.2h3.2M7 5.8l3.2 2.2L7 10.2z",
  exchange: "M4.5 13V3M2 5.5 4.5 3 7 5.5M11.5 3v10M9 10.5l2.5 2.5 2.5-2.5",
  settings: "M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  plus: "M8 3v10M3 8h10",
  undo: "M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M3 6.5 6 3.5M3 6.5l3 3",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.3 10.3l3.2 3.2",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3l8 5-8 5z",
  stop: "M4 4h8v8H4z",
  back: "M11.5 3v10L6 8zM4 3v10",
  next: "M4.5 3v10L10 8zM12 3v10",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5 6.5 12 13 4.5",
  edit: "M3 13l.6-2.6 7-7 2 2-7 7zM9.5 4.5l2 2",
  trash: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.5 8.5h6l.5-8.5",
  help: "M6 6a2 2 0 1 1 2.7 1.9c-.5.2-.7.6-.7 1.1v.4M8 11.8v.01M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
  link: "M6.5 9.5l3-3M7 5l1.5-1.5a2.5 2.5 0 0 1 4 4L11 9M9 11l-1.5 1.5a2.5 2.5 0 0 1-4-4L5 7",
  tool: "M10.5 2.5a3 3 0 0 0-2.9 3.9L3 11l2 2 4.6-4.6a3 3 0 0 0 3.9-2.9L11.7 7 9 4.3z",
  text: "M3 4h10M3 8h10M3 12h6",
  person: "M8 3a2.3 2.3 0 1 1 0 4.6A2.3 2.3 0 0 1 8 3M3.5 13.5c.4-2.6 2-4 4.5-4s4.1 1.4 4.5 4",
  list: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01",
  graph: "M2 6h4v4H2zM10 2h4v4h-4zM10 10h4v4h-4zM6 8h2V4h2M8 8v4h2",
  send: "M2.5 8l11-5-4 11-2.5-4.500z",
  down: "M8 2.500v8M4.5 7 8 10.5 11.5 7M3 13.500h10",
  clock: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 4.500V8l2.5 1.5",
  warn: "M8 2.500l6 11H2zM8 6.500v3M8 11.500v.01",
  urgent: "M8 3v6M8 12.500v.01",
  high: "M4 9l4-4 4 4M4 13l4-4 4 4",
  medium: "M4 6h8M4 10h8",
  low: "M4 7l4 4 4-4",
};

/** @param {string} name @param {string} [label] for those who cannot see it */
export function icon(name, label = "") {
  const path = new Markup(`<path d="${PATHS[name] ?? PATHS.file}"/>`);
  return label
    ? html`<svg class="icon icon-${name}" viewBox="0 0 16 16" role="img" aria-label="${label}">${path}</svg>`
    : html`<svg class="icon icon-${name}" viewBox="0 0 16 16" aria-hidden="true">${path}</svg>`;
}

const RING = '<circle cx="8" cy="8" r="5.5" class="ring"/>';
/** @type {Record<string, string>} shapes that differ without colour */
const STATES = {
  todo: RING,
  in_progress: `${RING}<path class="fill" d="M8 4.500a3.5 3.5 0 0 1 0 7z"/>`,
  review: `${RING}<path class="fill" d="M8 4.500a3.5 3.5 0 1 1-3.5 3.500H8z"/>`,
  blocked: `${RING}<path d="M6.5 6v4M9.5 6v4"/>`,
  done: '<circle cx="8" cy="8" r="6.2" class="fill"/><path class="cut" d="M5 8.3 7.2 10.5 11 6"/>',
  failed: '<circle cx="8" cy="8" r="6.2" class="fill"/><path class="cut" d="M5.8 5.800l4.4 4.400M10.2 5.800l-4.4 4.4"/>',
  canceled: `${RING}<path d="M4.5 11.500l7-7"/>`,
};

/** @param {string} state */
export const stateIcon = (state) =>
  html`<svg class="state-icon" data-state="${state}" viewBox="0 0 16 16" aria-hidden="true">${
    new Markup(STATES[state] ?? RING)}</svg>`;

/** @param {string} state */
export const stateName = (state) => {
  const words = String(state ?? "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** @param {string} state */
export const stateChip = (state) =>
  html`<span class="chip" data-state="${state}">${stateIcon(state)}${stateName(state)}</span>`;

/** @param {string} priority */
export const priorityIcon = (priority) =>
  html`<span class="priority" data-priority="${priority}" title="${stateName(priority)} priority">${
    icon(priority, `${stateName(priority)} priority`)}</span>`;

/** The sign of axon: three cells and what joins them. */
export const mark = () => html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
  <path d="M6 25 16 6l10 19" /><path d="M10.5 18.5h11" /><circle cx="16" cy="6" r="3" />
  <circle cx="6" cy="25" r="3" /><circle cx="26" cy="25" r="3" /></svg>`;
