// @ts-check
// Changes a person makes to tasks: shown at once, taken back when they are refused.

import { etagOf, issue, post, put, remove } from "./api.js";
import { choose, confirm, notice, prompt } from "./ask.js";
import { html } from "./html.js";
import { stateIcon, stateName } from "./icons.js";
import { store } from "./store.js";

/** Do `work`; a refusal is told and undone. @template T @param {() => Promise<T>} work @param {() => void} [back] @returns {Promise<T | null>} */
export async function tried(work, back) {
  try {
    return await work();
  } catch (error) {
    back?.();
    const { status, message } = /** @type {any} */ (error);
    if (status === undefined) throw error;
    notice(message, { bad: true });
    return null;
  }
}

/** States that all of `tasks` may be moved to. @param {any[]} tasks @returns {string[]} */
export function movesOf(tasks) {
  const [first, ...rest] = tasks.map((task) => store.me?.moves?.[task.state] ?? []);
  return (first ?? []).filter((/** @type {string} */ state) => rest.every((/** @type {string[]} */ moves) => moves.includes(state)));
}

/** @param {any[]} tasks @param {string} state @param {string} [why] */
export async function move(tasks, state, why) {
  // The store may lack some of very many: it is not to have them in part.
  const known = tasks.filter(({ identifier }) => store.issues.has(identifier));
  const before = known.map(({ identifier, state: old }) => ({ identifier, state: old }));
  store.merge(known.map(({ identifier }) => ({ identifier, state })));
  const body = why ? { state, why } : { state };
  const done = await tried(
    async () =>
      tasks.length === 1
        ? [await put(issue(tasks[0].identifier), body, etagOf(tasks[0]))]
        : (await post("/api/issues/bulk", { identifiers: namesOf(tasks), action: "move", ...body })).issues,
    () => store.merge(before),
  );
  if (!done) return false;
  store.merge(done);
  notice(`${listed(tasks)} moved to ${stateName(state)}`, { undo: true });
  return true;
}

/** @param {any[]} tasks */
const namesOf = (tasks) => tasks.map(({ identifier }) => identifier);

/** @param {any[]} tasks */
const listed = (tasks) => (tasks.length === 1 ? tasks[0].identifier : `${tasks.length} tasks`);

/** Ask where to, then move. @param {any[]} tasks */
export async function moveByChoice(tasks) {
  if (!tasks.length) return;
  const options = movesOf(tasks).map((state) => ({
    value: state,
    label: html`${stateIcon(state)} ${stateName(state)}`,
  }));
  const empty = "There is no state that a person may move this to now.";
  const state = await choose({ title: `Move ${listed(tasks)} to`, options, empty });
  if (state) await move(tasks, state);
}

const DONE = { retry: "put back to do", cancel: "canceled", reopen: "reopened", delete: "deleted" };
/** @typedef {keyof typeof DONE} Verb */

/** @param {any[]} tasks @param {Verb} verb */
export async function act(tasks, verb) {
  if (!tasks.length || !(await agreed(tasks, verb))) return false;
  const single = tasks.length === 1;
  const path = issue(tasks[0].identifier);
  const done = await tried(async () => {
    if (!single) return post("/api/issues/bulk", { identifiers: namesOf(tasks), action: verb });
    return verb === "delete" ? remove(path) : post(`${path}/${verb}`);
  });
  if (!done) return false;
  if (verb === "delete") store.forget(namesOf(tasks));
  else store.merge(single ? [done] : done.issues);
  notice(`${listed(tasks)} ${DONE[verb]}`, { undo: true });
  return true;
}

/** @param {any[]} tasks @param {Verb} verb */
async function agreed(tasks, verb) {
  const running = tasks.some((task) => task.state === "in_progress");
  if (verb !== "delete" && !(verb === "cancel" && running)) return true;
  const text = verb === "delete"
    ? "Its comments and its place in other tasks' dependencies go with it. Undo brings it back."
    : "An agent works on it: it is stopped, and what it has committed stays on the branch.";
  const action = verb === "delete" ? "Delete" : "Cancel it";
  return confirm({ title: `${action}: ${listed(tasks)}?`, text, action, danger: true });
}

/** @param {any[]} tasks @param {Record<string, unknown>} fields */
export async function edit(tasks, fields) {
  const body = { identifiers: namesOf(tasks), action: "edit", fields };
  const done = await tried(() => post("/api/issues/bulk", body));
  if (!done) return;
  store.merge(done.issues);
  notice(`${listed(tasks)} changed`, { undo: true });
}

export async function undo() {
  const done = await tried(() => post("/api/issues/undo"));
  if (!done) return;
  store.merge(done.issues ?? []);
  const removed = (done.removed ?? []).map((/** @type {any} */ gone) => gone.identifier ?? gone);
  if (removed.length) store.forget(removed);
  notice(`Taken back: ${String(done.action).replaceAll("_", " ")}`);
}

/** @param {string} identifier @param {string} text */
export async function answer(identifier, text) {
  const done = await tried(() => post(issue(identifier, "/answer"), { text }));
  if (!done) return false;
  store.merge([done]);
  notice(`${identifier} is answered; its agent goes on`);
  return true;
}

/** @param {string} identifier */
export async function message(identifier) {
  const text = await prompt({
    title: `Tell the agent of ${identifier}`,
    label: "It reads this before its next step",
    action: "Send",
  });
  if (text && (await tried(async () => (await post(issue(identifier, "/tell"), { text })) ?? {}))) {
    notice(`${identifier}'s agent will be told`);
  }
}

/** @param {"pause" | "resume" | "stop"} verb @param {Record<string, unknown>} [body] */
export async function steer(verb, body = {}) {
  const team = await tried(() => post(`/api/team/${verb}`, body));
  if (!team) return;
  store.setTeam(team);
  const told = { pause: "Paused: no new task is begun", resume: "The team goes on", stop: "The run is asked to end" };
  notice(told[verb]);
}
