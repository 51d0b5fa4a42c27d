// @ts-check
// What the gate said, each time it ran.

import { issue } from "../lib/api.js";
import { moment, plain, span } from "../lib/format.js";
import { empty } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { Loaded, markOf } from "../lib/loaded.js";
import { to } from "../lib/route.js";

class TaskGate extends Loaded {
  /** @param {any} task */
  set task(task) {
    if (task) this.load(issue(task.identifier, "/gate"), markOf(task));
  }

  /** @param {any} data */
  show({ runs }) {
    if (!runs.length) return html`<div class="card">${empty("check", "The gate has not run yet", "Its output shows here.")}</div>`;
    return html`<div class="stack">${runs.map((/** @type {any} */ run, /** @type {number} */ i) => html`<details class="card flush gate" data-key="g${run.at}" ${i ? "" : html`open`}>
      <summary><span class="${run.passed ? "good" : "bad"}">${icon(run.passed ? "check" : "close")}<b>${run.passed ? "Green" : "Red"}</b></span>
        ${run.attempt ? html`<span>attempt ${run.attempt}</span>` : ""}<span class="dim">${run.where === "workspace" ? "in the workspace" : "on the merged tree"}</span>
        <span class="dim">${span(run.seconds)}</span><time class="dim">${moment(run.at)}</time></summary>
      <pre tabindex="0">${run.output === null ? "(the output is not kept any more)" : plain(run.output, 60_000) || "(no output)"}</pre>
      ${run.session ? html`<p class="pad"><a href="${to("replay", run.session)}">Replay of this attempt</a></p>` : ""}</details>`)}</div>`;
  }
}

customElements.define("task-gate", TaskGate);
