// @ts-check
// The facts of a task beside its story.

import { ago, clock, moment, money, plural, short } from "../lib/format.js";
import { html } from "../lib/html.js";
import { stateName } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";

class TaskFacts extends Part {
  /** @type {any} */
  #task = null;

  /** @param {any} task */
  set task(task) {
    this.#task = task;
    this.draw();
  }

  view() {
    const task = this.#task;
    if (!task) return html``;
    const code = (/** @type {any} */ value) => (value ? html`<code>${value}</code>` : "");
    const limits = [
      task.max_attempts && plural(task.max_attempts, "attempt"), task.max_turns && plural(task.max_turns, "turn"),
      task.max_minutes && plural(task.max_minutes, "minute"), task.max_usd && money(task.max_usd),
    ].filter(Boolean).join(", ");
    /** @type {[string, unknown][]} */
    const facts = [
      ["State", stateName(task.state)],
      ["Priority", stateName(task.priority)],
      ["Worker", task.owner],
      ["Attempts", task.attempts ? `${task.attempts}${task.failures ? `, ${task.failures} failed` : ""}` : ""],
      ["Cost", task.cost_usd === null ? "" : money(task.cost_usd)],
      ["Tokens", task.tokens ? short(task.tokens) : ""],
      ["Turns", task.turns || ""],
      ["Worked", task.seconds ? clock(task.seconds) : ""],
      ["Check", code(task.check)],
      ["Limits", limits],
      ["Not before", task.not_before ? moment(task.not_before) : ""],
      ["Branch", code(task.branch)],
      ["Target", code(task.target)],
      ["Landed as", code(task.landed_commit?.slice(0, 10))],
      ["Verified", task.verified === null ? "" : task.verified ? "yes, by its check" : "no: it landed without any check"],
      ["Part of", task.parent ? html`<a href="${to("task", task.parent)}">${task.parent}</a>` : ""],
      ["Labels", task.labels.map((/** @type {string} */ label) => html`<span class="tag">${label}</span> `)],
      ["Paths", task.paths.map((/** @type {string} */ path) => html`<code>${path}</code> `)],
      ["Type", task.type],
      ["Team", task.team],
      ["Project", task.project],
      ["Made", html`<time title="${moment(task.created_at)}">${ago(task.created_at)}</time>`],
      ["Changed", html`<time title="${moment(task.updated_at)}">${ago(task.updated_at)}</time>`],
    ];
    const said = facts.filter(([, value]) => value && (!Array.isArray(value) || value.length));
    return html`<aside class="card facts-box" aria-label="Facts"><dl>${said.map(([label, value]) =>
      html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
      ${task.waiting.map((/** @type {any} */ { reason, stuck }) => html`<p class="${stuck ? "bad" : "dim"}">${reason}</p>`)}</aside>`;
  }
}

customElements.define("task-facts", TaskFacts);
