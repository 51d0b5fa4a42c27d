// @ts-check
// A column per state. Cards can be dragged to where a person may move them; only those in sight are drawn.

import { line, money } from "../lib/format.js";
import { html } from "../lib/html.js";
import { icon, priorityIcon, stateIcon, stateName } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { Part } from "../lib/part.js";
import { go, to } from "../lib/route.js";
import { store } from "../lib/store.js";
import { reveal, slice } from "../lib/windowed.js";

const ROW = 104;
const STATES = ["todo", "in_progress", "review", "blocked", "done", "failed", "canceled"];

class BoardColumns extends Part {
  /** @type {{tasks: any[], picked: Set<string>, state: string}} */
  #shown = { tasks: [], picked: new Set(), state: "" };
  /** @type {Map<string, any[]>} */
  #columns = new Map();
  #dragged = "";
  #focus = "";

  /** @param {any} shown */
  set shown(shown) {
    this.#shown = shown;
    this.#columns = new Map(STATES.filter((state) => !shown.state || state === shown.state).map((state) => [state, []]));
    for (const task of shown.tasks) this.#columns.get(task.state)?.push(task);
    this.draw();
  }

  actions = {
    open: (/** @type {any} */ card, /** @type {any} */ event) => {
      if (event.target.closest("a, input")) return;
      if (event.ctrlKey || event.metaKey || event.shiftKey) this.tell("pick", { identifier: card.dataset.task });
      else go("task", card.dataset.task);
    },
    pick: (/** @type {any} */ box) => this.tell("pick", { identifier: box.value }),
  };

  connected() {
    this.addEventListener("scroll", () => this.update(), { capture: true, passive: true, signal: this.signal });
    this.listen(window, "resize", () => this.update());
    for (const type of ["dragstart", "dragover", "dragleave", "drop", "dragend"]) {
      this.listen(this, type, (event) => this.#drag(type, event));
    }
    this.listen(this, "focusin", ({ target }) => (this.#focus = target.closest("[data-task]")?.dataset.task ?? this.#focus));
    const step = (/** @type {number} */ x, /** @type {number} */ y) => () => this.#step(x, y);
    useKeys(this, {
      j: step(0, 1), ArrowDown: step(0, 1), k: step(0, -1), ArrowUp: step(0, -1),
      l: step(1, 0), ArrowRight: step(1, 0), h: step(-1, 0), ArrowLeft: step(-1, 0),
    });
  }

  /** @param {string} type @param {any} event */
  #drag(type, event) {
    const column = event.target.closest?.(".column");
    if (type === "dragstart") {
      this.#dragged = event.target.closest("[data-task]")?.dataset.task ?? "";
      event.dataTransfer.setData("text/plain", this.#dragged);
      event.dataTransfer.effectAllowed = "move";
    }
    const legal = column && this.#legal(column.dataset.column);
    if (type === "dragover" && legal) event.preventDefault();
    if (type === "drop" && legal) {
      event.preventDefault();
      this.tell("drop-on", { identifier: this.#dragged, state: column.dataset.column });
    }
    if (type === "drop" || type === "dragend") this.#dragged = "";
    for (const other of this.querySelectorAll(".column")) {
      const name = /** @type {any} */ (other).dataset.column;
      other.classList.toggle("legal", this.#legal(name));
      other.classList.toggle("illegal", Boolean(this.#dragged) && !this.#legal(name));
      other.classList.toggle("over", type === "dragover" && other === column && legal);
    }
  }

  /** Whether what is dragged may be dropped there. @param {string} state */
  #legal(state) {
    const task = store.issues.get(this.#dragged);
    return Boolean(task && store.me?.moves?.[task.state]?.includes(state));
  }

  /** @param {number} x @param {number} y */
  #step(x, y) {
    const columns = [...this.#columns].filter(([, tasks]) => tasks.length);
    const at = columns.findIndex(([, tasks]) => tasks.some(({ identifier }) => identifier === this.#focus));
    const row = at < 0 ? 0 : columns[at][1].findIndex(({ identifier }) => identifier === this.#focus);
    const [state, tasks] = columns[at < 0 ? 0 : Math.max(0, Math.min(columns.length - 1, at + x))] ?? ["", []];
    const index = at < 0 ? 0 : Math.max(0, Math.min(tasks.length - 1, row + y));
    const list = this.querySelector(`[data-column="${state}"] .cards`);
    if (!tasks[index] || !list) return;
    const top = reveal(index, ROW, list.scrollTop, list.clientHeight);
    if (top !== null) list.scrollTop = top;
    this.#focus = tasks[index].identifier;
    this.draw();
    /** @type {any} */ (this.querySelector(`[data-task="${CSS.escape(this.#focus)}"] a`))?.focus();
  }

  view() {
    return html`<div class="columns" data-count="${this.#columns.size}">${[...this.#columns].map(([state, tasks]) => this.#column(state, tasks))}</div>`;
  }

  /** @param {string} state @param {any[]} tasks */
  #column(state, tasks) {
    const list = this.querySelector(`[data-column="${state}"] .cards`);
    const { first, last, above, below } = slice(tasks.length, ROW, list?.scrollTop ?? 0, list?.clientHeight || 800);
    return html`<section class="column" data-key="c-${state}" data-column="${state}" data-empty="${String(!tasks.length)}" aria-label="${stateName(state)}">
      <h2>${stateIcon(state)}${stateName(state)} <small>${tasks.length}</small></h2>
      <ul class="cards"><li aria-hidden="true" data-style="height:${above}px"></li>
        ${tasks.slice(first, last).map((task, i) => this.#card(task, first + i + 1, tasks.length))}
        <li aria-hidden="true" data-style="height:${below}px"></li></ul></section>`;
  }

  /** @param {any} task @param {number} place @param {number} count */
  #card(task, place, count) {
    const { identifier, title, priority, labels, blocked_by, attempts, cost_usd, owner, verified } = task;
    const picked = this.#shown.picked.has(identifier);
    return html`<li data-key="${identifier}" aria-posinset="${place}" aria-setsize="${count}"><div class="task-card" data-task="${identifier}"
      data-click="open" draggable="true" data-picked="${String(picked)}">
      <p class="top"><input type="checkbox" data-change="pick" value="${identifier}" aria-label="Select ${identifier}" ${picked ? "checked" : ""}>
        <span class="name">${identifier}</span>${priorityIcon(priority)}</p>
      <a href="${to("task", identifier)}">${line(title, 140)}</a>
      <p class="meta">${blocked_by ? html`<span title="Waits for ${blocked_by} other tasks">${icon("link")}${blocked_by}</span>` : ""}
        ${attempts > 1 ? html`<span title="${attempts} attempts">${icon("retry")}${attempts}</span>` : ""}
        ${verified === false ? html`<span class="warn" title="It landed without any check">unverified</span>` : ""}
        ${labels.slice(0, 2).map((/** @type {string} */ label) => html`<span class="tag">${label}</span>`)}
        <span class="last">${owner ?? (cost_usd ? money(cost_usd) : "")}</span></p></div></li>`;
  }
}

customElements.define("board-columns", BoardColumns);
