// @ts-check
// Keys that do something, and what the help sheet says of them.

import { dialog } from "./ask.js";
import { html } from "./html.js";
import { settings } from "./theme.js";

/** @type {{of: Element, keys: Record<string, (event: KeyboardEvent) => void>}[]} */
const maps = [];
let prefix = "";
let prefixed = 0;

/** While `part` is on the page, `keys` work; later ones come first. @param {{signal: AbortSignal} & Element} part @param {Record<string, (event: KeyboardEvent) => void>} keys */
export function useKeys(part, keys) {
  const map = { of: part, keys };
  maps.unshift(map);
  part.signal.addEventListener("abort", () => maps.splice(maps.indexOf(map), 1));
}

const TYPED = "input:not([type=checkbox]):not([type=radio]):not([type=range]),textarea,select,[contenteditable]";

/** @param {KeyboardEvent} event */
function pressed(event) {
  const target = /** @type {Element} */ (event.target);
  const form = /** @type {any} */ (target).form;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) form.requestSubmit();
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (target.closest?.(TYPED) || document.querySelector("dialog[open]")) return;
  if (settings.shortcuts === "off" && event.key.length === 1) return;
  const native = target.closest?.("button,a,summary,input,[role=tab]");
  if (native && (event.key === "Enter" || event.key === " ")) return;
  const name = Date.now() - prefixed < 1200 && prefix ? `${prefix} ${event.key}` : event.key;
  prefix = "";
  if (event.key === "g") {
    [prefix, prefixed] = ["g", Date.now()];
    return;
  }
  const found = maps.find(({ keys }) => keys[name]) ?? maps.find(({ keys }) => keys[event.key]);
  const act = found?.keys[name] ?? found?.keys[event.key];
  if (!act) return;
  event.preventDefault();
  act(event);
}

document.addEventListener("keydown", pressed);

export const HELP = [
  ["Everywhere", [
    ["g l", "Live"], ["g b", "Board"], ["g a", "Analytics"], ["g r", "Replay"],
    ["g i", "Import and export"], ["g s", "Settings"], ["c", "New task"], ["z", "Undo the last change"],
    ["/", "Search"], ["Ctrl Enter", "Save or send what you write"], ["?", "This sheet"],
  ]],
  ["Board", [
    ["j k", "Next, previous task"], ["h l", "Column to the left, right"], ["Enter", "Open the task"],
    ["x", "Select or unselect"], ["m", "Move to another state"], ["e", "Edit"], ["v", "Board, list, graph"],
    ["Del", "Delete"], ["Esc", "Select nothing"],
  ]],
  ["Task", [["e", "Edit"], ["m", "Move"], ["1 … 5", "Overview, changes, gate, attempts, events"]]],
  ["Replay", [
    ["Space", "Play, pause"], ["j k", "Next, previous event"], ["n p", "Next, previous marker"],
    ["1 2 4 8", "Speed"],
  ]],
];

export function showHelp() {
  const groups = /** @type {[string, [string, string][]][]} */ (HELP);
  const body = html`<div class="keys">${groups.map(([title, keys]) => html`<section><h3>${title}</h3><dl>${
    keys.map(([key, what]) => html`<div><dt>${key.split(" ").map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${what}</dd></div>`)
  }</dl></section>`)}</div>
  <p class="dim">Keys can be switched off in Settings. On the board a task can also be dragged, or moved with <kbd>m</kbd>.</p>
  <div class="row end"><button class="button" value="" autofocus>Close</button></div>`;
  return dialog({ title: "Keys", body, wide: true });
}
