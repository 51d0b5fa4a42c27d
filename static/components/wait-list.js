// @ts-check
// Tasks that nobody can begin yet, and what they wait for.

import { line, when } from "../lib/format.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";
import { store } from "../lib/store.js";

const MOST = 12;

class WaitList extends Part {
  connected() {
    for (const name of ["team", "issues"]) this.listen(store, name, () => this.update());
  }

  view() {
    const now = Date.now() / 1000;
    const waiting = store.team?.waiting ?? [];
    const later = [...store.issues.values()].filter(({ state, not_before }) => state === "todo" && not_before > now);
    const all = [
      ...waiting.map((/** @type {any} */ one) => ({ ...one, sign: one.stuck ? "warn" : "link" })),
      ...later.map(({ identifier, title, not_before }) =>
        ({ identifier, title, reason: `not before ${when(not_before)}`, stuck: false, sign: "clock" })),
    ].sort((a, b) => Number(b.stuck) - Number(a.stuck));
    if (!all.length) return html``;
    return html`<section class="card flush" aria-label="Waiting"><h2>Waiting <small>${all.length}</small></h2>
      <ul class="waiting">${all.slice(0, MOST).map(({ identifier, title, reason, stuck, sign, on }) => html`
        <li data-key="${identifier}-${on ?? "later"}"><a href="${to("task", identifier)}"><b>${identifier}</b> ${line(title, 100)}</a>
        <span class="${stuck ? "bad" : "dim"}">${icon(sign, stuck ? "stuck" : "")}${line(reason, 160)}</span></li>`)}</ul>
      ${all.length > MOST ? html`<p class="dim pad">and ${all.length - MOST} more</p>` : ""}</section>`;
  }
}

customElements.define("wait-list", WaitList);
