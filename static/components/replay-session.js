// @ts-check
// One session played again: when, who, what, and the changes it made.

import { notice } from "../lib/ask.js";
import { tried } from "../lib/change.js";
import { controls } from "../lib/controls.js";
import { line, money, plural, short } from "../lib/format.js";
import { broken, head, loading, switcher } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { Part } from "../lib/part.js";
import { Player } from "../lib/player.js";
import { settle, to } from "../lib/route.js";
import { Tape } from "../lib/tape.js";
import "./diff-view.js";
import "./replay-detail.js";
import "./replay-list.js";
import "./replay-track.js";

class ReplaySession extends Part {
  #id = "";
  /** @type {Tape | any} */
  #tape = null;
  /** @type {Player | any} */
  #player = null;
  #wanted = 0;
  #shown = "events";
  #sought = "";

  /** @param {{id: string, seq: number}} at */
  set at({ id, seq }) {
    if (id === this.#id) {
      if (seq && seq !== this.#player.seq) this.#player.goToSeq(seq);
      return;
    }
    [this.#id, this.#wanted] = [id, seq];
    this.#tape = new Tape(id, this.signal);
    this.#player = new Player(this.#tape);
    this.listen(this.#player, "moved", () => this.#moved());
    this.listen(this.#tape, "changed", () => this.#arrived());
    this.listen(this.#tape, "grown", () => this.#grown());
    this.#tape.load();
  }

  actions = {
    again: () => this.#tape.load(),
    play: () => this.#player.play(!this.#player.playing),
    speed: (/** @type {any} */ button) => this.#speed(button.value),
    shown: (/** @type {any} */ button) => ((this.#shown = button.value), this.update()),
    step: (/** @type {any} */ button) => this.#step(Number(button.value)),
    scrub: (/** @type {any} */ input) => this.#player.goTo(this.#tape.recording.indexAt(Number(input.value))),
    search: (/** @type {any} */ input) => this.#search(input.value.trim()),
    match: (/** @type {any} */ button) => this.#player.jump([...this.#player.found], Number(button.value), true),
    copy: async () => {
      await navigator.clipboard.writeText(location.href);
      notice("The link to this moment is copied");
    },
  };

  connected() {
    this.listen(this, "seek", ({ detail }) => this.#player.goTo(detail.index ?? this.#tape.recording.indexAt(detail.time)));
    const step = (/** @type {number} */ by) => () => this.#step(by);
    const speed = (/** @type {string} */ one) => () => this.#speed(one);
    const mark = (/** @type {number} */ way) => () =>
      this.#player.jump(this.#tape.session.markers.map((/** @type {any} */ { seq }) => seq), way);
    useKeys(this, {
      " ": () => this.#player.play(!this.#player.playing), j: step(1), ArrowDown: step(1), k: step(-1), ArrowUp: step(-1),
      n: mark(1), p: mark(-1), 1: speed("1"), 2: speed("2"), 4: speed("4"), 8: speed("8"),
      "/": () => /** @type {any} */ (this.querySelector("[type=search]"))?.focus(),
    });
  }

  disconnected() {
    if (this.#player) this.#player.playing = false;
  }

  /** @param {number} by */
  #step(by) {
    this.#player.goTo(this.#player.index + by);
  }

  /** @param {string} speed */
  #speed(speed) {
    this.#player.speed = speed;
    this.update();
  }

  #moved() {
    const { seq, playing } = this.#player;
    if (seq && !playing) settle(`${to("replay", this.#id)}?at=${seq}`);
    this.update();
  }

  #arrived() {
    const { events } = this.#tape.recording;
    if (this.#wanted && (events.at(-1)?.seq >= this.#wanted || this.#tape.complete)) {
      this.#player.goToSeq(this.#wanted);
      this.#wanted = 0;
    }
    this.update();
  }

  /** Whoever looks at the end of a running session goes on with it. */
  #grown() {
    const { events } = this.#tape.recording;
    if (!this.#player.playing && this.#player.index >= events.length - 20) this.#player.goTo(events.length);
  }

  /** @param {string} text */
  async #search(text) {
    this.#sought = text;
    const found = text ? await tried(() => this.#tape.search(text)) : [];
    if (found && text === this.#sought) this.#player.find(found);
  }

  view() {
    const { session, failure, recording } = this.#tape ?? {};
    const back = html`<a class="back" href="#/replay">Replay</a> / <span class="mono">${this.#id}</span>`;
    if (!session) return html`<div class="listing">${head("Session", back, "")}${failure ? broken(failure) : loading(8)}</div>`;
    const facts = [session.model, session.worker, `attempt ${session.attempt}`, plural(session.events, "event"), `${short(session.tokens)} tokens`, money(session.cost_usd)];
    const ended = session.live ? html`<b class="good">live</b>` : String(session.outcome).replaceAll("_", " ");
    const shapes = /** @type {[string, string][]} */ ([["events", "Events"], ["changes", "Changes"]]);
    return html`${head(html`<a href="${to("task", session.identifier)}">${session.identifier}</a> ${line(session.title, 120)}`, html`${back} · ${facts.filter(Boolean).join(" · ")} · ${ended}`,
      html`<button class="button" data-click="copy">${icon("link")}Copy link</button>${switcher("shown", "Show", shapes, this.#shown)}`)}
      ${failure ? html`<p class="banner">${icon("warn")}${failure}</p>` : ""}
      <div class="player card flush"><replay-track></replay-track>${controls(recording, this.#tape.usage, this.#player, this.#sought)}</div>
      ${this.#shown === "changes" ? html`<div class="changes" tabindex="0" role="region" aria-label="Changes"><diff-view data-from="${this.#tape.path}/diff"></diff-view></div>`
        : html`<div class="replay-grid"><replay-list></replay-list><replay-detail></replay-detail></div>`}`;
  }

  drawn() {
    const { recording, session, usage, complete } = this.#tape ?? {};
    if (!session) return;
    const shown = { recording, session, usage, complete, index: this.#player.index, found: this.#player.found, size: recording.events.length, path: this.#tape.path };
    for (const part of this.querySelectorAll("replay-track, replay-list, replay-detail")) /** @type {any} */ (part).shown = shown;
  }
}

customElements.define("replay-session", ReplaySession);
