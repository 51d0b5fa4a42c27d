// @ts-check
// Pieces that all views share: their heading, and what they show instead of content.

import { html } from "./html.js";
import { icon } from "./icons.js";

/** @param {unknown} title @param {unknown} [sub] @param {unknown} [actions] */
export const head = (title, sub = "", actions = "") => html`<header class="head">
  <div class="titles"><h1>${title}</h1>${sub ? html`<p>${sub}</p>` : ""}</div>
  <div class="actions">${actions}</div></header>`;

/** @param {string} sign @param {string} title @param {unknown} [text] */
export const empty = (sign, title, text = "") => html`<div class="empty">${icon(sign)}
  <p class="strong">${title}</p>${text ? html`<p>${text}</p>` : ""}</div>`;

/** @param {string} message */
export const broken = (message) => html`<div class="empty bad" role="alert">${icon("warn")}
  <p class="strong">${message}</p><button class="button" data-click="again">Try again</button></div>`;

/** Lines where content is about to stand. @param {number} lines */
export const loading = (lines) => html`<div class="loading" data-key="loading" aria-busy="true" role="status">
  <span class="hidden">Loading</span>${Array.from({ length: lines }, () => html`<i></i>`)}</div>`;

/** @param {string} label @param {unknown} value @param {unknown} [more] */
export const stat = (label, value, more = "") => html`<div class="stat"><dt>${label}</dt>
  <dd>${value}</dd>${more ? html`<dd class="more">${more}</dd>` : ""}</div>`;

/**
 * Buttons of which one is pressed.
 * @param {string} action
 * @param {string} label
 * @param {[string, unknown][]} options
 * @param {string} chosen
 */
export const switcher = (action, label, options, chosen) => html`<div class="switch" role="group" aria-label="${label}">
  ${options.map(([value, text]) => html`<button type="button" data-click="${action}" value="${value}"
    aria-pressed="${String(value === chosen)}">${text}</button>`)}</div>`;
