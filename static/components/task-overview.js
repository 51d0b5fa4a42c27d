// @ts-check
// The story of a task in words: question, description, result, findings, neighbours, comments.

import { get, issue, post } from "../lib/api.js";
import { answer, tried } from "../lib/change.js";
import { ago, line, moment, plain } from "../lib/format.js";
import { html } from "../lib/html.js";
import { icon, stateIcon, stateName } from "../lib/icons.js";
import { markdown } from "../lib/markdown.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";

class TaskOverview extends Part {
  /** @type {any} */
  #task = null;
  /** @type {any[]} */
  #reviews = [];
  #busy = false;
  #read = "";

  /** @param {any} task */
  set task(task) {
    const again = task.identifier + task.updated_at + task.sessions.length;
    this.#task = task;
    if (again !== this.#read) this.#findReviews(task.identifier);
    this.#read = again;
    this.draw();
  }

  actions = {
    answer: async (/** @type {any} */ form) => {
      const text = String(new FormData(form).get("text") ?? "").trim();
      if (text && (await answer(this.#task.identifier, text))) this.tell("changed");
    },
    comment: async (/** @type {any} */ form) => {
      const body = String(new FormData(form).get("text") ?? "").trim();
      if (!body || this.#busy) return;
      this.#busy = true;
      const done = await tried(() => post(issue(this.#task.identifier, "/comments"), { body }));
      this.#busy = false;
      if (!done) return;
      form.reset();
      this.#task = { ...this.#task, comments: done.comments };
      this.update();
    },
  };

  /** @param {string} identifier */
  async #findReviews(identifier) {
    try {
      const { events } = await get(issue(identifier, "/events?limit=1000"));
      this.#reviews = events.filter((/** @type {any} */ { action }) => action === "review" || action === "guard");
    } catch {
      this.#reviews = []; // the view says that the server is away
    }
    this.update();
  }

  view() {
    const task = this.#task;
    if (!task) return html``;
    return html`<div class="stack">${task.question ? this.#question(task) : ""}
      ${task.error && task.state !== "done" ? html`<section class="card trouble"><h2>${icon("warn")}Why the last attempt ended</h2>
        <pre>${plain(task.error)}</pre></section>` : ""}
      <section class="card"><h2>Description</h2><div class="md">${task.description
        ? markdown(task.description) : html`<p class="dim">The title says it all.</p>`}</div></section>
      ${task.result ? html`<section class="card"><h2>${icon("check")}What the agent said at the end</h2>
        <div class="md">${markdown(task.result)}</div></section>` : ""}
      ${this.#reviews.length ? this.#findings() : ""}
      ${this.#near("Parts", task.children)}${this.#near("Depends on", task.dependencies)}${this.#near("Needed by", task.dependents)}
      ${task.answers ? html`<section class="card"><h2>Asked and answered</h2><div class="md">${markdown(task.answers)}</div></section>` : ""}
      ${this.#comments(task.comments)}</div>`;
  }

  /** @param {any} task */
  #question(task) {
    return html`<form class="needs" data-submit="answer"><h2>${icon("person")}The agent asks</h2><div class="need">
      <p class="said">${plain(task.question, 6000)}</p>
      <div class="reply"><textarea name="text" rows="3" required aria-label="Answer ${task.identifier}" placeholder="Your answer"></textarea>
      <button class="button primary" title="Ctrl+Enter">${icon("send")}Answer</button></div></div></form>`;
  }

  #findings() {
    return html`<section class="card"><h2>Review</h2>${this.#reviews.slice(-6).reverse().map(({ seq, at, action, why, data, attempt }) => {
      const word = action === "guard" ? "guard" : String(data.verdict ?? "").replaceAll("_", " ");
      return html`<div class="review" data-key="r${seq}"><p><b class="${data.verdict === "approve" ? "good" : "warn"}">${word}</b>
        <time class="dim" title="${moment(at)}">${ago(at)}${attempt ? `, attempt ${attempt}` : ""}</time></p><p class="said">${plain(why, 4000)}</p>
        ${action === "review" ? html`<ul>${(data.findings ?? []).map((/** @type {any} */ one) => html`<li>${plain(one, 2000)}</li>`)}</ul>` : ""}</div>`;
    })}</section>`;
  }

  /** @param {string} title @param {any[]} tasks */
  #near(title, tasks) {
    if (!tasks.length) return "";
    return html`<section class="card flush"><h2>${title} <small>${tasks.length}</small></h2><ul class="near">${tasks.map(({ identifier, title: text, state }) =>
      html`<li><a href="${to("task", identifier)}">${stateIcon(state)}<span class="mono dim">${identifier}</span> ${line(text, 400)}
        <span class="hidden">(${stateName(state)})</span></a></li>`)}</ul></section>`;
  }

  /** @param {any[]} comments */
  #comments(comments) {
    return html`<section class="card"><h2>Comments <small>${comments.length || ""}</small></h2><ol class="comments">${comments.map(({ at, actor, body }, i) =>
      html`<li data-key="k${i}"><p class="dim"><b>${actor}</b> <time title="${moment(at)}">${ago(at)}</time></p><div class="md">${markdown(body)}</div></li>`)}</ol>
      <form class="reply" data-submit="comment"><textarea name="text" rows="2" required aria-label="Comment" placeholder="Say something: agents read comments too"></textarea>
      <button class="button" title="Ctrl+Enter">Comment</button></form></section>`;
  }
}

customElements.define("task-overview", TaskOverview);
