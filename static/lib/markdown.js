// @ts-check
// The part of Markdown that tasks are written in, as markup that cannot do anything.

import { html, Markup } from "./html.js";
import { plain } from "./format.js";

const INLINE =
  /(`+)([^`]+)\1|\*\*([^*\n]+)\*\*|\*([^*\s][^*\n]*)\*|\b_([^_\n]+)_\b|~~([^~\n]+)~~|\[([^[\]\n]+)\]\(([^)\s]+)\)|(https?:\/\/[^\s<>()]+)/g;
const SAFE = /^(https?:\/\/|mailto:|#)/i;

/** @param {string} text @returns {Markup} */
function inline(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    parts.push(text.slice(end, found.index), marked(found));
    end = found.index + found[0].length;
  }
  return html`${parts}${text.slice(end)}`;
}

/** @param {RegExpMatchArray} found */
function marked([all, , code, strong, em, under, del, label, href, url]) {
  if (code !== undefined) return html`<code>${code}</code>`;
  if (strong) return html`<strong>${inline(strong)}</strong>`;
  if (em || under) return html`<em>${inline(em || under)}</em>`;
  if (del) return html`<del>${inline(del)}</del>`;
  const target = url ?? href;
  if (!target || !SAFE.test(target)) return all;
  return html`<a href="${target}" rel="noreferrer noopener" ${
    target.startsWith("#") ? "" : new Markup('target="_blank"')}>${label ?? target}</a>`;
}

const ITEM = /^(\s*)(?:[-*+]|\d+[.)])\s+(?:\[([ xX])\]\s+)?(.*)$/;

/** @param {string[]} lines */
function listOf(lines) {
  const ordered = /^\s*\d/.test(lines[0]);
  const items = [];
  for (const line of lines) {
    const found = ITEM.exec(line);
    if (found) items.push({ done: found[2], text: found[3] });
    else items[items.length - 1].text += ` ${line.trim()}`;
  }
  const body = items.map(({ done, text }) => html`<li>${
    done === undefined ? "" : done === " " ? "☐ " : "☑ "}${inline(text)}</li>`);
  return ordered ? html`<ol>${body}</ol>` : html`<ul>${body}</ul>`;
}

/** @param {string[]} lines */
function tableOf(lines) {
  const cells = (/** @type {string} */ line) =>
    line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim()));
  return html`<table><thead><tr>${cells(lines[0]).map((c) => html`<th>${c}</th>`)}</tr></thead><tbody>${
    lines.slice(2).map((line) => html`<tr>${cells(line).map((c) => html`<td>${c}</td>`)}</tr>`)}</tbody></table>`;
}

/** @type {{of: RegExp, until: (line: string, next: string) => boolean, make: (lines: string[]) => Markup}[]} */
const BLOCKS = [
  { of: /^#{1,6}\s/, until: () => true, make: ([line]) =>
    html`<p class="md-head" data-level="${line.indexOf(" ")}">${inline(line.replace(/^#+\s*/, "").replace(/\s#+$/, ""))}</p>` },
  { of: /^\s*([-*_])(\s*\1){2,}\s*$/, until: () => true, make: () => html`<hr>` },
  { of: /^>/, until: (line) => !line.startsWith(">"), make: (lines) =>
    html`<blockquote>${markdown(lines.map((l) => l.replace(/^> ?/, "")).join("\n"))}</blockquote>` },
  { of: ITEM, until: (line) => !ITEM.test(line) && !/^\s{2,}\S/.test(line), make: listOf },
];

/** @param {unknown} source @returns {Markup} */
export function markdown(source) {
  const lines = plain(source).split("\n");
  const blocks = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    const fence = /^\s*(```+|~~~+)/.exec(line)?.[1];
    const block = BLOCKS.find(({ of }) => of.test(line));
    let end = i + 1;
    if (fence) {
      while (end < lines.length && !lines[end].trim().startsWith(fence)) end++;
      blocks.push(html`<pre tabindex="0"><code>${lines.slice(i + 1, end++).join("\n")}</code></pre>`);
    } else if (!line.trim()) {
      while (end < lines.length && !lines[end].trim()) end++;
    } else if (line.includes("|") && /^[\s|:-]*-[\s|:-]*$/.test(lines[end] ?? "") && lines[end].includes("|")) {
      while (end < lines.length && lines[end].includes("|")) end++;
      blocks.push(tableOf(lines.slice(i, end)));
    } else if (block) {
      while (end < lines.length && !block.until(lines[end], lines[end + 1] ?? "")) end++;
      blocks.push(block.make(lines.slice(i, end)));
    } else {
      const ends = (/** @type {string} */ next) =>
        !next.trim() || /^\s*(```|~~~)/.test(next) || BLOCKS.some(({ of }) => of.test(next));
      while (end < lines.length && !ends(lines[end])) end++;
      blocks.push(html`<p>${inline(lines.slice(i, end).join("\n"))}</p>`);
    }
    i = end;
  }
  return html`${blocks}`;
}
