// @ts-check
// Tasks as files: out in four forms, in with a look beforehand.

import { post } from "../lib/api.js";
import { notice } from "../lib/ask.js";
import { tried } from "../lib/change.js";
import { line, plural, size } from "../lib/format.js";
import { head } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon, stateIcon } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";
import { reload } from "../lib/sync.js";

const FORMS = [
  ["markdown", "Markdown", "A check list to read and edit"], ["json", "JSON", "Everything, comments too"],
  ["jsonl", "JSON lines", "A task a line, for other programs"], ["csv", "CSV", "For a spreadsheet"],
];
const CONFLICTS = [["skip", "leave it as it is"], ["update", "update it"], ["duplicate", "make a second one"]];
const TOOLS = ["Markdown", "JSON", "CSV", "Symphony", "beads", "task-master", "vibe-kanban", "Linear", "GitHub"];
const MOST = 8 << 20;

class ExchangeView extends Part {
  place = null;
  /** @type {{name: string, content: string} | null} */
  #file = null;
  /** @type {any} */
  #found = null;
  #conflict = "skip";
  #tool = "";
  #busy = false;
  #turn = 0; // only the newest look counts

  actions = {
    file: (/** @type {any} */ input) => this.#take(input.files[0]),
    pick: () => /** @type {any} */ (this.querySelector("[type=file]")).click(),
    conflict: (/** @type {any} */ select) => {
      this.#conflict = select.value;
      this.#send(true);
    },
    tool: (/** @type {any} */ select) => {
      this.#tool = select.value;
      this.#send(true);
    },
    typed: (/** @type {any} */ form) => {
      const content = String(new FormData(form).get("text") ?? "");
      if (content.trim()) this.#look({ name: "tasks.md", content });
    },
    run: () => this.#send(false),
    drop: () => {
      [this.#file, this.#found, this.#busy] = [null, null, false];
      this.#turn += 1;
      this.update();
    },
  };

  connected() {
    for (const type of ["dragover", "dragleave", "drop"]) {
      this.listen(this, type, (event) => {
        const zone = event.target.closest?.(".drop");
        if (!zone) return;
        event.preventDefault();
        zone.classList.toggle("over", type === "dragover");
        if (type === "drop") this.#take(event.dataTransfer.files[0]);
      });
    }
  }

  /** @param {File | undefined} file */
  async #take(file) {
    if (!file) return;
    if (file.size > MOST) return notice(`${file.name} is ${size(file.size)}: at most ${size(MOST)} can be taken in here; axon task import takes more`, { bad: true });
    const content = await file.text().catch(() => null);
    if (content === null) return notice(`${file.name} cannot be read: is it a folder?`, { bad: true });
    this.#look({ name: file.name, content });
  }

  /** @param {{name: string, content: string}} file */
  #look(file) {
    [this.#file, this.#found, this.#tool] = [file, null, ""];
    this.#send(true);
  }

  /** @param {boolean} dry */
  async #send(dry) {
    if (this.#busy && !dry) return;
    const turn = ++this.#turn;
    this.#busy = true;
    this.update();
    const found = await tried(() => post("/api/import", {
      ...this.#file, dry_run: dry, conflict: this.#conflict, ...(this.#tool ? { from: this.#tool } : {}),
    }));
    if (found && !dry) {
      notice(`${plural(found.added.length, "task")} added, ${found.updated.length} updated, ${found.skipped.length} left alone`, { undo: true });
      reload();
    }
    if (turn !== this.#turn) return;
    this.#busy = false;
    if (dry) this.#found = found;
    else if (found) [this.#file, this.#found] = [null, null];
    this.update();
  }

  view() {
    return html`${head("Import / Export", "Tasks as files")}<div class="stack">
      <section class="card"><h2>Export</h2><div class="choices">${FORMS.map(([format, label, what]) => html`<div class="choice"><b>${label}</b><small>${what}</small>
        <a class="button small" href="/api/export?format=${format}" download>${icon("down")}Download ${label}</a></div>`)}</div></section>
      <section class="card"><h2>Import</h2>${this.#file ? this.#preview() : this.#choose()}</section></div>`;
  }

  #choose() {
    return html`<div class="drop">${icon("file")}<p>Drop a file here: a Markdown check list, JSON, JSON lines, CSV, or what another tool has exported</p>
      <button class="button" data-click="pick">Choose a file</button>
      <input type="file" class="hidden" data-change="file" accept=".md,.json,.jsonl,.csv,.txt" aria-label="File to import" tabindex="-1"></div>
      <form data-submit="typed"><label class="field"><span>Or paste a check list</span><textarea name="text" rows="6" class="mono" required
        placeholder="- [ ] Add slugify&#10;  check: python -m unittest tests.test_slug&#10;  Lower case, accents dropped."></textarea></label>
      <div class="row end"><button class="button">Look at it</button></div></form>`;
  }

  #preview() {
    const found = this.#found;
    /** @param {string} word @param {any[]} tasks */
    const group = (word, tasks) => (tasks.length ? html`<h3 class="pad">${word} <small>${tasks.length}</small></h3><ul class="near">${tasks.slice(0, 100).map((task) =>
      html`<li><a ${task.identifier && word !== "Will be added" ? html`href="${to("task", task.identifier)}"` : ""}>${stateIcon(task.state ?? "todo")}
        <span class="mono dim">${task.identifier ?? ""}</span> ${line(task.title ?? task, 140)}</a></li>`)}</ul>` : "");
    return html`<div class="row pad-y"><p><b>${this.#file?.name}</b> <span class="dim">${size(this.#file?.content.length ?? 0)}</span></p>
      <label class="row"><span>A task that is there already:</span><select data-change="conflict">${CONFLICTS.map(([value, label]) =>
        html`<option value="${value}" ${value === this.#conflict ? "selected" : ""}>${label}</option>`)}</select></label>
      <label class="row"><span>Written by:</span><select data-change="tool"><option value="">told by the file</option>${TOOLS.map((label) =>
        html`<option value="${label.toLowerCase()}" ${label.toLowerCase() === this.#tool ? "selected" : ""}>${label}</option>`)}</select></label></div>
      ${found?.notes?.length ? html`<ul class="near dim">${found.notes.map((/** @type {string} */ note) => html`<li>${line(note, 200)}</li>`)}</ul>` : ""}
      ${found ? html`${group("Will be added", found.added)}${group("Will be updated", found.updated)}${group("Left alone", found.skipped)}` : ""}
      <div class="row end"><button class="button" data-click="drop">Cancel</button>
      <button class="button primary" data-click="run" ${found && !this.#busy && found.added.length + found.updated.length ? "" : "disabled"}>
        ${found ? `Import ${plural(found.added.length + found.updated.length, "task")}` : this.#busy ? "Reading" : "Import"}</button></div>`;
  }
}

customElements.define("exchange-view", ExchangeView);
