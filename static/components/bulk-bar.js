// @ts-check
// What can be done with all selected tasks at once.

import { act, edit, moveByChoice } from "../lib/change.js";
import { choose, prompt } from "../lib/ask.js";
import { plural } from "../lib/format.js";
import { html } from "../lib/html.js";
import { icon, priorityIcon, stateName } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { store } from "../lib/store.js";

/** @typedef {"retry" | "cancel" | "reopen" | "delete"} Verb */
/** @type {[Verb, string][]} */
const VERBS = [["retry", "Retry"], ["cancel", "Cancel tasks"], ["reopen", "Reopen"], ["delete", "Delete"]];

class BulkBar extends Part {
  /** @type {Set<string>} */
  #picked = new Set();

  /** @param {any} shown */
  set shown({ picked }) {
    this.#picked = picked;
    this.draw();
  }

  get #tasks() {
    return [...this.#picked].map((name) => store.issues.get(name)).filter(Boolean);
  }

  actions = {
    move: () => moveByChoice(this.#tasks),
    act: (/** @type {any} */ button) => act(this.#tasks, button.value),
    clear: () => this.tell("pick-all", []),
    priority: async () => {
      const options = (store.me?.priorities ?? []).map((/** @type {string} */ value) =>
        ({ value, label: html`${priorityIcon(value)} ${stateName(value)}` }));
      const priority = await choose({ title: "Priority", options });
      if (priority) edit(this.#tasks, { priority });
    },
    label: async () => {
      const text = await prompt({ title: "Labels", label: "All selected tasks get these, between commas, in place of theirs", action: "Set" });
      if (text) edit(this.#tasks, { labels: text.split(",").map((one) => one.trim()).filter(Boolean) });
    },
  };

  view() {
    const tasks = this.#tasks;
    if (!tasks.length) return html``;
    const can = (/** @type {string} */ verb) =>
      tasks.every(({ state }) => (store.me?.actions?.[state] ?? []).includes(verb));
    return html`<div class="bulk" role="toolbar" aria-label="Selected tasks"><b>${plural(tasks.length, "task")}</b>
      <button class="button small" data-click="move">Move to…</button>
      <button class="button small" data-click="priority">Priority…</button>
      <button class="button small" data-click="label">Labels…</button>
      ${VERBS.filter(([verb]) => can(verb)).map(([verb, label]) => html`<button class="button small ${verb === "delete" ? "danger" : ""}"
        data-click="act" value="${verb}">${label}</button>`)}
      <button class="button small bare" data-click="clear" aria-label="Select nothing">${icon("close")}</button></div>`;
  }
}

customElements.define("bulk-bar", BulkBar);
