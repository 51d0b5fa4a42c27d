// @ts-check
// A piece of the page: draws itself at most once a frame, and hears what happens inside it.

import { Markup } from "./html.js";
import { patch } from "./patch.js";

const HEARD = ["click", "input", "change", "submit"];

/**
 * `<button data-click="save">` calls `this.actions.save(button, event)`; likewise data-input,
 * data-change and data-submit.
 */
export class Part extends HTMLElement {
  #due = false;
  #ends = new AbortController();
  /** @type {Record<string, (element: any, event: any) => void>} */
  actions = {};

  connectedCallback() {
    this.#ends = new AbortController();
    for (const type of HEARD) this.listen(this, type, (event) => this.#hear(type, event));
    this.connected();
    this.draw();
  }

  disconnectedCallback() {
    this.#ends.abort();
    this.disconnected();
  }

  /** Aborted when the part leaves the page. */
  get signal() {
    return this.#ends.signal;
  }

  /** Until the part leaves the page. @param {EventTarget} target @param {string} type @param {(event: any) => void} hear */
  listen(target, type, hear) {
    target.addEventListener(type, hear, { signal: this.#ends.signal });
  }

  /** Draw before the next frame, however often it is asked for until then. */
  update() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      if (this.isConnected) this.draw();
    });
  }

  draw() {
    patch(this, this.view());
    this.drawn();
  }

  /** @returns {Markup} */
  view() {
    return new Markup("");
  }

  connected() {}
  disconnected() {}
  drawn() {}

  /** @param {string} name @param {unknown} [detail] */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }

  /** @param {string} type @param {any} event */
  #hear(type, event) {
    const element = event.target.closest?.(`[data-${type}]`);
    // An inner part answers for what is inside it.
    if (!element || nearest(element) !== this) return;
    if (type === "submit") event.preventDefault();
    this.actions[element.getAttribute(`data-${type}`)]?.(element, event);
  }
}

/** @param {Element | null} element */
function nearest(element) {
  for (let at = element?.parentElement; at; at = at.parentElement) {
    if (at instanceof Part) return at;
  }
  return null;
}
