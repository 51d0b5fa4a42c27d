// @ts-check
// Pure text: ages, tokens, cost, and agent output without its power over a screen.

/** @param {number | null | undefined} usd */
export function money(usd) {
  if (usd === null || usd === undefined) return "–";
  return usd > 0 && usd < 0.01 ? `$${usd.toFixed(4)}` : `$${usd.toLocaleString("en", TWO)}`;
}
const TWO = { minimumFractionDigits: 2, maximumFractionDigits: 2 };

/** 950, 12.3k, 4.1M @param {number | null | undefined} count */
export function short(count) {
  if (count === null || count === undefined) return "–";
  if (Math.abs(count) < 1000) return String(Math.round(count));
  const [size, unit] = Math.abs(count) < 999_950 ? [1e3, "k"] : [1e6, "M"];
  const value = count / size;
  return `${value.toFixed(value < 99.95 ? 1 : 0).replace(/\.0$/, "")}${unit}`;
}

/** 0:07, 12:40, 3:02:11 @param {number | null | undefined} seconds */
export function clock(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** "8s", "5m", "3h", "2d": one unit, for dense places. @param {number | null | undefined} seconds */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.max(0, seconds);
  if (s < 1 && s > 0) return `${s.toFixed(1)}s`;
  if (s < 60) return `${Math.round(s)}s`;
  if (s < 3600) return `${Math.round(s / 60)}m`;
  return s < 86400 ? `${(s / 3600).toFixed(s < 36000 ? 1 : 0)}h` : `${Math.round(s / 86400)}d`;
}

/** "now", "5m ago" @param {number | null | undefined} at @param {number} [now] */
export function ago(at, now = Date.now() / 1000) {
  if (!at) return "–";
  const seconds = now - at;
  if (seconds < -5) return `in ${span(-seconds)}`;
  return seconds < 5 ? "now" : `${span(seconds)} ago`;
}

/** The wall clock of a moment: 14:03:22 @param {number} at */
export const timeOf = (at) => new Date(at * 1000).toLocaleTimeString("en-GB");

/** @param {number | null | undefined} at */
export const moment = (at) =>
  at
    ? new Date(at * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })
    : "–";

/** Today only the time, else the day too. @param {number} at @param {number} [now] */
export function when(at, now = Date.now() / 1000) {
  const same = new Date(at * 1000).toDateString() === new Date(now * 1000).toDateString();
  return same ? timeOf(at).slice(0, 5) : moment(at);
}

/** As wide as a time: the day of what is not of today. @param {number} at @param {number} [now] */
export function stamp(at, now = Date.now() / 1000) {
  const [day, today] = [at, now].map((one) => new Date(one * 1000));
  return day.toDateString() === today.toDateString()
    ? timeOf(at) : day.toLocaleDateString("en-GB", { day: "2-digit", month: "short" });
}

/** @param {number | null | undefined} part */
export const percent = (part) =>
  part === null || part === undefined ? "–" : `${Math.round(part * 100)}%`;

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

// Terminal commands (colours, titles, OSC links), other control signs, and marks that turn the
// direction of writing, which can make code read as something that it is not.
const OSC = /\x1b[\]P^_X][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?/g;
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]?/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
export const MOST = 20_000;

/** What an agent wrote as plain text, at most `most` signs of it. @param {unknown} value */
export function plain(value, most = MOST) {
  const text = typeof value === "string" ? value : value == null ? "" : JSON.stringify(value);
  const head = text.length > most * 4 ? text.slice(0, most * 4) : text;
  const safe = head.replace(/\r\n/g, "\n").replace(OSC, "").replace(ESCAPES, "").replace(CONTROLS, "");
  if (safe.length <= most && head === text) return safe;
  return `${safe.slice(0, most)}\n… ${size(text.length - Math.min(most, safe.length))} more not shown`;
}

/** The same as one line. @param {unknown} value @param {number} [most] */
export function line(value, most = 240) {
  const text = plain(value, most * 4).replace(/\s+/g, " ").trim();
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
