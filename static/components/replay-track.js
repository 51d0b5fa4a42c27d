// @ts-check
// The whole session at a glance: a lane per agent, markers, tokens and cost over time. A click goes there.

import { area } from "../lib/charts.js";
import { clock, money, short } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Part } from "../lib/part.js";

const [LANE, USED, SIDE] = [18, 34, 92];

class ReplayTrack extends Part {
  /** @type {any} */
  #shown = null;
  #width = 0;
  #drawnFor = "";
  /** @type {unknown} */
  #still = "";

  /** @param {any} shown */
  set shown(shown) {
    this.#shown = shown;
    this.draw();
  }

  actions = {
    mark: (/** @type {any} */ button) => this.tell("seek", { index: this.#shown.recording.indexOf(Number(button.value)) }),
    seek: (/** @type {any} */ svg, /** @type {any} */ event) => {
      const { left } = svg.getBoundingClientRect();
      this.tell("seek", { time: ((event.clientX - left) / this.#width) * this.#shown.recording.seconds });
    },
  };

  connected() {
    const fit = (/** @type {number} */ width) => (this.#width = Math.max(60, Math.floor(width) - SIDE - 32));
    fit(this.clientWidth);
    const observer = new ResizeObserver(([{ contentRect }]) => {
      fit(contentRect.width);
      this.update();
    });
    observer.observe(this);
    this.signal.addEventListener("abort", () => observer.disconnect());
  }

  view() {
    const shown = this.#shown;
    if (!shown) return html`<div class="track"></div>`;
    const { recording, session, index } = shown;
    const lanes = Math.max(recording.agents.length, session.agents.length + 1);
    const high = lanes * LANE + USED + 8;
    if (!shown.size) return html`<div class="track"><svg width="1" height="${high}"></svg></div>`;
    const now = (recording.events[index]?.time ?? 0) / Math.max(recording.seconds, 1e-6);
    // Lanes change only when more has been read: 100,000 events are not counted at each frame.
    const wanted = `${shown.size} ${this.#width} ${shown.usage.length}`;
    if (wanted !== this.#drawnFor) {
      this.#still = this.#lanes();
      this.#drawnFor = wanted;
    }
    const seconds = Math.max(recording.seconds, 1e-6);
    return html`<div class="track"><div class="lane-names">${recording.agents.map((/** @type {string} */ agent) => html`<span>${agent || "main"}</span>`)}<span class="used-name">${
      shown.usage.length ? html`${short(session.tokens)} · ${money(session.cost_usd)}` : "context"}</span></div>
      <div class="lanes"><svg width="${this.#width}" height="${high}" viewBox="0 0 ${this.#width} ${high}" data-click="seek" role="img"
        aria-label="Timeline of ${clock(recording.seconds)} with ${recording.agents.length} agents">${this.#still}
        <path class="now" d="M${(now * this.#width).toFixed(1)} 0V${high}"/></svg>
      ${session.markers.slice(0, 60).map((/** @type {any} */ { seq, kind, label }) => {
        const time = recording.events[recording.indexOf(seq)]?.time ?? 0;
        return html`<button class="marker m-${kind}" data-key="m${seq}-${kind}" data-click="mark" value="${seq}" title="${clock(time)} ${label}" aria-label="${label} at ${clock(time)}"
          data-style="left:${((time / seconds) * 100).toFixed(2)}%"></button>`;
      })}</div></div>`;
  }

  #lanes() {
    const { recording, usage } = this.#shown;
    const count = Math.max(20, Math.floor(this.#width / 3));
    const step = this.#width / count;
    const rows = [...recording.density(count)].map(([, counts], lane) => {
      const most = Math.max(...counts, 1);
      let path = "";
      counts.forEach((/** @type {number} */ many, /** @type {number} */ i) => {
        if (!many) return;
        const tall = 3 + (LANE - 8) * Math.sqrt(many / most);
        path += `M${(i * step).toFixed(1)} ${(lane * LANE + LANE - 3).toFixed(1)}v${(-tall).toFixed(1)}`;
      });
      return html`<path class="grid" d="M0 ${lane * LANE + LANE - 2}H${this.#width}"/><path class="ticks lane-${lane % 5}" d="${path}"/>`;
    });
    const from = recording.agents.length * LANE + 6;
    return html`${rows}<g transform="translate(0 ${from})">${usage.length ? this.#used(usage) : this.#context()}</g>`;
  }

  /** @param {any[]} usage */
  #used(usage) {
    const seconds = Math.max(this.#shown.recording.seconds, 1e-6);
    const { tokens, usd } = usage[usage.length - 1];
    const points = (/** @type {(one: any) => number} */ of) =>
      /** @type {[number, number][]} */ (usage.map((one) => [Math.min(1, one.at / seconds), of(one)]));
    return html`${area(this.#width, USED, points((one) => one.tokens / Math.max(tokens, 1)), "tokens")}
      ${usd ? area(this.#width, USED, points((one) => one.usd / usd), "cost") : ""}`;
  }

  #context() {
    const { recording } = this.#shown;
    const most = Math.max(...recording.context.slice(-20_000).map((/** @type {any} */ { tokens }) => tokens), 1);
    const every = Math.ceil(recording.context.length / 400) || 1;
    const points = recording.context.filter((/** @type {any} */ _, /** @type {number} */ i) => i % every === 0)
      .map((/** @type {any} */ { index, tokens }) => [recording.events[index].time / Math.max(recording.seconds, 1e-6), Math.min(1, tokens / most)]);
    return area(this.#width, USED, points, "tokens");
  }
}

customElements.define("replay-track", ReplayTrack);
