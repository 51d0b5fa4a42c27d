// @ts-check
// The sessions of a task, by attempt, with what each has cost.

import { clock, moment, money, short } from "../lib/format.js";
import { empty } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";

class TaskAttempts extends Part {
  /** @type {any} */
  #task = null;

  /** @param {any} task */
  set task(task) {
    this.#task = task;
    this.draw();
  }

  view() {
    const sessions = this.#task?.sessions ?? [];
    if (!sessions.length) return html`<div class="card">${empty("replay", "Nobody has worked on it yet")}</div>`;
    return html`<div class="card flush scroll" tabindex="0" role="region" aria-label="Attempts"><table><thead><tr><th>Attempt</th><th>Worker</th><th>Model</th><th>Began</th>
      <th class="num">Time</th><th class="num">Turns</th><th class="num">Tokens</th><th class="num">Cost</th><th>Ended</th><th><span class="hidden">Replay</span></th></tr></thead>
      <tbody>${sessions.map((/** @type {any} */ one) => html`<tr data-key="${one.id}"><td>${one.attempt}</td><td>${one.worker}</td><td>${one.model}</td>
        <td><time>${moment(one.started_at)}</time></td><td class="num">${clock((one.ended_at ?? Date.now() / 1000) - one.started_at)}</td>
        <td class="num">${one.turns}</td><td class="num">${short(one.tokens)}</td><td class="num">${money(one.cost_usd)}</td>
        <td>${one.live ? html`<b class="good">running</b>` : String(one.outcome || "–").replaceAll("_", " ")}</td>
        <td><a class="button small" href="${to("replay", one.id)}" aria-label="Replay attempt ${one.attempt}: ${one.id}">${icon("replay")}Replay</a></td></tr>`)}</tbody></table></div>`;
  }
}

customElements.define("task-attempts", TaskAttempts);
