// @ts-check
// One task: what it is, what became of it, and everything that can be done to it.

import { get, issue } from "../lib/api.js";
import { act, message, moveByChoice } from "../lib/change.js";
import { line } from "../lib/format.js";
import { broken, head, loading } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon, priorityIcon, stateChip } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { Part } from "../lib/part.js";
import { go } from "../lib/route.js";
import { store } from "../lib/store.js";
import { center } from "../lib/windowed.js";
import "./diff-view.js";
import "./task-attempts.js";
import "./task-events.js";
import "./task-facts.js";
import "./task-gate.js";
import "./task-overview.js";

/** @type {[string, string][]} */
const TABS = [["overview", "Overview"], ["changes", "Changes"], ["gate", "Gate"], ["attempts", "Attempts"], ["events", "Events"]];
/** @type {[string, string, string][]} */
const ACTS = [["retry", "Retry", "retry"], ["reopen", "Reopen", "undo"], ["cancel", "Cancel task", "close"], ["delete", "Delete", "trash"]];

class TaskView extends Part {
  #name = "";
  #tab = "overview";
  /** @type {any} */
  #task = null;
  #failure = "";
  #seen = "";
  #inSight = "";

  /** @param {any} place */
  set place({ rest: [name = "", tab = "overview"] }) {
    this.#tab = TABS.some(([one]) => one === tab) ? tab : "overview";
    if (name !== this.#name) {
      this.#name = name;
      this.#task = null;
      if (this.isConnected) this.#load();
    }
    if (this.isConnected) this.update();
  }

  actions = {
    again: () => this.#load(),
    tab: (/** @type {any} */ button) => go("task", this.#name, button.value),
    act: async (/** @type {any} */ button) => {
      if ((await act([this.#task], button.value)) && button.value === "delete") go("board");
    },
    move: () => moveByChoice([this.#task]),
    tell: () => message(this.#name),
    edit: async () => (await import("./task-editor.js")).editTask(this.#name),
  };

  connected() {
    this.#load();
    this.listen(this, "changed", () => this.#load());
    // The store has a newer version, or the stream told of something that happened to it.
    this.listen(store, "issues", () => this.#compare());
    this.listen(store, "events", () => this.#compare());
    this.listen(this, "keydown", (event) => this.#arrows(event));
    const tab = (/** @type {number} */ i) => () => go("task", this.#name, TABS[i][0]);
    useKeys(this, {
      e: () => this.actions.edit(), m: () => this.actions.move(),
      1: tab(0), 2: tab(1), 3: tab(2), 4: tab(3), 5: tab(4),
    });
  }

  /** @param {any} event */
  #arrows(event) {
    const step = { ArrowRight: 1, ArrowLeft: 4 }[/** @type {string} */ (event.key)];
    if (!step || event.target.getAttribute("role") !== "tab") return;
    const at = TABS.findIndex(([one]) => one === this.#tab);
    this.#tab = TABS[(at + step) % 5][0];
    this.draw();
    /** @type {any} */ (this.querySelector("[aria-selected=true]"))?.focus();
    go("task", this.#name, this.#tab);
  }

  #compare() {
    const task = store.issues.get(this.#name);
    const last = store.events.findLast(({ identifier }) => identifier === this.#name)?.seq ?? 0;
    const seen = `${task?.version} ${task?.updated_at} ${task?.state} ${last}`;
    if (this.#task && seen !== this.#seen) this.#load();
    this.#seen = seen;
  }

  async #load() {
    const name = this.#name;
    try {
      const task = await get(issue(name), this.signal);
      if (name !== this.#name) return;
      [this.#task, this.#failure] = [task, ""];
    } catch (error) {
      if (this.signal.aborted) return;
      const { status, message: said } = /** @type {any} */ (error);
      [this.#failure, this.#task] = [said, status === 404 ? null : this.#task]; // 404: it was deleted
    }
    this.update();
  }

  view() {
    const task = this.#task;
    const back = html`<a class="back" href="#/board">Board</a> / <span class="mono">${this.#name}</span>`;
    if (!task) return html`${head(this.#name, back)}${this.#failure ? broken(this.#failure) : loading(9)}`;
    const can = ACTS.filter(([verb]) => task.actions.includes(verb));
    const buttons = html`<button class="button" data-click="edit" title="e">${icon("edit")}Edit</button>
      ${task.moves.length ? html`<button class="button" data-click="move" title="m">Move to…</button>` : ""}
      ${task.state === "in_progress" ? html`<button class="button" data-click="tell">${icon("send")}Tell agent</button>` : ""}
      ${can.map(([verb, label, sign]) => html`<button class="button ${verb === "delete" ? "danger" : verb === "retry" ? "primary" : ""}"
        data-click="act" value="${verb}">${icon(sign)}${label}</button>`)}`;
    return html`${head(html`${priorityIcon(task.priority)} ${line(task.title, 400)}`, html`${back} ${stateChip(task.state)}
        ${task.verified === false ? html`<span class="tag warn">unverified</span>` : ""}`, buttons)}
      <div class="tabs" role="tablist" aria-label="About ${this.#name}">${TABS.map(([name, label]) => html`<button role="tab" id="tab-${name}"
        aria-selected="${String(name === this.#tab)}" aria-controls="panel" tabindex="${name === this.#tab ? 0 : -1}" data-click="tab" value="${name}">
        ${label}${name === "attempts" && task.sessions.length ? html` <small>${task.sessions.length}</small>` : ""}</button>`)}</div>
      <div class="task-grid"><div id="panel" role="tabpanel" aria-labelledby="tab-${this.#tab}">${this.#panel()}</div><task-facts></task-facts></div>`;
  }

  #panel() {
    switch (this.#tab) {
      case "changes":
        // Without a branch there is nothing to ask for.
        return html`<diff-view data-key="diff" data-from="${this.#task.branch ? issue(this.#name, "/diff") : ""}"></diff-view>`;
      case "gate":
        return html`<task-gate data-key="gate"></task-gate>`;
      case "attempts":
        return html`<task-attempts data-key="attempts"></task-attempts>`;
      case "events":
        return html`<task-events data-key="events"></task-events>`;
    }
    return html`<task-overview data-key="overview"></task-overview>`;
  }

  drawn() {
    if (!this.#task) return;
    document.title = `${this.#name} ${line(this.#task.title)} · ${store.me?.project ?? "axon"}`;
    for (const part of this.querySelectorAll("task-overview, task-facts, task-gate, task-attempts, task-events")) {
      /** @type {any} */ (part).task = this.#task;
    }
    if (this.#inSight !== this.#tab) center(this.querySelector(".tabs"), this.querySelector("[aria-selected=true]"));
    this.#inSight = this.#tab;
  }
}

customElements.define("task-view", TaskView);
