// @ts-check
// Which rows of a long list are in sight: the others are only height.

/**
 * @param {number} count
 * @param {number} height of a row
 * @param {number} top scrolled so far
 * @param {number} room height of what is in sight
 */
export function slice(count, height, top, room, over = 6) {
  const first = Math.max(0, Math.min(count, Math.floor(top / height) - over));
  const last = Math.max(first, Math.min(count, Math.ceil((top + room) / height) + over));
  return { first, last, above: first * height, below: (count - last) * height };
}

/** Where to scroll to have row `index` in sight; null: it is. @param {number} index @param {number} height @param {number} top @param {number} room */
export function reveal(index, height, top, room) {
  if (index * height < top) return index * height;
  if ((index + 1) * height > top + room) return (index + 1) * height - room;
  return null;
}

/** Scroll `strip` until `one` is in its middle. @param {any} strip @param {any} one */
export function center(strip, one) {
  strip.scrollLeft = one.offsetLeft - strip.offsetLeft - (strip.clientWidth - one.offsetWidth) / 2;
}
