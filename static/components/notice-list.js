// @ts-check
// Short notices that leave by themselves, unless somebody is looking at them.

import { notices } from "../lib/ask.js";
import { undo } from "../lib/change.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { Part } from "../lib/part.js";

const SECONDS = { good: 5, bad: 12 };

class NoticeList extends Part {
  /** @type {{id: number, text: string, bad: boolean, undo: boolean}[]} */
  #shown = [];
  #count = 0;

  actions = {
    close: (/** @type {any} */ button) => this.#drop(Number(button.value)),
    undo: (/** @type {any} */ button) => {
      this.#drop(Number(button.value));
      undo();
    },
  };

  connected() {
    this.listen(notices, "notice", ({ detail }) => {
      const id = ++this.#count;
      const others = this.#shown.filter(({ text }) => text !== detail.text)
        .map((one) => (detail.undo ? { ...one, undo: false } : one)); // it takes back the last
      this.#shown = [...others, { id, ...detail }].slice(-3);
      this.update();
      this.#later(id, detail.bad ? SECONDS.bad : SECONDS.good);
    });
  }

  /** @param {number} id @param {number} seconds */
  #later(id, seconds) {
    setTimeout(() => {
      if (this.matches(":hover, :focus-within")) this.#later(id, 2);
      else this.#drop(id);
    }, seconds * 1000);
  }

  /** @param {number} id */
  #drop(id) {
    this.#shown = this.#shown.filter((notice) => notice.id !== id);
    this.update();
  }

  view() {
    const one = (/** @type {any} */ { id, text, bad, undo }) => html`<div class="notice ${bad ? "bad" : ""}" data-key="n${id}">
      ${icon(bad ? "warn" : "check")}<p>${text}</p>
      ${undo ? html`<button class="button small" data-click="undo" value="${id}">Undo</button>` : ""}
      <button class="button small bare" data-click="close" value="${id}" aria-label="Close">${icon("close")}</button></div>`;
    return html`<div role="status">${this.#shown.filter(({ bad }) => !bad).map(one)}</div>
      <div role="alert">${this.#shown.filter(({ bad }) => bad).map(one)}</div>`;
  }
}

customElements.define("notice-list", NoticeList);
