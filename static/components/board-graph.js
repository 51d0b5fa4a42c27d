// @ts-check
// What depends on what: drawn from left to right, and as a table for those who cannot see it.

import { line, plural } from "../lib/format.js";
import { empty } from "../lib/head.js";
import { html } from "../lib/html.js";
import { stateName } from "../lib/icons.js";
import { layers } from "../lib/layers.js";
import { Part } from "../lib/part.js";
import { to } from "../lib/route.js";
import { store } from "../lib/store.js";

const [WIDE, HIGH, GAP_X, GAP_Y, MOST] = [212, 46, 64, 14, 300];

class BoardGraph extends Part {
  /** @type {any[]} */
  #tasks = [];

  /** @param {any} shown */
  set shown({ tasks }) {
    this.#tasks = tasks;
    this.draw();
  }

  view() {
    const edges = this.#tasks.flatMap(({ identifier, depends, parent }) => [
      ...depends.map((/** @type {string} */ from) => ({ from, to: identifier, kind: "needs" })),
      ...(parent ? [{ from: identifier, to: parent, kind: "part" }] : []),
    ]);
    const names = [...new Set(edges.flatMap(({ from, to: end }) => [from, end]))].filter((name) => store.issues.has(name));
    if (!names.length) return empty("graph", "No task depends on another", "Name dependencies when you edit a task.");
    const shown = names.slice(0, MOST);
    const places = layers(shown, edges);
    const all = [...places.values()];
    const width = (Math.max(...all.map(({ layer }) => layer)) + 1) * (WIDE + GAP_X) - GAP_X + 4;
    const height = (Math.max(...all.map(({ row }) => row)) + 1) * (HIGH + GAP_Y) + 4;
    const tied = new Set(names);
    const alone = this.#tasks.filter(({ identifier }) => !tied.has(identifier)).length;
    return html`<div class="graph card" tabindex="0" role="region" aria-label="Graph of dependencies">
      <svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="false" role="group" aria-label="Dependencies">
        ${edges.map((edge) => this.#edge(edge, places))}${shown.map((name) => this.#node(name, places))}</svg></div>
      <p class="dim pad">${edges.some(({ kind }) => kind === "part") ? "A dashed line leads from a part to its whole. " : ""}${
        alone ? `${plural(alone, "task stands", "tasks stand")} alone. ` : ""}${
        names.length > MOST ? `Only ${MOST} of ${names.length} are drawn: narrow them with the filters.` : ""}</p>
      <table class="hidden"><caption>Dependencies</caption><thead><tr><th>Task</th><th>Needs</th></tr></thead><tbody>${
        edges.slice(0, MOST).map(({ from, to: end }) => html`<tr><td>${end}</td><td>${from}</td></tr>`)}</tbody></table>`;
  }

  /** @param {{layer: number, row: number}} place */
  #at({ layer, row }) {
    return { x: layer * (WIDE + GAP_X) + 2, y: row * (HIGH + GAP_Y) + 2 };
  }

  /** @param {any} edge @param {Map<string, any>} places */
  #edge({ from, to: end, kind }, places) {
    const [a, b] = [places.get(from), places.get(end)];
    if (!a || !b) return "";
    const [start, stop] = [this.#at(a), this.#at(b)];
    const [x1, y1, x2, y2] = [start.x + WIDE, start.y + HIGH / 2, stop.x, stop.y + HIGH / 2];
    const bend = Math.max(24, (x2 - x1) / 2);
    const stuck = ["failed", "canceled", "blocked"].includes(store.issues.get(from)?.state);
    return html`<path class="edge ${kind} ${stuck ? "stuck" : ""}" d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}"/>`;
  }

  /** @param {string} name @param {Map<string, any>} places */
  #node(name, places) {
    const { x, y } = this.#at(places.get(name));
    const { title, state } = store.issues.get(name);
    return html`<a class="node" href="${to("task", name)}" data-task="${name}" data-state="${state}"><title>${line(title, 400)}</title>
      <rect x="${x}" y="${y}" width="${WIDE}" height="${HIGH}" rx="7"/><rect class="edge-mark" x="${x}" y="${y + 8}" width="3" height="${HIGH - 16}"/>
      <text x="${x + 14}" y="${y + 18}" class="name">${name} · ${stateName(state)}</text>
      <text x="${x + 14}" y="${y + 35}">${line(title, 28)}</text></a>`;
  }
}

customElements.define("board-graph", BoardGraph);
