// @ts-check
// Where one is in a recording, and how one moves: by steps, marks, matches, or by playing it.

import { advance } from "./recording.js";

const LONGEST_WAIT = 1.5; // seconds; nobody watches a model think

export class Player extends EventTarget {
  index = 0;
  playing = false;
  speed = "1";
  /** @type {Set<number>} numbers of the events that a search has found */
  found = new Set();
  #time = 0;

  /** @param {import("./tape.js").Tape} tape */
  constructor(tape) {
    super();
    this.tape = tape;
  }

  get seq() {
    return this.tape.recording.events[this.index]?.seq ?? 0;
  }

  /** @param {number} index */
  goTo(index) {
    const { events } = this.tape.recording;
    this.index = Math.max(0, Math.min(events.length - 1, index));
    this.#time = events[this.index]?.time ?? 0;
    this.tell();
  }

  /** @param {number} seq */
  goToSeq(seq) {
    this.goTo(this.tape.recording.indexOf(seq));
  }

  tell() {
    this.dispatchEvent(new Event("moved"));
  }

  /** @param {boolean} on */
  play(on) {
    this.playing = on;
    if (on && this.index >= this.tape.recording.events.length - 1) this.goTo(0);
    if (on) requestAnimationFrame((now) => this.#tick(now, now));
    this.tell();
  }

  /** @param {number} now @param {number} before */
  #tick(now, before) {
    if (!this.playing) return;
    const { recording } = this.tape;
    const next = recording.events[this.index + 1]?.time;
    this.#time = advance(this.#time, ((now - before) / 1000) * Number(this.speed), next, LONGEST_WAIT);
    const index = recording.indexAt(this.#time);
    if (next === undefined) this.playing = false;
    if (index > this.index || !this.playing) {
      this.index = Math.max(this.index, index);
      this.tell();
    }
    requestAnimationFrame((then) => this.#tick(then, now));
  }

  /** To the next one of `seqs`, or the one before; round the end when `round`. @param {number[]} seqs @param {number} way @param {boolean} [round] */
  jump(seqs, way, round = false) {
    const next = way > 0 ? seqs.find((seq) => seq > this.seq) : seqs.findLast((seq) => seq < this.seq);
    const found = next ?? (round ? seqs.at(way > 0 ? 0 : -1) : undefined);
    if (found !== undefined) this.goToSeq(found);
  }

  /** @param {number[]} seqs */
  find(seqs) {
    this.found = new Set(seqs);
    if (seqs.length && !this.found.has(this.seq)) this.jump(seqs, 1, true);
    else this.tell();
  }
}
