// @ts-check
// What the analytics page shows, as figures made of the API's answers.

import { bars, columns, heat } from "./charts.js";
import { money, short, span } from "./format.js";
import { stateName } from "./icons.js";

const STATES = ["todo", "in_progress", "review", "blocked", "done", "failed", "canceled"];
const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const whole = (/** @type {number} */ value) => String(Math.round(value * 10) / 10);

/** @param {any} velocity @returns {import("../components/chart-figure.js").Figure} */
export function throughput({ days }) {
  const of = (/** @type {string} */ name) => days.map((/** @type {any} */ day) => day[name]);
  const total = of("landed").reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0);
  return {
    title: "Throughput",
    note: "Landed and failed per day",
    key: [["good", "landed"], ["bad", "failed"]],
    draw: (width) => columns(width, {
      labels: of("date"), format: whole, least: 1, label: `${total} tasks landed in ${days.length} days`,
      series: [{ name: "landed", kind: "good", values: of("landed") }, { name: "failed", kind: "bad", values: of("failed") }],
    }),
    heads: ["Day", "Made", "Landed", "Failed"],
    rows: days.map((/** @type {any} */ { date, created, landed, failed }) => [date, created, landed, failed]),
  };
}

/** @param {any} cost @returns {import("../components/chart-figure.js").Figure} */
export function spend({ days, total_usd, unknown_price_requests: unknown }) {
  return {
    title: "Spend",
    note: `${money(total_usd)} in all${unknown ? `; ${unknown} requests of unknown price come on top` : ""}`,
    draw: (width) => columns(width, {
      labels: days.map((/** @type {any} */ { date }) => date), format: money, label: `${money(total_usd)} in ${days.length} days`,
      series: [{ name: "spent", kind: "bar-1", values: days.map((/** @type {any} */ { usd }) => usd ?? 0) }],
    }),
    heads: ["Day", "USD", "Tokens"],
    rows: days.map((/** @type {any} */ { date, usd, tokens }) => [date, money(usd), short(tokens)]),
  };
}

/** @param {string} title @param {any[]} found @returns {import("../components/chart-figure.js").Figure} */
export function shares(title, found) {
  const rows = found.slice(0, 10).map(({ name, identifier, title: text, usd }) =>
    ({ name: identifier ? `${identifier} ${text ?? ""}` : name || "(unnamed)", value: usd ?? 0 }));
  return {
    title,
    draw: (width) => bars(width, { rows, format: money, label: `${title}: ${rows.map(({ name, value }) => `${name} ${money(value)}`).slice(0, 3).join(", ")}` }),
    heads: ["", "USD", "Tokens"],
    rows: found.map(({ name, identifier, usd, tokens }) => [identifier ?? (name || "(unnamed)"), money(usd), short(tokens)]),
  };
}

/** @param {any} bottlenecks @returns {import("../components/chart-figure.js").Figure} */
export function timeInState({ time_in_state: states }) {
  const rows = STATES.filter((state) => states[state]).map((state) =>
    ({ name: stateName(state), value: states[state].median ?? 0, more: states[state].p90 ?? 0, kind: `s-${state}` }));
  return {
    title: "Time in state",
    note: "The bar is the median, its shade the 90th percentile",
    draw: (width) => bars(width, { rows, format: span, label: `Median time: ${rows.map(({ name, value }) => `${name} ${span(value)}`).join(", ")}` }),
    heads: ["State", "Median", "p90", "Total"],
    rows: Object.entries(states).map(([state, { median, p90, total }]) => [stateName(state), span(median), span(p90), span(total)]),
  };
}

/** @param {any} bottlenecks @returns {import("../components/chart-figure.js").Figure} */
export function reasons({ failures }) {
  const rows = failures.slice(0, 8).map((/** @type {any} */ { reason, count }) => ({ name: reason, value: count, kind: "bad" }));
  return {
    title: "Why attempts failed",
    draw: (width) => bars(width, { rows, format: whole, label: `Reasons for failure: ${rows.length} kinds` }),
    heads: ["Reason", "Attempts"],
    rows: failures.map((/** @type {any} */ { reason, count }) => [reason, count]),
  };
}

/** @param {any} summary @returns {import("../components/chart-figure.js").Figure} */
export function activity({ activity: grid }) {
  return {
    title: "Activity",
    note: "What happened at which hour of which day of the week",
    draw: (width) => heat(width, { grid, label: "Events by day of the week and hour" }),
    heads: ["Day", ...Array.from({ length: 24 }, (_, hour) => String(hour))],
    rows: grid.map((/** @type {number[]} */ hours, /** @type {number} */ day) => [DAYS[day], ...hours]),
  };
}

/** @param {any} summary @returns {import("../components/chart-figure.js").Figure} */
export function priorities({ priorities: found }) {
  const names = Object.keys(found);
  const open = (/** @type {Record<string, number>} */ counts) =>
    Object.entries(counts).reduce((sum, [state, count]) => sum + (["done", "canceled", "failed"].includes(state) ? 0 : count), 0);
  return {
    title: "Open by priority",
    draw: (width) => bars(width, {
      rows: names.map((name) => ({ name: stateName(name), value: open(found[name]) })), format: whole,
      label: `Open tasks: ${names.map((name) => `${name} ${open(found[name])}`).join(", ")}`,
    }),
    heads: ["Priority", ...STATES.map(stateName)],
    rows: names.map((name) => [stateName(name), ...STATES.map((state) => found[name][state] ?? 0)]),
  };
}
