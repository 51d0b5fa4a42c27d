// @ts-check
// Unified diffs as rows, rows of two texts where no diff was made, and both as tables.

import { plain } from "./format.js";
import { html } from "./html.js";

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/;

/**
 * @typedef {{kind: "same" | "add" | "cut" | "hunk" | "note", old: number, new: number, text: string}} Row
 */

/** Rows of a patch; numbers are 0 where a side has no such line. @param {string} patch @returns {Row[]} */
export function rowsOf(patch) {
  /** @type {Row[]} */
  const rows = [];
  let [left, right, inside] = [0, 0, false];
  for (const line of patch.split("\n")) {
    const hunk = HUNK.exec(line);
    if (hunk) {
      [left, right, inside] = [Number(hunk[1]), Number(hunk[2]), true];
      rows.push({ kind: "hunk", old: 0, new: 0, text: line });
    } else if (!inside) continue;
    else if (line.startsWith("+")) rows.push({ kind: "add", old: 0, new: right++, text: line.slice(1) });
    else if (line.startsWith("-")) rows.push({ kind: "cut", old: left++, new: 0, text: line.slice(1) });
    else if (line.startsWith(" ")) {
      rows.push({ kind: "same", old: left++, new: right++, text: line.slice(1) });
    } else if (line.startsWith("\\")) rows.push({ kind: "note", old: 0, new: 0, text: line.slice(2) });
    else if (line.startsWith("diff ")) inside = false;
  }
  return rows;
}

/** Rows side by side: what was cut stands beside what was added for it. @param {Row[]} rows */
export function pairs(rows) {
  /** @type {{left: Row | null, right: Row | null, wide: Row | null}[]} */
  const found = [];
  for (let i = 0; i < rows.length; ) {
    const row = rows[i];
    if (row.kind === "same") found.push({ left: row, right: row, wide: null });
    else if (row.kind === "hunk" || row.kind === "note") found.push({ left: null, right: null, wide: row });
    else {
      const cut = run(rows, i, "cut");
      const add = run(rows, i + cut.length, "add");
      for (let k = 0; k < Math.max(cut.length, add.length); k++) {
        found.push({ left: cut[k] ?? null, right: add[k] ?? null, wide: null });
      }
      i += cut.length + add.length;
      continue;
    }
    i++;
  }
  return found;
}

/** @param {Row[]} rows @param {number} from @param {string} kind */
function run(rows, from, kind) {
  let to = from;
  while (rows[to]?.kind === kind) to++;
  return rows.slice(from, to);
}

/** An edit that was told as two texts, as agents' tools do. @param {string} before @param {string} after @returns {Row[]} */
export function rowsBetween(before, after) {
  const a = before === "" ? [] : before.replace(/\n$/, "").split("\n");
  const b = after === "" ? [] : after.replace(/\n$/, "").split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const same = (/** @type {number} */ i, /** @type {number} */ j) =>
    /** @type {Row} */ ({ kind: "same", old: i + 1, new: j + 1, text: a[i] });
  return [
    ...a.slice(0, head).map((_, i) => same(i, i)),
    ...a.slice(head, a.length - tail).map((text, i) =>
      /** @type {Row} */ ({ kind: "cut", old: head + i + 1, new: 0, text })),
    ...b.slice(head, b.length - tail).map((text, i) =>
      /** @type {Row} */ ({ kind: "add", old: 0, new: head + i + 1, text })),
    ...a.slice(a.length - tail).map((_, k) => same(a.length - tail + k, b.length - tail + k)),
  ];
}

const LINE = 1000;
const SIGNS = { add: "+", cut: "−", same: " ", hunk: "", note: "" };

/** @param {string} text */
const code = (text) => plain(text, LINE);

/** @param {Row[]} rows */
export const rowed = (rows) => html`<table class="diff"><tbody>${rows.map(({ kind, old, new: now, text }) =>
  kind === "hunk" || kind === "note" ? html`<tr class="${kind}"><td colspan="4">${code(text)}</td></tr>`
    : html`<tr class="${kind}"><td class="no">${old || ""}</td><td class="no">${now || ""}</td><td class="sign">${SIGNS[kind]}</td><td class="code">${code(text)}</td></tr>`)}</tbody></table>`;

/** @param {ReturnType<typeof pairs>} found */
export const paired = (found) => html`<table class="diff split"><tbody>${found.map(({ left, right, wide }) =>
  wide ? html`<tr class="${wide.kind}"><td colspan="4">${code(wide.text)}</td></tr>`
    : html`<tr><td class="no">${left?.old || ""}</td><td class="code ${left?.kind ?? "none"}">${left ? code(left.text) : ""}</td>
      <td class="no">${right?.new || ""}</td><td class="code ${right?.kind ?? "none"}">${right ? code(right.text) : ""}</td></tr>`)}</tbody></table>`;
