// @ts-check
// Changes by file, inline or side by side. Long files open when they are asked for.

import { paired, pairs, rowed, rowsOf } from "../lib/diff.js";
import { empty, switcher } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { Loaded } from "../lib/loaded.js";
import { plural } from "../lib/format.js";
import { prefer, settings } from "../lib/theme.js";

const OPEN_ROWS = 400;
const MOST_ROWS = 5000;
const WORDS = { A: "new", D: "removed", R: "moved", M: "" };

/** A hash as people write it. @param {string} name */
const near = (name) => (/^[0-9a-f]{40}$/.test(name) ? name.slice(0, 10) : name);

class DiffView extends Loaded {
  /** @type {Map<string, boolean>} files a person has opened or closed */
  #open = new Map();

  connected() {
    const from = this.getAttribute("data-from");
    if (from) this.load(from);
    else this.data = { files: [] };
    Object.assign(this.actions, {
      as: (/** @type {any} */ button) => {
        prefer("diff", button.value);
        this.update();
      },
      fold: (/** @type {any} */ button) => {
        this.#open.set(button.value, button.getAttribute("aria-expanded") !== "true");
        this.update();
      },
      jump: (/** @type {any} */ button) => {
        this.#open.set(button.value, true);
        this.draw();
        this.querySelector(`[data-key="${CSS.escape(`file-${button.value}`)}"]`)?.scrollIntoView({ block: "start" });
      },
    });
  }

  /** @param {any} data */
  show({ base, head, files, truncated }) {
    if (!files.length) return html`<div class="card">${empty("file", "Nothing has been changed yet")}</div>`;
    const added = files.reduce((/** @type {number} */ sum, /** @type {any} */ file) => sum + file.added, 0);
    const removed = files.reduce((/** @type {number} */ sum, /** @type {any} */ file) => sum + file.removed, 0);
    const shapes = /** @type {[string, string][]} */ ([["inline", "Inline"], ["split", "Side by side"]]);
    return html`<div class="stack"><div class="diff-head card"><p>${plural(files.length, "file")} <span class="good">+${added}</span> <span class="bad">−${removed}</span>
        <span class="dim">${near(base)} … ${near(head)}</span></p>${switcher("as", "Show changes", shapes, settings.diff)}
      ${files.length > 1 ? html`<ul class="diff-files">${files.map((/** @type {any} */ file) => html`<li><button class="bare-link" data-click="jump" value="${file.path}">${icon("file")}
        <span>${file.path}</span><small><span class="good">+${file.added}</span> <span class="bad">−${file.removed}</span></small></button></li>`)}</ul>` : ""}</div>
      ${truncated ? html`<p class="banner">${icon("warn")}The changes are too many to show all of them; git has the rest.</p>` : ""}
      ${files.map((/** @type {any} */ file) => this.#file(file))}</div>`;
  }

  /** @param {any} file */
  #file(file) {
    const rows = rowsOf(file.patch ?? "");
    const open = this.#open.get(file.path) ?? rows.length <= OPEN_ROWS;
    const word = WORDS[/** @type {keyof typeof WORDS} */ (file.status)] ?? "";
    return html`<section class="card flush diff-file" data-key="file-${file.path}"><h2><button data-click="fold" value="${file.path}" aria-expanded="${String(open)}">
      ${icon("low")}<span class="mono">${file.old_path && file.old_path !== file.path ? `${file.old_path} → ` : ""}${file.path}</span>
      ${word ? html`<span class="tag">${word}</span>` : ""}<small><span class="good">+${file.added}</span> <span class="bad">−${file.removed}</span></small></button></h2>
      ${open ? this.#rows(file, rows) : ""}</section>`;
  }

  /** @param {any} file @param {import("../lib/diff.js").Row[]} rows */
  #rows(file, rows) {
    if (file.binary) return html`<p class="pad dim">A binary file.</p>`;
    if (!rows.length) return html`<p class="pad dim">No line of it differs.</p>`;
    const some = rows.slice(0, MOST_ROWS);
    const body = settings.diff === "split" ? paired(pairs(some)) : rowed(some);
    return html`<div class="scroll" tabindex="0" role="region" aria-label="Changes of ${file.path}">${body}</div>
      ${rows.length > MOST_ROWS ? html`<p class="pad dim">${rows.length - MOST_ROWS} more lines are not shown.</p>` : ""}`;
  }
}

customElements.define("diff-view", DiffView);
