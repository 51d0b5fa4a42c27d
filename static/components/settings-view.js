// @ts-check
// How the page looks in this browser, and what the program goes by, with the origin of each value.

import { get, post } from "../lib/api.js";
import { tried } from "../lib/change.js";
import { head, loading, switcher, broken } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon, stateName } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { store } from "../lib/store.js";
import { ACCENTS, prefer, settings } from "../lib/theme.js";
import { plain } from "../lib/format.js";

const SIGNS = { ok: "check", warn: "warn", fail: "close" };
const MOODS = { ok: "good", warn: "warn", fail: "bad" };

class SettingsView extends Part {
  place = null;
  /** @type {any} */
  #config = null;
  /** @type {any} */
  #health = null;
  #failure = "";
  #text = "";

  actions = {
    again: () => this.#load(),
    theme: (/** @type {any} */ button) => this.#prefer("theme", button.value),
    shortcuts: (/** @type {any} */ button) => this.#prefer("shortcuts", button.value),
    accent: (/** @type {any} */ input) => this.#prefer("accent", input.value),
    find: (/** @type {any} */ input) => {
      this.#text = input.value.toLowerCase();
      this.update();
    },
    logout: async () => {
      if ((await tried(async () => (await post("/api/logout")) ?? {})) && store.me?.auth) location.reload();
    },
  };

  connected() {
    this.#load();
  }

  async #load() {
    try {
      [this.#config, this.#health] = await Promise.all([get("/api/config", this.signal), get("/api/health", this.signal)]);
      this.#failure = "";
    } catch (error) {
      if (this.signal.aborted) return;
      this.#failure = /** @type {any} */ (error).message;
    }
    this.update();
  }

  /** @param {string} name @param {string} value */
  #prefer(name, value) {
    prefer(name, value);
    this.update();
  }

  view() {
    const themes = /** @type {[string, string][]} */ (["system", "light", "dark"].map((one) => [one, stateName(one)]));
    return html`${head("Settings", `axon ${store.me?.version ?? ""}`, store.me?.auth ? html`<button class="button" data-click="logout">Log out</button>` : "")}
      <div class="stack"><section class="card"><h2>This browser</h2>
        <div class="setting"><span>Theme</span><div>${switcher("theme", "Theme", themes, settings.theme)}</div></div>
        <div class="setting"><span id="accent">Accent</span><div class="swatches" role="radiogroup" aria-labelledby="accent">${ACCENTS.map((accent) => html`<label>
          <input type="radio" name="accent" value="${accent}" data-change="accent" ${accent === settings.accent ? "checked" : ""}>${stateName(accent)}</label>`)}</div></div>
        <div class="setting"><span>Keys of one letter</span><div>${switcher("shortcuts", "Keys of one letter", [["on", "On"], ["off", "Off"]], settings.shortcuts)}</div></div></section>
      ${this.#health ? html`${this.#tier()}${this.#checks()}` : ""}
      ${this.#config ? this.#settings() : this.#failure ? broken(this.#failure) : loading(8)}</div>`;
  }

  #tier() {
    const { containment } = this.#health;
    const said = (/** @type {any} */ value) => html`<ul class="said-list">${[value].flat().map((one) => html`<li>${one}</li>`)}</ul>`;
    return html`<section class="card"><h2>Containment</h2>${containment ? html`<div class="setting"><span>Tier</span><b>${containment.tier}</b></div>
      <div class="setting"><span>Contained</span>${said(containment.contains)}</div>
      <div class="setting"><span>Not contained</span>${said(containment.does_not_contain)}</div>`
      : html`<p class="pad-y dim">None: agents run with the rights of the user that started axon. Run it in a container, or on a machine of its own.</p>`}</section>`;
  }

  #checks() {
    const { checks = [] } = this.#health;
    if (!checks.length) return "";
    return html`<section class="card"><h2>Health</h2><ul class="checks">${checks.map((/** @type {any} */ { name, state, reason, fix }) => html`<li>
      <span class="${MOODS[/** @type {keyof typeof MOODS} */ (state)] ?? "dim"}">${icon(SIGNS[/** @type {keyof typeof SIGNS} */ (state)] ?? "more", state)}</span><b>${name}</b>
      <span>${reason}</span>${fix ? html`<span class="dim">${fix}</span>` : ""}</li>`)}</ul></section>`;
  }

  #settings() {
    const found = this.#config.settings.filter((/** @type {any} */ { name, help }) => `${name} ${help}`.toLowerCase().includes(this.#text));
    const shown = (/** @type {any} */ value) => {
      if (value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)) return html`<span class="dim">not set</span>`;
      return html`<code>${plain(typeof value === "object" ? JSON.stringify(value) : String(value), 600)}</code>`;
    };
    return html`<section class="card flush"><div class="bar-head"><h2>Configuration <small>${found.length}</small></h2>
      <input class="small" type="search" placeholder="Find a setting" aria-label="Find a setting" data-input="find"></div>
      <div class="scroll" tabindex="0" role="region" aria-label="Configuration"><table class="config"><thead><tr><th>Setting</th><th>Value</th><th>What it does</th><th>Comes from</th></tr></thead><tbody>${
        found.map((/** @type {any} */ { name, value, origin, help }) => html`<tr data-key="${name}"><td class="mono">${name}</td><td>${shown(value)}</td><td>${help}</td><td class="dim">${origin}</td></tr>`)}
      </tbody></table></div></section>`;
  }
}

customElements.define("settings-view", SettingsView);
