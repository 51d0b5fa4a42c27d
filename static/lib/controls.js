// @ts-check
// The controls of a player: play, step, speed, scrub, search.

import { clock, money, plural, short } from "./format.js";
import { switcher } from "./head.js";
import { html } from "./html.js";
import { icon } from "./icons.js";

/** @type {[string, string][]} */
const SPEEDS = [["1", "1×"], ["2", "2×"], ["4", "4×"], ["8", "8×"]];

/**
 * @param {import("./recording.js").Recording} recording
 * @param {{at: number, tokens: number, usd: number}[]} usage
 * @param {import("./player.js").Player} player
 * @param {string} sought
 */
export function controls({ events, seconds }, usage, { index, playing, speed, found }, sought) {
  const time = events[index]?.time ?? 0;
  const used = usage.findLast(({ at }) => at <= time);
  return html`<div class="controls">
    <button class="button primary" data-click="play" aria-label="${playing ? "Pause" : "Play"}" title="Space">${icon(playing ? "pause" : "play")}</button>
    <button class="button small" data-click="step" value="-1" aria-label="One event back" title="k">${icon("back")}</button>
    <button class="button small" data-click="step" value="1" aria-label="One event on" title="j">${icon("next")}</button>
    ${switcher("speed", "Speed", SPEEDS, speed)}
    <input type="range" class="scrub" min="0" max="${seconds}" step="any" value="${time}" data-input="scrub"
      aria-label="Moment" aria-valuetext="${clock(time)} of ${clock(seconds)}">
    <output>${clock(time)} / ${clock(seconds)}</output>
    <span class="dim used">${used ? `${short(used.tokens)} tokens, ${money(used.usd)} by now` : ""}</span>
    <span class="find"><input class="small" type="search" placeholder="Search ( / )" aria-label="Search the session" data-change="search">
    ${sought ? html`<span class="dim">${plural(found.size, "match", "matches")}</span>
      <button class="button small bare" data-click="match" value="-1" aria-label="Match before">${icon("high")}</button>
      <button class="button small bare" data-click="match" value="1" aria-label="Match after">${icon("low")}</button>` : ""}</span></div>`;
}
