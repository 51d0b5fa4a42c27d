// @ts-check
// How the team does: throughput, success, time, money, and what holds it up. From events only.

import { get } from "../lib/api.js";
import { activity, priorities, reasons, shares, spend, throughput, timeInState } from "../lib/figures.js";
import { line, money, percent, short, span } from "../lib/format.js";
import { broken, empty, head, loading, stat, switcher } from "../lib/head.js";
import { html } from "../lib/html.js";
import { icon, stateIcon } from "../lib/icons.js";
import { Part } from "../lib/part.js";
import { settle, to } from "../lib/route.js";
import { store } from "../lib/store.js";
import "./chart-figure.js";

const KINDS = ["velocity", "efficiency", "bottlenecks", "summary", "cost"];
const RANGES = ["7", "14", "30", "60", "90"];

class AnalyticsView extends Part {
  #days = "30";
  #team = "";
  /** @type {any} */
  #data = null;
  #failure = "";
  /** @type {import("./chart-figure.js").Figure[]} */
  #figures = [];

  /** @param {any} place */
  set place({ query }) {
    this.#days = RANGES.includes(query.get("days")) ? query.get("days") : "30";
    this.#team = query.get("team") ?? "";
    if (this.isConnected) this.#load();
  }

  actions = {
    again: () => this.#load(),
    days: (/** @type {any} */ button) => this.#choose(button.value, this.#team),
    team: (/** @type {any} */ select) => this.#choose(this.#days, select.value),
  };

  connected() {
    this.#load();
    this.listen(store, "me", () => this.update());
  }

  /** @param {string} days @param {string} team */
  #choose(days, team) {
    [this.#days, this.#team] = [days, team];
    settle(`#/analytics?${this.#query}`);
    this.#load();
  }

  get #query() {
    return `days=${this.#days}${this.#team ? `&team=${encodeURIComponent(this.#team)}` : ""}`;
  }

  async #load() {
    const asked = this.#query;
    this.update();
    try {
      const found = await Promise.all(KINDS.map((kind) => get(`/api/analytics/${kind}?${asked}`, this.signal)));
      if (asked !== this.#query) return;
      this.#data = Object.fromEntries(KINDS.map((kind, i) => [kind, found[i]]));
      this.#failure = "";
      this.#figures = this.#made();
    } catch (error) {
      if (this.signal.aborted) return;
      this.#failure = /** @type {any} */ (error).message;
    }
    this.update();
  }

  #made() {
    const { velocity, bottlenecks, summary, cost } = this.#data;
    return [
      throughput(velocity), spend(cost), timeInState(bottlenecks), activity(summary),
      bottlenecks.failures.length ? reasons(bottlenecks) : null, priorities(summary),
      cost.models.length ? shares("Spend by model", cost.models) : null,
      cost.agents.length ? shares("Spend by agent", cost.agents) : null,
      cost.tasks.length ? shares("Most expensive tasks", cost.tasks) : null,
    ].filter((figure) => figure !== null);
  }

  view() {
    const ranges = /** @type {[string, string][]} */ (RANGES.map((days) => [days, `${days} days`]));
    const teams = Object.keys(store.me?.teams ?? {});
    const export_ = (/** @type {string} */ format) => html`<a class="button small" download
      href="/api/analytics/export?format=${format}&${this.#query}">${icon("down")}${format.toUpperCase()}</a>`;
    const tools = html`${teams.length > 1 ? html`<select class="small" data-change="team" aria-label="Team"><option value="">All teams</option>${teams.map(
      (team) => html`<option value="${team}" ${team === this.#team ? "selected" : ""}>${team}</option>`)}</select>` : ""}
      ${switcher("days", "Range", ranges, this.#days)}${export_("json")}${export_("csv")}`;
    return html`${head("Analytics", "What the events tell, up to now", tools)}${this.#body()}`;
  }

  #body() {
    if (!this.#data) return this.#failure ? broken(this.#failure) : loading(10);
    if (this.#data.velocity.empty && this.#data.summary.empty) {
      return html`<div class="card">${empty("analytics", `Nothing happened in the last ${this.#days} days`, "Figures come from what the team does: let it work on a task.")}</div>`;
    }
    return html`${this.#failure ? html`<p class="banner">${icon("warn")}${this.#failure}</p>` : ""}${this.#numbers()}
      <div class="figures">${this.#figures.map(({ title }) => html`<chart-figure data-key="f-${title}"></chart-figure>`)}</div>${this.#lists()}`;
  }

  #numbers() {
    const { velocity, efficiency, summary } = this.#data;
    const trend = velocity.trend === null ? "" : `${velocity.trend >= 0 ? "+" : ""}${percent(velocity.trend)}`;
    const { median, p90 } = efficiency.cycle_seconds;
    const number = (/** @type {number | null} */ value) => (value === null ? "–" : (Math.round(value * 10) / 10).toString());
    return html`<dl class="stats card">
      ${stat("Landed", velocity.total, `${number(velocity.weekly_average)} a week`)}
      ${stat("Trend", trend || "–", "a week, of landed tasks")}
      ${stat("Success", percent(efficiency.success_rate), `${percent(efficiency.first_pass_rate)} at the first attempt`)}
      ${stat("Cycle time", span(median), `p90 ${span(p90)}`)}
      ${stat("Attempts per task", number(efficiency.attempts_per_task), `${percent(efficiency.retry_rate)} were retried`)}
      ${stat("Workers busy", percent(efficiency.parallel_efficiency), "parallel efficiency")}
      ${stat("Spent", money(summary.spend_usd), `${short(summary.tokens)} tokens`)}
      ${stat("Per landed task", money(summary.cost_per_landed_usd), "USD")}</dl>`;
  }

  #lists() {
    const { stuck, retried } = this.#data.bottlenecks;
    /** @param {string} title @param {any[]} tasks @param {(task: any) => unknown} more */
    const list = (title, tasks, more) => html`<section class="card flush"><h2>${title} <small>${tasks.length || ""}</small></h2>${tasks.length
      ? html`<ul class="near">${tasks.slice(0, 12).map((task) => html`<li><a href="${to("task", task.identifier)}">${task.state ? stateIcon(task.state) : ""}
        <span class="mono dim">${task.identifier}</span><span class="grow">${line(task.title, 90)}</span><span class="dim">${more(task)}</span></a></li>`)}</ul>`
      : html`<p class="pad dim">None.</p>`}</section>`;
    return html`<div class="figures">${list("Stuck", stuck, ({ seconds, reason }) => `${span(seconds)}${reason ? `, ${line(reason, 60)}` : ""}`)}
      ${list("Retried most", retried, ({ attempts, failures }) => `${attempts} attempts, ${failures} failed`)}</div>`;
  }

  drawn() {
    for (const [i, part] of this.querySelectorAll("chart-figure").entries()) /** @type {any} */ (part).figure = this.#figures[i];
  }
}

customElements.define("analytics-view", AnalyticsView);
