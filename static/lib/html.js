// @ts-check
// The only maker of markup: whatever is put into html`…` is text, unless html`…` made it.

export class Markup {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** @param {unknown} value */
export const escape = (value) => String(value).replace(/[&<>"']/g, (sign) => ENTITIES[sign]);

/** @param {unknown} value @returns {string} */
function markup(value) {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(markup).join("");
  return value === null || value === undefined || typeof value === "boolean" ? "" : escape(value);
}

/**
 * @param {TemplateStringsArray} strings
 * @param {...unknown} values
 */
export function html(strings, ...values) {
  let text = strings[0];
  for (let i = 0; i < values.length; i++) text += markup(values[i]) + strings[i + 1];
  return new Markup(text);
}
