// @ts-check
// What goes on now: the run, who works on what, what waits, and what needs a person.

import { confirm } from "../lib/ask.js";
import { steer } from "../lib/change.js";
import { clock, money, plural, short, span, timeOf } from "../lib/format.js";
import { broken, head, loading, stat } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon, stateIcon, stateName } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { line } from "../lib/format.js";
import { store } from "../lib/store.js";
import { reload } from "../lib/sync.js";
import "./event-stream.js";
import "./need-list.js";
import "./wait-list.js";
import "./worker-list.js";

const ORDER = ["done", "review", "in_progress", "todo", "blocked", "failed", "canceled"];

class LiveView extends Part {
  place = null;

  actions = {
    again: () => reload(),
    pause: () => steer("pause"),
    resume: () => steer("resume"),
    stop: async () => {
      const text = "Running work is parked, not lost: the next run goes on with it.";
      if (await confirm({ title: "Stop the run?", text, action: "Stop it", danger: true })) steer("stop");
    },
  };

  connected() {
    for (const name of ["team", "issues"]) this.listen(store, name, () => this.update());
  }

  view() {
    const { team, failure } = store;
    if (!team) return html`${head("Live", " ")}${failure ? broken(failure) : loading(8)}`;
    return html`${head("Live", this.#run(), this.#buttons())}
      ${team.holding ? this.#held(team.holding, "The team holds") : ""}
      ${team.paused ? this.#held(team.paused, "Paused") : ""}
      <need-list></need-list>
      ${this.#progress()}
      <div class="live-grid"><div class="stack"><worker-list></worker-list><wait-list></wait-list></div>
      <event-stream></event-stream></div>`;
  }

  #run() {
    const { run } = store.team;
    if (!run?.alive) {
      const last = run ? ` The last one ended${run.ended_at ? ` at ${timeOf(run.ended_at)}` : ""}${
        run.halt_reason ? `: ${line(run.halt_reason)}` : ""}.` : "";
      return html`No run now: <code>axon team</code> starts one.${last}`;
    }
    return html`On <code>${run.target}</code> with ${plural(run.workers, "worker")} (${run.engine}),
      since ${timeOf(run.started_at)}${run.stop_requested ? " · ending" : ""}`;
  }

  #buttons() {
    const { run, paused } = store.team;
    return html`${paused
      ? html`<button class="button primary" data-click="resume">${icon("play")}Resume</button>`
      : html`<button class="button" data-click="pause">${icon("pause")}Pause</button>`}
      <button class="button danger" data-click="stop" ${run?.alive && !run.stop_requested ? "" : "disabled"}>
        ${icon("stop")}Stop</button>`;
  }

  /** @param {{reason: string, until: number | null}} held @param {string} word */
  #held({ reason, until }, word) {
    const left = until ? Math.max(0, until - Date.now() / 1000) : 0;
    return html`<p class="banner" role="status">${icon("pause")}<b>${word}</b>
      <span>${line(reason) || "by a person"}${until ? ` · until ${timeOf(until)} (${span(left)})` : ""}</span></p>`;
  }

  #progress() {
    const { progress, counts, spend } = store.team;
    const all = ORDER.filter((state) => counts[state]);
    const total = all.reduce((sum, state) => sum + counts[state], 0);
    return html`<section class="card progress" aria-label="Progress">
      <div class="bar" role="img" aria-label="${all.map((s) => `${counts[s]} ${stateName(s)}`).join(", ") || "no tasks"}">
        ${all.map((state) => html`<i data-state="${state}" data-style="flex-grow:${counts[state]}"></i>`)}</div>
      <dl class="stats">
        ${stat("Landed", html`${progress.done}<small> of ${progress.total}</small>`,
          `${Math.round(progress.percent ?? 0)}%`)}
        ${stat("Left", clock(progress.eta_seconds), "estimated")}
        ${stat("Spent", money(spend.usd), spend.budget_usd ? `of ${money(spend.budget_usd)}` : "no budget set")}
        ${stat("Tokens", short(spend.tokens), "in and out")}</dl>
      <ul class="legend">${ORDER.map((state) => html`<li><a href="#/board?state=${state}">${stateIcon(state)}
        ${stateName(state)} <b>${counts[state] ?? 0}</b></a></li>`)}</ul>
      ${total ? "" : html`<p class="dim">There are no tasks yet: make one with <kbd>c</kbd>, or import a list.</p>`}</section>`;
  }
}

customElements.define("live-view", LiveView);
