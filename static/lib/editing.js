// @ts-check
// What can be said about a task in the editor: how it is read, described, and chosen between two versions.

import { plain } from "./format.js";
import { switcher } from "./head.js";
import { html } from "./html.js";
import { markdown } from "./markdown.js";

/** @typedef {{name: string, label: string, kind: "text" | "list" | "whole" | "number" | "moment" | "long" | "choice", hint?: string, wide?: boolean}} Field */

/** @type {Field[]} */
export const FIELDS = [
  { name: "title", label: "Title", kind: "text", wide: true },
  { name: "description", label: "Description", kind: "long", wide: true },
  { name: "priority", label: "Priority", kind: "choice" },
  { name: "type", label: "Type", kind: "text" },
  { name: "labels", label: "Labels", kind: "list", hint: "between commas" },
  { name: "depends", label: "Depends on", kind: "list", hint: "ENG-1, ENG-2" },
  { name: "parent", label: "Part of", kind: "text" },
  { name: "project", label: "Project", kind: "text" },
  { name: "check", label: "Check", kind: "text", hint: "a command; exit code 0 means the work is good", wide: true },
  { name: "paths", label: "Paths it may change", kind: "list", hint: "src/**, tests/**", wide: true },
  { name: "max_attempts", label: "Most attempts", kind: "whole" },
  { name: "max_turns", label: "Most turns", kind: "whole" },
  { name: "max_minutes", label: "Most minutes", kind: "number" },
  { name: "max_usd", label: "Most USD", kind: "number" },
  { name: "not_before", label: "Not before", kind: "moment" },
];

/** The text of a field in a form. @param {Field} field @param {any} value */
export function shown({ kind }, value) {
  if (value === null || value === undefined) return "";
  if (kind === "list") return value.join(", ");
  if (kind === "moment") {
    const at = new Date(value * 1000);
    return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }
  return String(value);
}

/** The value that a text in a form means. @param {Field} field @param {string} text @returns {any} */
export function meant({ kind, name }, text) {
  const bare = text.trim();
  if (kind === "list") return bare.split(",").map((one) => one.trim()).filter(Boolean);
  if (kind === "long") return text.replace(/\r\n/g, "\n");
  if (kind === "text" || kind === "choice") return bare || (name === "check" || name === "parent" ? null : bare);
  if (!bare) return null;
  return kind === "moment" ? new Date(bare).getTime() / 1000 : Number(bare);
}

/** Only what differs. @param {any} before @param {any} after @returns {Record<string, any>} */
export function changes(before, after) {
  /** @type {Record<string, any>} */
  const found = {};
  for (const { name } of FIELDS) {
    if (name in after && key(before[name]) !== key(after[name])) found[name] = after[name];
  }
  return found;
}

/** Nothing said is the same as said to be nothing. @param {any} value */
const key = (value) =>
  JSON.stringify(value === "" || value === undefined || (Array.isArray(value) && !value.length) ? null : value);

/** Fields that two editors have changed apart. @param {any} base @param {Record<string, any>} mine @param {any} theirs @returns {string[]} */
export function conflicts(base, mine, theirs) {
  return Object.keys(mine).filter(
    (name) => key(theirs[name]) !== key(base[name]) && key(theirs[name]) !== key(mine[name]),
  );
}

/** @param {string} name @param {string} label @param {string} value @param {boolean} preview @param {string} typed */
export const described = (name, label, value, preview, typed) => html`<div class="field wide">
  <div class="row"><label for="editor-text"><span>${label}</span></label>
  ${switcher("text", "Description as", [["write", "Write"], ["preview", "Preview"]], preview ? "preview" : "write")}</div>
  <textarea id="editor-text" name="${name}" rows="9" placeholder="Markdown: what is to be done, and how one sees that it is" ${preview ? "hidden" : ""}>
${value}</textarea>
  <div class="md preview" ${preview ? "" : "hidden"}>${preview ? markdown(typed) : ""}</div></div>`;

/** @param {any} base @param {Record<string, any>} mine @param {any} theirs */
export function versions(base, mine, theirs) {
  const names = conflicts(base, mine, theirs);
  if (!names.length) return "";
  return html`<fieldset class="versions"><legend>Two versions</legend>${names.map((name) => {
    const field = FIELDS.find((one) => one.name === name) ?? FIELDS[0];
    const side = (/** @type {string} */ who, /** @type {string} */ words, /** @type {any} */ value) => html`<label class="version">
      <span><input type="radio" name="choice-${name}" value="${who}" required> ${words}</span>
      <pre>${plain(shown(field, value), 3000) || "(nothing)"}</pre></label>`;
    return html`<div class="pair" data-key="v-${name}"><h3>${field.label}</h3>
      ${side("mine", "Yours", mine[name])}${side("theirs", "Theirs", theirs[name])}</div>`;
  })}</fieldset>`;
}
