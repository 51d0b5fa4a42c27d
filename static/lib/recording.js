// @ts-check
// A recorded session in memory: events in their order, on one clock, with calls joined to results.

export class Recording {
  /** @type {any[]} */
  events = [];
  /** @type {string[]} who acts in it; "" is the session's own agent */
  agents = [];
  /** @type {Map<string, {call?: number, result?: number}>} */
  calls = new Map();
  /** @type {{index: number, tokens: number}[]} how full the context was */
  context = [];
  #offset = 0;
  #last = 0;

  /** @param {any[]} events */
  add(events) {
    for (const event of events) {
      const at = typeof event.at === "number" ? event.at : this.#last - this.#offset;
      // A session that goes on in a new process begins its clock anew.
      if (at + this.#offset < this.#last - 1) this.#offset = this.#last;
      this.#last = Math.max(this.#last, at + this.#offset);
      const index = this.events.push({ ...event, time: this.#last }) - 1;
      const agent = event.agent ?? "";
      if (!this.agents.includes(agent)) this.agents.push(agent);
      if (event.call) this.#join(event, index);
      const tokens = event.data?.context_tokens;
      if (typeof tokens === "number") this.context.push({ index, tokens });
    }
  }

  /** @param {any} event @param {number} index */
  #join(event, index) {
    const pair = this.calls.get(event.call) ?? {};
    if (event.kind === "tool_result") pair.result = index;
    else pair.call = index;
    this.calls.set(event.call, pair);
  }

  get seconds() {
    return this.#last;
  }

  /** The last event at `time`, or the first there is. @param {number} time */
  indexAt(time) {
    let [low, high] = [0, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].time <= time) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** Where the event with this number is, or the last one before it. @param {number} seq */
  indexOf(seq) {
    let [low, high] = [0, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].seq <= seq) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** How many events each of `count` equal parts of the time has, per agent. @param {number} count */
  density(count) {
    const rows = new Map(this.agents.map((agent) => [agent, new Uint32Array(count)]));
    const whole = Math.max(this.seconds, 1e-6);
    for (const { agent = "", time } of this.events) {
      const row = rows.get(agent);
      if (row) row[Math.min(count - 1, Math.floor((time / whole) * count))] += 1;
    }
    return rows;
  }
}

/** The next moment of playing: waits longer than `most` seconds are cut short. @param {number} time @param {number} passed @param {number | undefined} next @param {number} most */
export function advance(time, passed, next, most) {
  const then = time + passed;
  return next !== undefined && next - then > most ? next - most : then;
}
