// @ts-check
// Makes an element look like new markup while keeping what has not changed: focus, scroll, typing.

import { Markup } from "./html.js";

/** Show `view` in `element`. @param {Element} element @param {Markup} view */
export function patch(element, view) {
  const template = document.createElement("template");
  template.innerHTML = view.text;
  for (const styled of template.content.querySelectorAll("[data-style]")) restyle(styled);
  children(element, template.content);
}

/** The policy forbids style attributes: data-style="height:8px" is set by script. @param {any} element */
function restyle(element) {
  for (const rule of (element.getAttribute("data-style") ?? "").split(";")) {
    const [name, value] = rule.split(":");
    if (value !== undefined) element.style.setProperty(name.trim(), value.trim());
  }
}

/** @param {any} node */
const keyOf = (node) => node.nodeType === 1 && (node.getAttribute("data-key") || node.id);

/** @param {Node} from @param {Node} to */
function children(from, to) {
  const keyed = new Map();
  for (const child of from.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  const wanted = [...to.childNodes];
  const keys = new Set(wanted.map(keyOf));
  /** @type {Node | null} */
  let place = from.firstChild;
  for (const next of wanted) {
    while (place && keyOf(place) && !keys.has(keyOf(place))) place = drop(place);
    const match = keyOf(next) ? keyed.get(keyOf(next)) : alike(place, next);
    if (!match || match.nodeName !== next.nodeName) {
      from.insertBefore(next, place);
      continue;
    }
    if (!keyOf(next)) while (place && place !== match) place = drop(place);
    if (match === place) place = match.nextSibling;
    else from.insertBefore(match, place);
    same(match, next);
  }
  while (place) place = drop(place);
}

/** @param {any} node */
function drop(node) {
  const after = node.nextSibling;
  node.remove();
  return after;
}

const FAR = 8;

/**
 * What stands for `next` already: the node at `place`, or one a little further on if what is
 * between them has gone. Nothing that was moved: a moved element forgets its focus.
 * @param {any} place @param {any} next
 */
function alike(place, next) {
  if (place && !keyOf(place) && place.nodeName === next.nodeName) return place;
  if (next.nodeType !== 1) return null;
  for (let at = place, far = 0; at && far < FAR; at = at.nextSibling, far++) {
    if (keyOf(at)) return null;
    if (at.nodeName === next.nodeName && at.className === next.className) return at;
  }
  return null;
}

/** @param {any} from @param {any} to */
function same(from, to) {
  if (from.nodeType !== 1) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  attributes(from, to);
  // A custom element looks after its own children, and so does whoever says data-keep.
  if (from.localName.includes("-") || from.hasAttribute("data-keep")) return;
  if (from.localName === "textarea") {
    if (from.defaultValue !== to.defaultValue) from.defaultValue = to.defaultValue;
    return;
  }
  children(from, to);
  if (from.localName === "select" && document.activeElement !== from) from.value = to.value;
}

/** @param {any} from @param {any} to */
function attributes(from, to) {
  for (const { name, value } of [...to.attributes]) {
    if (name === "style" || from.getAttribute(name) === value) continue;
    from.setAttribute(name, value);
    if (name === "data-style") restyle(from);
    if (name === "value" && document.activeElement !== from) from.value = value;
  }
  for (const { name } of [...from.attributes]) {
    const own = name === "style" || (name === "open" && /^(details|dialog)$/.test(from.localName));
    if (!own && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  if (from.localName === "input" && /^(checkbox|radio)$/.test(from.type)) {
    from.checked = to.hasAttribute("checked");
  }
}
