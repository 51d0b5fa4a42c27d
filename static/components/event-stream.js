// @ts-check
// Everything that happens, newest first; only what is in sight is drawn.

import { line, moment, stamp } from "../lib/format.js";
import { empty, switcher } from "../lib/head.js";
import { html } from "../lib/html.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";
import { store } from "../lib/store.js";
import { slice } from "../lib/windowed.js";
import { detailOf, isNews, moodOf, wordOf } from "../lib/words.js";

const ROW = 28;
/** @type {[string, string][]} */
const KINDS = [["news", "News"], ["all", "All"], ["bad", "Trouble"]];

class EventStream extends Part {
  #kind = "all";
  #text = "";
  /** @type {any[]} */
  #rows = [];
  #newest = 0;

  actions = {
    kind: (/** @type {any} */ button) => {
      this.#kind = button.value;
      this.#sift();
    },
    text: (/** @type {any} */ input) => {
      this.#text = input.value.toLowerCase();
      this.#sift();
    },
  };

  connected() {
    this.#rows = this.#chosen(); // at once: what comes later would move what is below
    this.listen(store, "events", () => this.#sift());
    this.addEventListener("scroll", () => this.update(), { capture: true, passive: true, signal: this.signal });
    this.listen(window, "resize", () => this.update());
  }

  #due = false;
  #sift() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#rows = this.#chosen();
      this.#stay();
      this.update();
    });
  }

  #chosen() {
    return store.events.filter((event) => this.#wanted(event)).reverse();
  }

  /** Whoever has scrolled down goes on seeing the same lines. */
  #stay() {
    const list = this.querySelector(".events");
    const added = this.#rows.findIndex(({ seq }) => seq <= this.#newest);
    if (list && list.scrollTop > ROW && added > 0) list.scrollTop += added * ROW;
    this.#newest = this.#rows[0]?.seq ?? 0;
  }

  /** @param {any} event */
  #wanted(event) {
    if (this.#kind === "news" && !isNews(event)) return false;
    if (this.#kind === "bad" && !["bad", "warn"].includes(moodOf(event))) return false;
    if (!this.#text) return true;
    const words = `${event.identifier} ${event.actor} ${wordOf(event)} ${event.why}`;
    return words.slice(0, 2000).toLowerCase().includes(this.#text);
  }

  view() {
    const list = this.querySelector(".events");
    const { first, last, above, below } = slice(this.#rows.length, ROW, list?.scrollTop ?? 0, list?.clientHeight || 600);
    return html`<section class="card flush" aria-label="Events"><div class="bar-head"><h2>Events</h2>
      ${switcher("kind", "Which events", KINDS, this.#kind)}
      <input type="search" class="small" placeholder="Task, actor, word" aria-label="Filter events" data-input="text"></div>
      ${this.#rows.length ? "" : empty("list", store.events.length ? "No event is like that" : "Nothing has happened yet")}
      <div class="events" tabindex="0" role="region" aria-label="Stream of events" ${this.#rows.length ? "" : "hidden"}>
        <i data-style="height:${above}px"></i>
        ${this.#rows.slice(first, last).map((event) => this.#event(event))}
        <i data-style="height:${below}px"></i></div></section>`;
  }

  /** @param {any} event */
  #event(event) {
    return html`<p class="event" data-key="e${event.seq}" data-mood="${moodOf(event)}"><time title="${moment(event.at)}">${stamp(event.at)}</time>
      ${event.identifier ? html`<a href="${to("task", event.identifier)}">${event.identifier}</a>` : html`<span class="dim">run</span>`}
      <b>${wordOf(event)}</b><span class="detail">${line(detailOf(event, store.issues.get(event.identifier)), 300)}</span></p>`;
  }
}

customElements.define("event-stream", EventStream);
