// @ts-check
// The same tasks as a table; only the rows in sight are drawn.

import { ago, line, money } from "../lib/format.js";
import { html } from "../lib/html.js";
import { priorityIcon, stateIcon, stateName } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";
import { reveal, slice } from "../lib/windowed.js";

const ROW = 36;
/** @type {[string, string, string][]} */
const HEADS = [
  ["identifier", "Task", ""], ["title", "Title", ""], ["", "State", ""], ["priority", "Priority", ""],
  ["attempts", "Attempts", "num"], ["cost", "Cost", "num"], ["updated", "Changed", "num"],
];

class BoardList extends Part {
  /** @type {{tasks: any[], picked: Set<string>, sort: string}} */
  #shown = { tasks: [], picked: new Set(), sort: "priority" };
  #focus = "";

  /** @param {any} shown */
  set shown(shown) {
    this.#shown = shown;
    this.draw();
  }

  actions = {
    pick: (/** @type {any} */ box) => this.tell("pick", { identifier: box.value }),
    all: (/** @type {any} */ box) =>
      this.tell("pick-all", box.checked ? this.#shown.tasks.map(({ identifier }) => identifier) : []),
    sort: (/** @type {any} */ button) => this.tell("sort", button.value),
  };

  connected() {
    this.addEventListener("scroll", () => this.update(), { capture: true, passive: true, signal: this.signal });
    this.listen(window, "resize", () => this.update());
    this.listen(this, "focusin", ({ target }) => (this.#focus = target.closest("[data-task]")?.dataset.task ?? this.#focus));
    const step = (/** @type {number} */ by) => () => this.#step(by);
    useKeys(this, { j: step(1), ArrowDown: step(1), k: step(-1), ArrowUp: step(-1) });
  }

  /** @param {number} by */
  #step(by) {
    const { tasks } = this.#shown;
    const at = tasks.findIndex(({ identifier }) => identifier === this.#focus);
    const index = at < 0 ? 0 : Math.max(0, Math.min(tasks.length - 1, at + by));
    const box = this.querySelector(".table-box");
    if (!tasks[index] || !box) return;
    const top = reveal(index, ROW, box.scrollTop, box.clientHeight - ROW);
    if (top !== null) box.scrollTop = top;
    this.#focus = tasks[index].identifier;
    this.draw();
    /** @type {any} */ (this.querySelector(`[data-task="${CSS.escape(this.#focus)}"] a`))?.focus({ preventScroll: true });
  }

  view() {
    const { tasks, picked, sort } = this.#shown;
    const box = this.querySelector(".table-box");
    const { first, last, above, below } = slice(tasks.length, ROW, box?.scrollTop ?? 0, box?.clientHeight || 900);
    const all = tasks.length > 0 && tasks.every(({ identifier }) => picked.has(identifier));
    return html`<div class="table-box card flush" tabindex="0" role="region" aria-label="Tasks"><table class="task-table" aria-rowcount="${tasks.length + 1}">
      <thead><tr><th class="check"><input type="checkbox" data-change="all" aria-label="Select all" ${all ? "checked" : ""}></th>
        ${HEADS.map(([name, label, kind]) => html`<th class="${kind} h-${label.toLowerCase()}" ${name === sort ? html`aria-sort="other"` : ""}>${name
          ? html`<button data-click="sort" value="${name}">${label}${name === sort ? " ↓" : ""}</button>` : label}</th>`)}</tr></thead>
      <tbody><tr class="gap" aria-hidden="true"><td colspan="4" data-style="height:${above}px"></td></tr>
        ${tasks.slice(first, last).map((task, i) => this.#row(task, first + i + 2, picked.has(task.identifier)))}
        <tr class="gap" aria-hidden="true"><td colspan="4" data-style="height:${below}px"></td></tr></tbody></table></div>`;
  }

  /** @param {any} task @param {number} place @param {boolean} picked */
  #row(task, place, picked) {
    const { identifier, title, state, priority, labels, attempts, cost_usd, updated_at } = task;
    return html`<tr data-key="${identifier}" data-task="${identifier}" data-picked="${String(picked)}" aria-rowindex="${place}">
      <td class="check"><input type="checkbox" data-change="pick" value="${identifier}" aria-label="Select ${identifier}" ${picked ? "checked" : ""}></td>
      <td class="mono dim">${identifier}</td>
      <td class="title"><a href="${to("task", identifier)}">${line(title, 160)}</a>
        ${labels.slice(0, 3).map((/** @type {string} */ label) => html`<span class="tag">${label}</span>`)}</td>
      <td class="h-state"><span class="stated">${stateIcon(state)}<span>${stateName(state)}</span></span></td>
      <td class="h-priority"><span class="stated">${priorityIcon(priority)}<span>${stateName(priority)}</span></span></td>
      <td class="num h-attempts">${attempts}</td><td class="num h-cost">${money(cost_usd)}</td>
      <td class="num h-changed">${ago(updated_at)}</td></tr>`;
  }
}

customElements.define("board-list", BoardList);
