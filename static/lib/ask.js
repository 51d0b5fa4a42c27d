// @ts-check
// Questions of the page itself: small dialogs that answer a promise, and short notices.

import { html, Markup } from "./html.js";
import { patch } from "./patch.js";

let opened = 0;

/**
 * Show `body` in a dialog; answers the value of the button that closed it, "" when dismissed.
 * @param {{title: string, body: Markup, wide?: boolean}} what
 * @returns {Promise<{value: string, form: FormData}>}
 */
export function dialog({ title, body, wide }) {
  const element = document.createElement("dialog");
  const name = `dialog-${++opened}`;
  element.className = wide ? "sheet wide" : "sheet";
  element.setAttribute("aria-labelledby", name);
  patch(element, html`<form method="dialog"><h2 id="${name}">${title}</h2>${body}</form>`);
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  document.body.append(element);
  return new Promise((resolve) => {
    let outside = false; // where the press began: a text may be marked beyond the edge
    element.addEventListener("pointerdown", ({ target }) => (outside = target === element));
    element.addEventListener("click", ({ target }) => outside && target === element && element.close(""));
    element.addEventListener("keydown", (event) => arrows(element, event));
    element.addEventListener("close", () => {
      const form = element.querySelector("form");
      const found = { value: element.returnValue, form: new FormData(form ?? undefined) };
      element.remove();
      before?.focus();
      resolve(found);
    });
    element.showModal();
  });
}

/** @param {HTMLElement} element @param {KeyboardEvent} event */
function arrows(element, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const options = [...element.querySelectorAll(".option")];
  const at = options.indexOf(/** @type {Element} */ (document.activeElement));
  if (!step || at < 0) return;
  event.preventDefault();
  /** @type {HTMLElement} */ (options[(at + step + options.length) % options.length]).focus();
}

/** @param {{title: string, text: string, action: string, danger?: boolean}} what */
export async function confirm({ title, text, action, danger }) {
  const body = html`<p>${text}</p>
    <div class="row end"><button class="button" value="" formnovalidate>Keep</button>
    <button class="button ${danger ? "danger" : "primary"}" value="yes" autofocus>${action}</button></div>`;
  return (await dialog({ title, body })).value === "yes";
}

/** Esc leaves `dialog` at once only while nothing is lost by that. @param {HTMLDialogElement} dialog @param {() => boolean} loses */
export function guard(dialog, loses) {
  dialog.addEventListener("cancel", async (event) => {
    if (event.target !== dialog || !loses()) return;
    event.preventDefault();
    if (await confirm({ title: "Leave without saving?", text: "What you have written is lost.", action: "Leave", danger: true })) dialog.close();
  });
}

/** @param {{title: string, options: {value: string, label: unknown}[], empty?: string}} what */
export async function choose({ title, options, empty = "There is nothing to choose from." }) {
  const body = options.length
    ? html`<div class="options">${options.map(({ value, label }, i) =>
      html`<button class="option" value="${value}" ${i ? "" : new Markup("autofocus")}>${label}</button>`)}</div>`
    : html`<p>${empty}</p>`;
  const close = html`<div class="row end"><button class="button" value="">Close</button></div>`;
  return (await dialog({ title, body: html`${body}${close}` })).value;
}

/** A line of text, or "" when dismissed. @param {{title: string, label: string, action: string}} what */
export async function prompt({ title, label, action }) {
  const body = html`<label class="field"><span>${label}</span>
    <textarea name="text" rows="4" required autofocus></textarea></label>
    <div class="row end"><button class="button" value="" formnovalidate>Cancel</button>
    <button class="button primary" value="yes">${action}</button></div>`;
  const { value, form } = await dialog({ title, body });
  return value === "yes" ? String(form.get("text") ?? "").trim() : "";
}

/** Heard by the notices at the edge of the page. */
export const notices = new EventTarget();

/** @param {string} text @param {{bad?: boolean, undo?: boolean}} [more] */
export function notice(text, { bad = false, undo = false } = {}) {
  notices.dispatchEvent(new CustomEvent("notice", { detail: { text, bad, undo } }));
}
