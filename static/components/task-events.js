// @ts-check
// The history of a task, newest first.

import { issue } from "../lib/api.js";
import { line, moment, timeOf } from "../lib/format.js";
import { empty } from "../lib/head.js";
import { html } from "../lib/html.js";
import { Loaded } from "../lib/loaded.js";
import { store } from "../lib/store.js";
import { detailOf, moodOf, wordOf } from "../lib/words.js";

class TaskEvents extends Loaded {
  /** @type {any} */
  #about = null;

  /** @param {any} task */
  set task(task) {
    if (!task) return;
    this.#about = task;
    const last = store.events.findLast(({ identifier }) => identifier === task.identifier)?.seq ?? 0;
    this.load(issue(task.identifier, "/events?limit=1000"), `${task.identifier} ${last} ${task.updated_at}`);
  }

  /** @param {any} data */
  show({ events }) {
    if (!events.length) return html`<div class="card">${empty("list", "Nothing has happened yet")}</div>`;
    return html`<div class="card flush"><ol class="history">${[...events].reverse().map((event) => html`<li class="event" data-key="h${event.seq}" data-mood="${moodOf(event)}">
      <time title="${moment(event.at)}">${new Date(event.at * 1000).toLocaleDateString("en-GB", { day: "2-digit", month: "short" })} ${timeOf(event.at)}</time>
      <b>${wordOf(event)}</b><span class="dim actor">${event.actor}</span><span class="detail" title="${line(event.why, 1000)}">${line(detailOf(event, this.#about), 400)}</span></li>`)}</ol></div>`;
  }
}

customElements.define("task-events", TaskEvents);
