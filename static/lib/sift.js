// @ts-check
// Which tasks the board shows, in which order, and the fields that decide it.

import { html } from "./html.js";
import { icon, stateName } from "./icons.js";
import { store } from "./store.js";

export const FILTERS = ["q", "state", "priority", "label", "team"];
const RANK = { urgent: 0, high: 1, medium: 2, low: 3 };
/** @type {Record<string, (a: any, b: any) => number>} */
export const SORTS = {
  priority: (a, b) => rank(a) - rank(b) || numbered(a.identifier, b.identifier),
  identifier: (a, b) => numbered(a.identifier, b.identifier),
  title: (a, b) => a.title.localeCompare(b.title),
  updated: (a, b) => b.updated_at - a.updated_at,
  cost: (a, b) => (b.cost_usd ?? 0) - (a.cost_usd ?? 0),
  attempts: (a, b) => b.attempts - a.attempts,
};

/** @param {any} task */
const rank = ({ priority }) => RANK[/** @type {keyof typeof RANK} */ (priority)] ?? 9;

/** ENG-9 before ENG-10. @param {string} a @param {string} b */
export function numbered(a, b) {
  const [x, y] = [a, b].map((name) => /^(.*?)(\d*)$/.exec(name) ?? ["", "", ""]);
  return x[1].localeCompare(y[1]) || Number(x[2]) - Number(y[2]);
}

/**
 * @typedef {{q: string, state: string, priority: string, label: string, team: string}} Filters
 * @param {Iterable<any>} tasks
 * @param {Filters} filters
 * @param {string} sort
 */
export function sift(tasks, filters, sort) {
  const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...tasks].filter((task) => {
    if (filters.state && task.state !== filters.state) return false;
    if (filters.priority && task.priority !== filters.priority) return false;
    if (filters.label && !task.labels.includes(filters.label)) return false;
    if (filters.team && task.team !== filters.team) return false;
    if (!words.length) return true;
    const text = `${task.identifier} ${task.title} ${task.labels.join(" ")} ${task.owner ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return found.sort(SORTS[sort] ?? SORTS.priority);
}

/** All values of a field, for the filters. @param {Iterable<any>} tasks @param {(task: any) => string[]} pick */
export const valuesOf = (tasks, pick) =>
  [...new Set([...tasks].flatMap(pick))].filter(Boolean).sort((a, b) => a.localeCompare(b));

/** The search field and the filters. @param {Record<string, string>} filters @param {boolean} narrowed */
export function tools(filters, narrowed) {
  const tasks = [...store.issues.values()];
  const labels = valuesOf(tasks, (task) => task.labels);
  const teams = valuesOf(tasks, ({ team }) => [team]);
  /** @param {string} name @param {string[]} values @param {(value: string) => string} [say] */
  const pick = (name, values, say = stateName) => html`<select class="small" name="${name}" data-change="filter" aria-label="${stateName(name)}">
    <option value="">Any ${name}</option>${values.map((value) =>
      html`<option value="${value}" ${value === filters[name] ? "selected" : ""}>${say(value)}</option>`)}</select>`;
  const same = (/** @type {string} */ value) => value;
  return html`<div class="tools"><input class="small" type="search" name="q" placeholder="Search ( / )" aria-label="Search tasks"
    value="${filters.q}" data-input="filter">
    ${pick("priority", store.me?.priorities ?? [])}${labels.length ? pick("label", labels, same) : ""}
    ${pick("state", Object.keys(store.me?.moves ?? {}))}${teams.length > 1 ? pick("team", teams, same) : ""}
    ${narrowed ? html`<button class="button small bare" data-click="clear">${icon("close")}Clear</button>` : ""}</div>`;
}
