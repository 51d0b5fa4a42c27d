// @ts-check
// Fetches a recording page by page, and what comes while the session still runs.

import { get } from "./api.js";
import { Recording } from "./recording.js";

const PAGE = 5000;
const POLL_MS = 2000;

export class Tape extends EventTarget {
  recording = new Recording();
  /** @type {any} */
  session = null;
  /** @type {{at: number, tokens: number, usd: number}[]} sums so far */
  usage = [];
  complete = false;
  failure = "";
  #next = 0;

  /** @param {string} id @param {AbortSignal} signal */
  constructor(id, signal) {
    super();
    this.path = `/api/sessions/${encodeURIComponent(id)}`;
    this.signal = signal;
  }

  async load() {
    try {
      this.session = await get(this.path, this.signal);
      this.#tell();
      while (!(await this.#page())) this.#tell();
      this.complete = true;
      await this.#used();
    } catch (error) {
      if (this.signal.aborted) return;
      this.failure = /** @type {any} */ (error).message;
    }
    this.#tell();
    if (this.session?.live && !this.signal.aborted) setTimeout(() => this.#follow(), POLL_MS);
  }

  async #page() {
    const { events, last, next } = await get(`${this.path}/events?after=${this.#next}&limit=${PAGE}`, this.signal);
    this.recording.add(events);
    if (next !== null && next !== undefined) this.#next = next;
    return last || !events.length;
  }

  async #follow() {
    if (this.signal.aborted) return;
    const before = this.recording.events.length;
    try {
      this.session = { ...this.session, ...(await get(this.path, this.signal)) };
      await this.#page();
      this.failure = "";
    } catch (error) {
      if (this.signal.aborted) return;
    }
    if (this.recording.events.length > before) this.dispatchEvent(new Event("grown"));
    this.#tell();
    if (this.session.live) setTimeout(() => this.#follow(), POLL_MS);
  }

  /** Tokens and cost over time; a server that does not tell is no fault. */
  async #used() {
    try {
      const { usage } = await get(`${this.path}/usage`, this.signal);
      let [tokens, usd] = [0, 0];
      this.usage = usage.map((/** @type {any} */ one) => {
        tokens += one.tokens ?? 0;
        usd += one.cost_usd ?? 0;
        return { at: one.at, tokens, usd };
      });
    } catch (error) {
      if (/** @type {any} */ (error).status !== 404) throw error;
    }
  }

  /** Numbers of the events in which `text` stands. @param {string} text @returns {Promise<number[]>} */
  async search(text) {
    const found = [];
    for (let after = 0; ; ) {
      const query = `after=${after}&limit=${PAGE}&q=${encodeURIComponent(text)}`;
      const { events, last, next } = await get(`${this.path}/events?${query}`, this.signal);
      for (const { seq } of events) found.push(seq);
      if (last || !(next > after)) return found;
      after = next;
    }
  }

  #tell() {
    this.dispatchEvent(new Event("changed"));
  }
}
