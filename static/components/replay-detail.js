// @ts-check
// One recorded event in full: text, a call with its input and output, changes of files as diffs.

import { get } from "../lib/api.js";
import { tried } from "../lib/change.js";
import { rowed } from "../lib/diff.js";
import { clock, MOST, plain, short, size } from "../lib/format.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { markdown } from "../lib/markdown.js";
import { Part } from "../lib/part.js";
import { editsOf, isBlob, near, SIGNS, textOf } from "../lib/telling.js";

const MOST_ROWS = 1500;

class ReplayDetail extends Part {
  /** @type {any} */
  #shown = null;
  /** @type {Map<string, any>} payloads stored apart, by hash */
  #blobs = new Map();
  #seen = -1;

  /** @param {any} shown */
  set shown(shown) {
    this.#shown = shown;
    this.draw();
  }

  actions = {
    blob: async (/** @type {any} */ button) => {
      const value = await tried(() => get(`${this.#shown.path}/blobs/${encodeURIComponent(button.value)}`));
      if (value === null) return;
      this.#blobs.set(button.value, value);
      this.update();
    },
    go: (/** @type {any} */ button) => this.tell("seek", { index: Number(button.value) }),
  };

  view() {
    const { recording, index } = this.#shown ?? {};
    const event = recording?.events[index];
    if (!event) return html`<div class="detail-box card"></div>`;
    const pair = event.call ? recording.calls.get(event.call) : null;
    const call = event.kind === "tool" ? event : pair?.call === undefined ? null : recording.events[pair.call];
    const result = event.kind === "tool_result" ? event : pair?.result === undefined ? null : recording.events[pair.result];
    const tokens = event.data?.context_tokens;
    return html`<article class="detail-box card" tabindex="0" aria-label="The event"><header><h2>${icon(SIGNS[event.kind] ?? "more")}${String(event.kind).replaceAll("_", " ")}
      ${event.agent ? html`<span class="tag">${event.agent}</span>` : ""}</h2><p class="dim">${clock(event.time)} · number ${event.seq}${tokens ? ` · ${short(tokens)} tokens in context` : ""}</p></header>
      ${call || result ? this.#call(call, result) : this.#plain(event)}</article>`;
  }

  /** @param {any} call @param {any} result */
  #call(call, result) {
    const edits = call ? editsOf({ ...call, input: this.#whole(call.input) }) : [];
    const input = call ? this.#whole(call.input) : null;
    return html`${call ? html`<h3 class="mono">${call.tool}</h3>` : ""}
      ${edits.length ? edits.map(({ path, rows }) => html`<p class="mono path">${path}</p><div class="scroll" tabindex="0" role="region" aria-label="Changes of ${path}">${rowed(rows.slice(0, MOST_ROWS))}</div>`)
        : call ? this.#value(call.tool === "Bash" && typeof input?.command === "string" ? `$ ${input.command}` : call.input, "input") : ""}
      ${result ? html`<h3>Output <small>${call && result.time > call.time ? `after ${(result.time - call.time).toFixed(1)} s` : ""}</small></h3>${this.#value(result.output ?? result.text, "output")}`
        : html`<p class="dim">There is no output yet.</p>`}`;
  }

  /** @param {any} event */
  #plain(event) {
    const { seq: _seq, at: _at, time: _time, kind, agent: _agent, text, ...rest } = event;
    const told = text !== undefined && !isBlob(text) && (kind === "text" || kind === "result" || kind === "prompt");
    return html`${told ? html`<div class="md">${markdown(near(textOf(text)))}</div>` : text !== undefined ? this.#value(text, "text") : ""}
      ${Object.keys(rest).length ? this.#value(rest, "facts") : ""}`;
  }

  /** @param {any} value */
  #whole(value) {
    return isBlob(value) ? (this.#blobs.get(value.blob) ?? value) : value;
  }

  /** @param {any} value @param {string} name */
  #value(value, name) {
    const whole = this.#whole(value);
    const text = near(plain(textOf(whole), MOST * 3));
    return html`<pre tabindex="0" aria-label="${name}">${text || "(nothing)"}</pre>${isBlob(whole) ? html`<p class="dim">This is how it begins.
      <button class="button small" data-click="blob" value="${whole.blob}">Show all ${size(whole.bytes)}</button></p>` : ""}`;
  }

  drawn() {
    const { index } = this.#shown ?? { index: -1 };
    const box = this.querySelector(".detail-box");
    if (box && index !== this.#seen) box.scrollTop = 0;
    this.#seen = index;
  }
}

customElements.define("replay-detail", ReplayDetail);
