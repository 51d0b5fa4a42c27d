// @ts-check
// What needs a person: questions, answerable in place, tasks that were given up, what stands still.

import { act, answer } from "../lib/change.js";
import { ago, line, plain, plural } from "../lib/format.js";
import { html } from "../lib/html.js";
import { icon, stateIcon } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";
import { store } from "../lib/store.js";

const MOST_FAILED = 5;

class NeedList extends Part {
  #busy = "";

  actions = {
    answer: async (/** @type {HTMLFormElement} */ form) => {
      const text = String(new FormData(form).get("text") ?? "").trim();
      if (!text) return;
      this.#busy = String(form.dataset.task);
      this.update();
      if (await answer(this.#busy, text)) form.reset();
      this.#busy = "";
      this.update();
    },
    retry: (/** @type {any} */ button) => act([store.issues.get(button.value)], "retry"),
    cancel: (/** @type {any} */ button) => act([store.issues.get(button.value)], "cancel"),
  };

  connected() {
    for (const name of ["team", "issues"]) this.listen(store, name, () => this.update());
  }

  view() {
    const asked = (store.team?.questions ?? []).filter(
      (/** @type {any} */ { identifier }) => (store.issues.get(identifier)?.state ?? "blocked") === "blocked",
    );
    const failed = [...store.issues.values()].filter(({ state }) => state === "failed");
    const names = new Set(asked.map((/** @type {any} */ one) => one.identifier));
    const still = (store.team?.concerns ?? []).filter((/** @type {any} */ { subject }) => !names.has(subject));
    if (!asked.length && !failed.length && !still.length) return html``;
    const counts = [asked.length && plural(asked.length, "open question"), failed.length && `${failed.length} failed`,
      still.length && `${still.length} stuck`].filter(Boolean);
    return html`<section class="needs" aria-label="What needs you">
      <h2>${icon("person")}Needs you <small>${counts.join(" · ")}</small></h2>
      ${asked.map((/** @type {any} */ one) => this.#question(one))}
      ${failed.slice(0, MOST_FAILED).map((task) => this.#failed(task))}
      ${still.slice(0, MOST_FAILED).map((/** @type {any} */ one) => this.#still(one))}
      ${failed.length > MOST_FAILED ? html`<p><a href="#/board?state=failed">All ${failed.length} failed tasks</a></p>` : ""}
    </section>`;
  }

  /** @param {any} asked */
  #question({ identifier, title, question, at }) {
    const busy = this.#busy === identifier;
    return html`<form class="need question" data-key="q-${identifier}" data-submit="answer" data-task="${identifier}">
      <p class="who">${stateIcon("blocked")}<a href="${to("task", identifier)}"><b>${identifier}</b> ${line(title)}</a>
        <time>${ago(at)}</time></p>
      <p class="said">${plain(question, 4000)}</p>
      <div class="reply"><textarea name="text" rows="2" required placeholder="Your answer"
        aria-label="Answer ${identifier}"></textarea>
      <button class="button primary" ${busy ? "disabled" : ""} title="Ctrl+Enter">${icon("send")}Answer</button></div></form>`;
  }

  /** Lists of tasks leave the long texts out; the history has the reason. @param {any} task */
  #why({ identifier, error, attempts }) {
    const last = store.events.findLast((event) => event.identifier === identifier && event.after === "failed");
    return line(error || last?.why) || `given up after ${plural(attempts, "attempt")}`;
  }

  /** @param {any} concern */
  #still({ kind, subject, what, fix }) {
    const task = kind === "stale_task" ? html`<a href="${to("task", subject)}"><b>${subject}</b></a>` : html`<b>${subject}</b>`;
    return html`<div class="need still" data-key="s-${kind}-${subject}"><p class="who">${icon("clock")}${task}</p>
      <p class="said one">${line(what)}</p>${fix ? html`<p class="dim">${line(fix)}</p>` : ""}</div>`;
  }

  /** @param {any} task */
  #failed(task) {
    return html`<div class="need failed" data-key="f-${task.identifier}">
      <p class="who">${stateIcon("failed")}<a href="${to("task", task.identifier)}"><b>${task.identifier}</b>
        ${line(task.title)}</a></p>
      <p class="said one">${this.#why(task)}</p>
      <div class="acts"><button class="button small" data-click="retry" value="${task.identifier}">${icon("retry")}Retry</button>
      <button class="button small" data-click="cancel" value="${task.identifier}">Cancel task</button></div></div>`;
  }
}

customElements.define("need-list", NeedList);
