// @ts-check
// All tasks: as columns, as a list, as a graph; searched, filtered, selected, moved.

import { act, move, moveByChoice } from "../lib/change.js";
import { plural } from "../lib/format.js";
import { broken, empty, head, loading, switcher } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { Part } from "../lib/part.js";
import { go, settle } from "../lib/route.js";
import { FILTERS, sift, tools } from "../lib/sift.js";
import { store } from "../lib/store.js";
import { reload } from "../lib/sync.js";
import "./board-columns.js";
import "./board-graph.js";
import "./board-list.js";
import "./bulk-bar.js";

const SHOWN = ["columns", "list", "graph"];

class BoardView extends Part {
  /** @type {any} */
  #filters = { q: "", state: "", priority: "", label: "", team: "" };
  #as = "columns";
  #sort = "priority";
  /** @type {Set<string>} */
  #picked = new Set();
  /** @type {any[]} */
  #tasks = [];

  /** @param {any} place */
  set place(place) {
    this.#as = SHOWN.includes(place.rest[0]) ? place.rest[0] : "columns";
    for (const name of FILTERS) this.#filters[name] = place.query.get(name) ?? "";
    if (this.isConnected) this.update();
  }

  actions = {
    again: () => reload(),
    as: (/** @type {any} */ button) => this.#show(button.value),
    filter: (/** @type {any} */ input) => {
      this.#filters[input.name] = input.value;
      this.#keep();
    },
    clear: () => {
      for (const name of FILTERS) this.#filters[name] = "";
      const search = /** @type {any} */ (this.querySelector("[name=q]"));
      if (search) search.value = "";
      this.#keep();
    },
  };

  connected() {
    for (const name of ["issues", "me"]) this.listen(store, name, () => this.update());
    this.listen(this, "pick", ({ detail }) => this.#pick(detail.identifier, detail.only));
    this.listen(this, "pick-all", ({ detail }) => this.#set(detail));
    this.listen(this, "sort", ({ detail }) => ((this.#sort = detail), this.update()));
    this.listen(this, "drop-on", ({ detail }) => move(this.#acting(detail.identifier), detail.state));
    useKeys(this, {
      "/": () => /** @type {any} */ (this.querySelector("[name=q]"))?.focus(),
      v: () => this.#show(SHOWN[(SHOWN.indexOf(this.#as) + 1) % 3]),
      Escape: () => this.#set([]),
      x: () => this.#here && this.#pick(this.#here.identifier, false),
      m: () => this.#here && moveByChoice(this.#acting(this.#here.identifier)),
      e: async () => this.#here && (await import("./task-editor.js")).editTask(this.#here.identifier),
      Enter: () => this.#here && go("task", this.#here.identifier),
      Delete: () => this.#here && act(this.#acting(this.#here.identifier), "delete"),
    });
  }

  /** The task that has the keyboard's focus. */
  get #here() {
    const at = /** @type {any} */ (document.activeElement)?.closest?.("[data-task]");
    return at && this.contains(at) ? store.issues.get(at.dataset.task) : null;
  }

  /** The selected tasks if this is one of them, else this alone. @param {string} identifier */
  #acting(identifier) {
    const names = this.#picked.has(identifier) ? [...this.#picked] : [identifier];
    return names.map((name) => store.issues.get(name)).filter(Boolean);
  }

  /** @param {string} as */
  #show(as) {
    this.#as = as;
    this.#keep();
  }

  #keep() {
    const given = FILTERS.filter((name) => this.#filters[name]).map((name) => [name, this.#filters[name]]);
    const query = given.length ? `?${new URLSearchParams(given)}` : "";
    settle(`#/board${this.#as === "columns" ? "" : `/${this.#as}`}${query}`);
    this.update();
  }

  /** @param {string} identifier @param {boolean} only */
  #pick(identifier, only) {
    if (only) this.#picked.clear();
    if (!this.#picked.delete(identifier)) this.#picked.add(identifier);
    this.update();
  }

  /** @param {string[]} names */
  #set(names) {
    this.#picked = new Set(names);
    this.update();
  }

  view() {
    this.#tasks = sift(store.issues.values(), this.#filters, this.#sort);
    const sub = store.loaded ? `${plural(this.#tasks.length, "task")}${this.#narrowed || store.total > this.#tasks.length ? ` of ${store.total}` : ""}` : " ";
    const shapes = /** @type {[string, unknown][]} */ ([
      ["columns", html`${icon("board")}Board`], ["list", html`${icon("list")}List`], ["graph", html`${icon("graph")}Graph`]]);
    return html`${head("Board", sub, html`${tools(this.#filters, this.#narrowed)}${switcher("as", "Show as", shapes, this.#as)}`)}
      ${store.loaded ? this.#body() : store.failure ? broken(store.failure) : loading(10)}
      <bulk-bar></bulk-bar>`;
  }

  get #narrowed() {
    return FILTERS.some((name) => this.#filters[name]);
  }

  #body() {
    if (!store.issues.size) return empty("board", "No tasks yet", html`Make one with <kbd>c</kbd>, or import a list under Import / Export.`);
    if (!this.#tasks.length) return empty("search", "No task is like that", "Clear the filters to see all.");
    return this.#as === "list" ? html`<board-list></board-list>`
      : this.#as === "graph" ? html`<board-graph></board-graph>` : html`<board-columns></board-columns>`;
  }

  drawn() {
    const gone = [...this.#picked].filter((name) => !store.issues.has(name));
    for (const name of gone) this.#picked.delete(name);
    for (const part of this.querySelectorAll("board-columns, board-list, board-graph, bulk-bar")) {
      /** @type {any} */ (part).shown = { tasks: this.#tasks, picked: this.#picked, sort: this.#sort, state: this.#filters.state };
    }
  }
}

customElements.define("board-view", BoardView);
