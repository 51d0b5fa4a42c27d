// @ts-check
// Charts as SVG, drawn for the width there is. What they show is also told in a table beside them.

import { html } from "./html.js";

/** Round steps up to at least `most`, none smaller than `least`. @param {number} most @param {number} [least] @param {number} [count] */
export function ticks(most, least = 0, count = 4) {
  if (!(most > 0)) return [0, 1];
  const raw = Math.max(most / count, least);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = (/** @type {number[]} */ ([1, 2, 5, 10]).find((one) => one * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

const HIGH = 184;
const [LEFT, BOTTOM, TOP] = [44, 22, 8];

/**
 * Stacked columns over days.
 * @param {number} width
 * @param {{labels: string[], series: {name: string, kind: string, values: number[]}[], format: (value: number) => string, label: string, least?: number}} data
 */
export function columns(width, { labels, series, format, label, least = 0 }) {
  const sums = labels.map((_, i) => series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
  const marks = ticks(Math.max(...sums, 0), least);
  const top = marks[marks.length - 1];
  const y = (/** @type {number} */ value) => TOP + (HIGH - TOP - BOTTOM) * (1 - value / top);
  const step = (width - LEFT - 4) / labels.length;
  const every = Math.ceil(labels.length / Math.max(2, Math.floor((width - LEFT) / 64)));
  return html`<svg class="chart" width="${width}" height="${HIGH}" viewBox="0 0 ${width} ${HIGH}" role="img" aria-label="${label}">
    ${marks.map((value) => html`<path class="grid" d="M${LEFT} ${y(value).toFixed(1)}H${width}"/>
      <text x="${LEFT - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${format(value)}</text>`)}
    ${labels.map((name, i) => {
      let base = 0;
      const x = LEFT + i * step + step * 0.14;
      const told = series.map((one) => `${one.name} ${format(one.values[i] ?? 0)}`).join(", ");
      return html`<g><title>${name}: ${told}</title><rect class="catch" x="${(LEFT + i * step).toFixed(1)}" y="${TOP}" width="${step.toFixed(1)}" height="${HIGH - TOP - BOTTOM}"/>
        ${series.map(({ kind, values }) => {
          const value = values[i] ?? 0;
          const from = y(base);
          base += value;
          return value ? html`<rect class="${kind}" x="${x.toFixed(1)}" y="${y(base).toFixed(1)}" width="${(step * 0.72).toFixed(1)}" height="${Math.max(1, from - y(base)).toFixed(1)}" rx="1.5"/>` : "";
        })}</g>${i % every === 0 ? html`<text x="${(LEFT + i * step + step / 2).toFixed(1)}" y="${HIGH - 6}" text-anchor="middle">${name.slice(5)}</text>` : ""}`;
    })}</svg>`;
}

/**
 * One horizontal bar per row.
 * @param {number} width
 * @param {{rows: {name: string, value: number, more?: number, kind?: string}[], format: (value: number) => string, label: string}} data
 */
export function bars(width, { rows, format, label }) {
  const high = rows.length * 30 + 4;
  const most = Math.max(...rows.map(({ value, more }) => Math.max(value, more ?? 0)), 1e-9);
  const [from, room] = [Math.min(170, width * 0.36), 70];
  const long = (/** @type {number} */ value) => Math.max(1, ((width - from - room) * value) / most);
  const letters = Math.floor(from / 6.6);
  return html`<svg class="chart" width="${width}" height="${high}" viewBox="0 0 ${width} ${high}" role="img" aria-label="${label}">
    ${rows.map(({ name, value, more, kind = "bar-1" }, i) => html`<g><title>${name}: ${format(value)}</title>
      <text x="0" y="${i * 30 + 20}">${name.length > letters ? `${name.slice(0, letters - 1)}…` : name}</text>
      ${more === undefined ? "" : html`<rect class="soft" x="${from}" y="${i * 30 + 8}" width="${long(more).toFixed(1)}" height="16" rx="3"/>`}
      <rect class="${kind}" x="${from}" y="${i * 30 + 8}" width="${long(value).toFixed(1)}" height="16" rx="3"/>
      <text class="value" x="${(from + long(Math.max(value, more ?? 0)) + 8).toFixed(1)}" y="${i * 30 + 20}">${format(value)}</text></g>`)}</svg>`;
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Seven days of 24 hours, darker where more happened. @param {number} width @param {{grid: number[][], label: string}} data */
export function heat(width, { grid, label }) {
  const cell = Math.min(30, (width - 36) / 24);
  const most = Math.max(...grid.flat(), 1);
  const high = 7 * cell + 20;
  return html`<svg class="chart" width="${width}" height="${high.toFixed(0)}" viewBox="0 0 ${width} ${high.toFixed(0)}" role="img" aria-label="${label}">
    ${grid.map((hours, day) => html`<text x="0" y="${(day * cell + cell / 2 + 4).toFixed(1)}">${DAYS[day]}</text>${hours.map((count, hour) =>
      html`<rect class="cell" x="${(36 + hour * cell).toFixed(1)}" y="${(day * cell).toFixed(1)}" width="${(cell - 2).toFixed(1)}" height="${(cell - 2).toFixed(1)}" rx="2"
        fill-opacity="${count ? (0.18 + (0.82 * count) / most).toFixed(2) : "0.06"}"><title>${DAYS[day]} ${hour}:00: ${count}</title></rect>`)}`)}
    ${[0, 6, 12, 18].map((hour) => html`<text x="${(36 + hour * cell).toFixed(1)}" y="${(high - 4).toFixed(1)}">${hour}:00</text>`)}</svg>`;
}

/** A line with what is below it; `points` are 0…1 both ways. @param {number} width @param {number} high @param {[number, number][]} points @param {string} kind */
export function area(width, high, points, kind) {
  if (!points.length) return "";
  const at = points.map(([x, y]) => `${(x * width).toFixed(1)} ${(high - y * (high - 3)).toFixed(1)}`);
  return html`<path class="${kind} under" d="M${(points[0][0] * width).toFixed(1)} ${high}L${at.join("L")}L${(points[points.length - 1][0] * width).toFixed(1)} ${high}Z"/>
    <path class="${kind} line" d="M${at.join("L")}"/>`;
}
