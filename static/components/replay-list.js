// @ts-check
// The events of a session, a line each; only those in sight are drawn.

import { clock } from "../lib/format.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { SIGNS, told } from "../lib/telling.js";
import { reveal, slice } from "../lib/windowed.js";

const ROW = 28;

class ReplayList extends Part {
  /** @type {any} */
  #shown = null;
  #index = -1;

  /** @param {any} shown */
  set shown(shown) {
    this.#shown = shown;
    if (shown.index !== this.#index) {
      this.#index = shown.index;
      this.draw(); // the rows must be there before one can scroll to them
      const list = this.querySelector(".tape");
      const top = list ? reveal(shown.index, ROW, list.scrollTop, list.clientHeight) : null;
      if (list && top !== null) list.scrollTop = top;
    }
    this.draw();
  }

  actions = { go: (/** @type {any} */ row) => this.tell("seek", { index: Number(row.dataset.index) }) };

  connected() {
    this.addEventListener("scroll", () => this.update(), { capture: true, passive: true, signal: this.signal });
    this.listen(window, "resize", () => this.update());
  }

  view() {
    const shown = this.#shown;
    if (!shown) return html``;
    const list = this.querySelector(".tape");
    const { first, last, above, below } = slice(shown.size, ROW, list?.scrollTop ?? 0, list?.clientHeight || 700, 10);
    return html`<div class="tape card flush" tabindex="0" role="region" aria-label="Events of the session"><i data-style="height:${above}px"></i>
      ${shown.recording.events.slice(first, last).map((/** @type {any} */ event, /** @type {number} */ i) => this.#row(event, first + i))}
      <i data-style="height:${below}px"></i></div>`;
  }

  /** @param {any} event @param {number} index */
  #row(event, index) {
    const { recording, found } = this.#shown;
    const lane = recording.agents.indexOf(event.agent ?? "");
    const here = index === this.#index;
    return html`<p class="beat k-${event.kind}" data-key="b${index}" data-index="${index}" data-click="go" ${here ? html`aria-current="true"` : ""} data-found="${String(found.has(event.seq))}">
      <time>${clock(event.time)}</time><i class="lane-dot lane-${lane % 5}" title="${event.agent || "main"}"></i>${icon(SIGNS[event.kind] ?? "more")}<span>${told(event)}</span></p>`;
  }
}

customElements.define("replay-list", ReplayList);
