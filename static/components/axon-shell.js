// @ts-check
// The frame around every view: where one can go, how the run stands, whether the server is there.

import { door, post, tokenIn } from "../lib/api.js";
import { notice } from "../lib/ask.js";
import { undo } from "../lib/change.js";
import { html } from "../lib/html.js";
import { icon, mark } from "../lib/icons.js";
import { showHelp, useKeys } from "../lib/keys.js";
import { Part } from "../lib/part.js";
import { go, route } from "../lib/route.js";
import { store } from "../lib/store.js";
import { start } from "../lib/sync.js";
import "./notice-list.js";

/** @type {Record<string, {label: string, tag: string, load: () => Promise<unknown>}>} */
const VIEWS = {
  live: { label: "Live", tag: "live-view", load: () => import("./live-view.js") },
  board: { label: "Board", tag: "board-view", load: () => import("./board-view.js") },
  task: { label: "Task", tag: "task-view", load: () => import("./task-view.js") },
  analytics: { label: "Analytics", tag: "analytics-view", load: () => import("./analytics-view.js") },
  replay: { label: "Replay", tag: "replay-view", load: () => import("./replay-view.js") },
  exchange: { label: "Import / Export", tag: "exchange-view", load: () => import("./exchange-view.js") },
  settings: { label: "Settings", tag: "settings-view", load: () => import("./settings-view.js") },
  login: { label: "Log in", tag: "login-form", load: () => import("./login-form.js") },
};
const SIDE = ["live", "board", "analytics", "replay", "exchange", "settings"];
const KEYS = { live: "g l", board: "g b", analytics: "g a", replay: "g r", exchange: "g i", settings: "g s" };

class AxonShell extends Part {
  #locked = false;
  /** @type {any} */
  #shown = null;

  actions = {
    skip: () => this.#main?.focus(),
    help: () => showHelp(),
    new: () => this.#create(),
  };

  connected() {
    this.listen(window, "hashchange", () => this.#enter());
    this.listen(door, "unauthorized", () => this.#lock(true));
    this.listen(this, "logged-in", () => this.#lock(false));
    for (const name of ["me", "team", "link"]) this.listen(store, name, () => this.update());
    useKeys(this, {
      "g l": () => go("live"), "g b": () => go("board"), "g a": () => go("analytics"),
      "g r": () => go("replay"), "g i": () => go("exchange"), "g s": () => go("settings"),
      "?": () => showHelp(), z: () => undo(), c: () => this.#create(),
    });
    this.#begin();
  }

  get #main() {
    return /** @type {HTMLElement | null} */ (this.querySelector("main"));
  }

  async #begin() {
    const given = location.hash;
    if (given.startsWith("#token=")) {
      history.replaceState(null, "", "#/live"); // at once: nobody shall read it over a shoulder, or bookmark it
      await post("/api/login", { token: tokenIn(given) }).catch(({ status, message }) =>
        notice(status === 401 ? "The token in that link is not this dashboard's." : message, { bad: true }));
    }
    this.#enter();
    start();
  }

  /** @param {boolean} locked */
  #lock(locked) {
    if (this.#locked === locked) return;
    this.#locked = locked;
    this.update();
    this.#enter();
    if (!locked) start();
  }

  async #create() {
    const { editTask } = await import("./task-editor.js");
    editTask(null);
  }

  async #enter() {
    const now = route();
    const name = this.#locked ? "login" : VIEWS[now.name] ? now.name : "live";
    const { tag, label, load } = VIEWS[name];
    await load();
    if (!this.#locked && route().name !== now.name) return; // somebody was faster
    const main = this.#main;
    if (!main) return;
    document.title = `${label} · ${store.me?.project ?? "axon"}`;
    if (this.#shown?.localName !== tag) {
      const first = !this.#shown;
      this.#shown = document.createElement(tag);
      this.#shown.place = now;
      main.replaceChildren(this.#shown);
      main.scrollTop = 0;
      if (!first) main.focus({ preventScroll: true });
    } else this.#shown.place = now;
    this.update();
  }

  view() {
    const here = route().name;
    const waiting = store.team?.questions?.length ?? 0;
    const links = SIDE.map((name) => html`<a href="#/${name}" class="go go-${name}"
      title="${VIEWS[name].label} (${/** @type {any} */ (KEYS)[name]})"
      ${name === here || (name === "board" && here === "task") ? html`aria-current="page"` : ""}>
      ${icon(name)}<span>${name === "exchange" ? html`<i>Import / </i>Export` : VIEWS[name].label}</span>${name === "live" && waiting
        ? html`<b class="count" title="${waiting} waiting for an answer">${waiting}</b>` : ""}</a>`);
    return html`
      <button class="skip" data-click="skip">Skip to the content</button>
      <nav class="side ${this.#locked ? "bare" : ""}" aria-label="Views">
        <a class="brand" href="#/live" title="axon">${mark()}<span>${store.me?.project ?? "axon"}</span></a>
        ${this.#locked ? "" : html`<button class="button primary new" data-click="new" title="New task (c)">
          ${icon("plus")}<span>New task</span></button>${links}
        <div class="foot">${this.#state()}<button class="go" data-click="help" title="Keys (?)">
          ${icon("help")}<span>Keys and help</span></button></div>`}
      </nav>
      <div class="away" role="status">${store.link === "away" && !this.#locked
        ? html`<span>${icon("warn")} The server is away. What you see is as it was; it goes on by itself.</span>` : ""}</div>
      <main data-keep tabindex="-1" aria-label="${VIEWS[this.#locked ? "login" : here]?.label ?? "Live"}"></main>
      <notice-list></notice-list>`;
  }

  #state() {
    const { team, link } = store;
    const on = link === "away" ? "away" : team?.paused ? "paused" : team?.run?.alive ? "on" : "off";
    const words = { away: "Server away", paused: "Paused", on: "Running", off: "No run" };
    return html`<p class="pulse" data-on="${on}"><i></i><span>${team ? words[on] : "Connecting"}</span></p>`;
  }
}

customElements.define("axon-shell", AxonShell);
