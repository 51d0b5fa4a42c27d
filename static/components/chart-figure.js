// @ts-check
// A chart as wide as its place, with its numbers as a table for those who cannot see it, or want them.

import { html } from "../lib/html.js";
import { Part } from "../lib/part.js";

/** @typedef {{title: string, note?: unknown, draw: (width: number) => unknown, heads: string[], rows: unknown[][], key?: [string, string][]}} Figure */

class ChartFigure extends Part {
  /** @type {Figure | null} */
  #figure = null;
  #width = 0;

  /** @param {Figure} figure */
  set figure(figure) {
    this.#figure = figure;
    this.#width ||= this.clientWidth - 32;
    this.draw();
  }

  connected() {
    const observer = new ResizeObserver(([{ contentRect }]) => {
      const width = Math.floor(contentRect.width) - 32;
      if (width === this.#width) return;
      this.#width = width;
      this.update();
    });
    observer.observe(this);
    this.signal.addEventListener("abort", () => observer.disconnect());
  }

  view() {
    const figure = this.#figure;
    if (!figure || this.#width < 40) return html``;
    const { title, note = "", draw, heads, rows, key = [] } = figure;
    return html`<figure class="card"><figcaption><h2>${title}</h2>${note ? html`<p class="dim">${note}</p>` : ""}</figcaption>
      ${key.length ? html`<ul class="chart-key">${key.map(([kind, name]) => html`<li><i class="${kind}"></i>${name}</li>`)}</ul>` : ""}
      <div class="plot">${draw(this.#width)}</div>
      <details><summary>As a table</summary><div class="scroll" tabindex="0" role="region" aria-label="${title} as a table"><table><caption class="hidden">${title}</caption><thead><tr>${
        heads.map((one, i) => html`<th class="${i ? "num" : ""}">${one}</th>`)}</tr></thead>
      <tbody>${rows.map((row) => html`<tr>${row.map((one, i) => html`<td class="${i ? "num" : ""}">${one}</td>`)}</tr>`)}</tbody></table></div></details></figure>`;
  }
}

customElements.define("chart-figure", ChartFigure);
