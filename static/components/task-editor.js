// @ts-check
// Makes a task, or changes one; when somebody else was faster, shows both versions and lets one choose.

import { etagOf, get, issue, post, put } from "../lib/api.js";
import { guard, notice } from "../lib/ask.js";
import { changes, conflicts, described, FIELDS, meant, shown, versions } from "../lib/editing.js";
import { broken } from "../lib/head.js";
import { html } from "../lib/html.js";
import { stateName } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { store } from "../lib/store.js";

/** Open the editor; null makes a new task. @param {string | null} identifier */
export function editTask(identifier) {
  if (document.querySelector("task-editor")) return;
  const editor = /** @type {any} */ (document.createElement("task-editor"));
  editor.identifier = identifier;
  document.body.append(editor);
}

const FRESH = { title: "", description: "", priority: "medium", type: "task", labels: [], depends: [], paths: [] };

class TaskEditor extends Part {
  /** @type {string | null} */
  identifier = null;
  /** @type {any} the task as it was when the editor was opened, or as somebody else left it */
  #base = null;
  /** @type {any} the newest version, when it is not the one this editor began with */
  #theirs = null;
  #failure = "";
  #preview = false;
  #busy = false;
  /** @type {Element | null} */
  #before = null;

  actions = {
    again: () => this.#load(),
    close: () => this.#dialog?.close(),
    text: (/** @type {any} */ button) => {
      this.#preview = button.value === "preview";
      this.update();
    },
    save: () => this.#save(),
  };

  get #dialog() {
    return this.querySelector("dialog");
  }

  connected() {
    this.#before = document.activeElement;
    this.#load();
  }

  async #load() {
    [this.#failure, this.#base] = ["", this.identifier ? null : FRESH];
    this.update();
    if (!this.identifier) return;
    try {
      this.#base = await get(issue(this.identifier));
    } catch (error) {
      this.#failure = /** @type {any} */ (error).message;
    }
    this.update();
  }

  #written() {
    const form = new FormData(this.querySelector("form") ?? undefined);
    /** @type {Record<string, any>} */
    const values = {};
    for (const field of FIELDS) {
      const choice = form.get(`choice-${field.name}`);
      if (choice === "theirs") values[field.name] = this.#theirs[field.name];
      else if (form.has(field.name)) values[field.name] = meant(field, String(form.get(field.name)));
    }
    return values;
  }

  async #save() {
    const base = this.#base;
    const fields = changes(base, this.#written());
    const newest = this.#theirs ?? base;
    [this.#busy, this.#failure] = [true, ""];
    this.update();
    try {
      const wanted = changes(newest, { ...fields });
      const task = !this.identifier ? await post("/api/issues", fields)
        : Object.keys(wanted).length ? await put(issue(this.identifier), wanted, etagOf(newest)) : newest;
      store.merge([task]);
      notice(this.identifier ? `${task.identifier} is saved` : `${task.identifier} is made`, { undo: true });
      this.#dialog?.close();
    } catch (error) {
      const { status, message } = /** @type {any} */ (error);
      if (status === 412 && this.identifier) await this.#clash(fields).catch((again) => (this.#failure = again.message));
      else if (status === undefined) throw error;
      else this.#failure = message;
    }
    this.#busy = false;
    this.update();
  }

  /** Somebody was faster. What only one of us changed is no conflict. @param {Record<string, any>} mine */
  async #clash(mine) {
    this.#theirs = await get(issue(/** @type {string} */ (this.identifier)));
    const both = conflicts(this.#base, mine, this.#theirs);
    this.#failure = both.length
      ? "Somebody else changed this task meanwhile. Choose for each field below, then save again."
      : "Somebody else changed other fields of this task meanwhile; theirs are kept. Save again to add yours.";
    this.draw();
    this.querySelector(".versions")?.scrollIntoView({ block: "nearest" });
  }

  view() {
    const title = this.identifier ? `Edit ${this.identifier}` : "New task";
    return html`<dialog class="sheet wide" aria-labelledby="editor-title"><form class="editor" data-submit="save">
      <h2 id="editor-title">${title}</h2>
      ${this.#base ? html`<div class="fields">${FIELDS.map((field) => this.#field(field))}</div>`
        : this.#failure ? broken(this.#failure) : ""}
      ${this.#theirs ? versions(this.#base, changes(this.#base, this.#written()), this.#theirs) : ""}
      <div class="row end"><p class="bad" role="alert">${this.#base ? this.#failure : ""}</p><button type="button" class="button" data-click="close">Cancel</button>
      <button class="button primary" title="Ctrl+Enter" ${this.#busy || !this.#base ? "disabled" : ""}>${this.identifier ? "Save" : "Make it"}</button></div></form></dialog>`;
  }

  /** @param {import("../lib/editing.js").Field} field */
  #field(field) {
    const { name, label, kind, hint = "", wide } = field;
    const value = shown(field, this.#base[name]);
    const type = kind === "whole" || kind === "number" ? "number" : kind === "moment" ? "datetime-local" : "text";
    if (kind === "long") return described(name, label, value, this.#preview, this.querySelector("textarea")?.value ?? value);
    return html`<label class="field ${wide ? "wide" : ""}"><span>${label}</span>${kind === "choice"
      ? html`<select name="${name}">${(store.me?.priorities ?? []).map((/** @type {string} */ one) =>
        html`<option value="${one}" ${one === value ? "selected" : ""}>${stateName(one)}</option>`)}</select>`
      : html`<input name="${name}" type="${type}" value="${value}" placeholder="${hint}" ${name === "title" ? html`required autofocus` : ""}
        ${kind === "whole" ? html`min="1" step="1"` : kind === "number" ? html`min="0" step="any"` : ""}>`}</label>`;
  }

  drawn() {
    const dialog = this.#dialog;
    // Not before there is something in it: the first field is to have the focus.
    if (!dialog || dialog.open || !(this.#base || this.#failure)) return;
    dialog.addEventListener("close", () => {
      this.remove();
      /** @type {any} */ (this.#before)?.focus?.();
    }, { once: true });
    guard(dialog, () => this.#base && Object.keys(changes(this.#base, this.#written())).length > 0);
    dialog.showModal();
  }
}

customElements.define("task-editor", TaskEditor);
