// @ts-check
// Each worker with its task, what it does this second, and what that has cost.

import { act, message } from "../lib/change.js";
import { clock, line, money, short } from "../lib/format.js";
import { empty } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";
import { store } from "../lib/store.js";

class WorkerList extends Part {
  #tick = 0;

  actions = {
    cancel: (/** @type {any} */ button) => act([store.issues.get(button.value)].filter(Boolean), "cancel"),
    tell: (/** @type {any} */ button) => message(button.value),
  };

  connected() {
    this.listen(store, "team", () => this.update());
    this.#tick = setInterval(() => store.team?.workers?.length && this.update(), 1000);
  }

  disconnected() {
    clearInterval(this.#tick);
  }

  view() {
    const { workers = [], seen = 0 } = store.team ?? {};
    const passed = Date.now() / 1000 - seen;
    return html`<section class="card flush" aria-label="Workers"><h2>Workers <small>${workers.length || ""}</small></h2>
      ${workers.length
        ? html`<ul class="workers">${workers.map((/** @type {any} */ one) => this.#worker(one, passed))}</ul>`
        : empty("live", "Nobody works", "Workers show here while a run is on.")}</section>`;
  }

  /** @param {any} worker @param {number} passed since the facts were told */
  #worker(worker, passed) {
    const { name, identifier, title, attempt, doing, tool, session } = worker;
    const on = Boolean(identifier);
    const facts = [
      ["turns", on ? short(worker.turns) : "–"],
      ["tokens", on ? short(worker.tokens) : "–"],
      ["cost", on ? money(worker.cost_usd) : "–"],
      ["time", on && worker.elapsed_seconds !== null ? clock(worker.elapsed_seconds + passed) : "–"],
      ["left", on && worker.eta_seconds !== null ? `~${clock(worker.eta_seconds - passed)}` : "–"],
    ];
    return html`<li class="worker" data-key="w-${name}" data-busy="${String(on)}">
      <p class="who"><i class="dot"></i><b>${name}</b>${on ? html`<a href="${to("task", identifier)}"><b>${identifier}</b>
        ${line(title, 120)}</a>${attempt > 1 ? html`<span class="tag">attempt ${attempt}</span>` : ""}` : html`<span class="dim">idle</span>`}</p>
      <p class="doing">${on ? html`${icon(tool ? "tool" : "text")}<span>${line(doing, 160)}</span>` : ""}</p>
      <p class="last">${line(worker.line, 300)}</p>
      <dl class="facts">${facts.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
      <div class="acts">${session ? html`<a class="button small bare" href="${to("replay", session)}"
          aria-label="Watch ${identifier}" title="Watch the session">${icon("replay")}</a>` : ""}
        ${on ? html`<button class="button small bare" data-click="tell" value="${identifier}"
          aria-label="Tell the agent of ${identifier} something" title="Tell the agent something">${icon("send")}</button>
        <button class="button small bare" data-click="cancel" value="${identifier}"
          aria-label="Cancel ${identifier}" title="Cancel the task">${icon("close")}</button>` : ""}</div></li>`;
  }
}

customElements.define("worker-list", WorkerList);
