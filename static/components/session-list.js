// @ts-check
// All recorded sessions, newest first, a page at a time.

import { get } from "../lib/api.js";
import { ago, clock, line, money, plural, short } from "../lib/format.js";
import { broken, empty, head, loading } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";
import { store } from "../lib/store.js";

const PAGE = 50;

class SessionList extends Part {
  /** @type {any} */
  #data = null;
  #offset = 0;
  #task = "";
  #failure = "";

  actions = {
    again: () => this.#load(),
    task: (/** @type {any} */ input) => {
      [this.#task, this.#offset] = [input.value.trim().toUpperCase(), 0];
      this.#load();
    },
    older: () => this.#page(PAGE),
    newer: () => this.#page(-PAGE),
  };

  connected() {
    this.#load();
    this.listen(store, "events", () => {
      const { action } = store.events.at(-1) ?? {};
      if (action === "session" || action === "submit" || action === "land") this.#load();
    });
  }

  /** @param {number} by */
  #page(by) {
    this.#offset = Math.max(0, this.#offset + by);
    this.#load();
  }

  async #load() {
    const about = this.#task ? `&identifier=${encodeURIComponent(this.#task)}` : "";
    try {
      this.#data = await get(`/api/sessions?limit=${PAGE}&offset=${this.#offset}${about}`, this.signal);
      this.#failure = "";
    } catch (error) {
      if (this.signal.aborted) return;
      this.#failure = /** @type {any} */ (error).message;
    }
    this.update();
  }

  view() {
    const data = this.#data;
    const find = html`<input class="small" type="search" placeholder="Task, as ENG-1" aria-label="Sessions of a task" data-change="task">`;
    return html`<div class="listing">${head("Replay", data ? plural(data.total, "recorded session") : " ", find)}
      ${data ? this.#table(data) : this.#failure ? broken(this.#failure) : loading(8)}</div>`;
  }

  /** @param {any} data */
  #table({ sessions, total }) {
    if (!sessions.length) return html`<div class="card">${empty("replay", "Nothing is recorded", this.#task ? "No session of that task." : "Each attempt of a task is recorded while it runs.")}</div>`;
    return html`<div class="card flush scroll" tabindex="0" role="region" aria-label="Sessions"><table class="sessions"><thead><tr><th>Task</th><th>Title</th><th>Attempt</th><th>Worker</th><th>Model</th>
      <th class="num">Began</th><th class="num">Time</th><th class="num">Turns</th><th class="num">Tokens</th><th class="num">Cost</th><th>Ended</th></tr></thead><tbody>${sessions.map(
      (/** @type {any} */ one) => html`<tr data-key="${one.id}"><td class="mono"><a href="${to("task", one.identifier)}">${one.identifier}</a></td>
        <td class="title"><a href="${to("replay", one.id)}">${line(one.title || one.id, 100)}</a></td><td>${one.attempt}</td><td>${one.worker}</td><td>${one.model}</td>
        <td class="num">${ago(one.started_at)}</td><td class="num">${clock((one.ended_at ?? Date.now() / 1000) - one.started_at)}</td><td class="num">${one.turns}</td>
        <td class="num">${short(one.tokens)}</td><td class="num">${money(one.cost_usd)}</td>
        <td>${one.live ? html`<b class="good">${icon("live")}live</b>` : String(one.outcome || "–").replaceAll("_", " ")}</td></tr>`)}</tbody></table></div>
      ${total > PAGE ? html`<div class="row end"><button class="button" data-click="newer" ${this.#offset ? "" : "disabled"}>Newer</button>
        <button class="button" data-click="older" ${this.#offset + PAGE < total ? "" : "disabled"}>Older</button></div>` : ""}`;
  }
}

customElements.define("session-list", SessionList);
