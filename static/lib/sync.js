// @ts-check
// Keeps the store true: loads it, follows the stream, and comes back after every interruption.

import { get, issue, stream } from "./api.js";
import { store } from "./store.js";

const LIST = "/api/issues?brief=1&limit=2000&sort=priority";
const HIDDEN_MS = 30_000; // a browser has six connections for all its tabs: hidden ones give theirs back
const REFRESH_MS = 300;
/** @type {EventSource | null} */
let source = null;
let tries = 0;
/** @type {Set<string>} tasks that changed and have not been read again */
const stale = new Set();
let refreshing = 0;
let retry = 0;

export async function start() {
  try {
    const [me, team, issues, events] = await Promise.all([
      get("/api/me"),
      get("/api/team"),
      get(LIST),
      get("/api/events/list?limit=300"),
    ]);
    store.setMe(me);
    store.setTeam(team);
    store.setIssues(issues.issues, issues.total);
    store.setEvents(events.events, events.last_seq);
    tries = 0;
    follow();
  } catch (error) {
    failed(/** @type {any} */ (error));
  }
}

/** @param {{status?: number, message: string}} error */
function failed(error) {
  if (error.status === 401) return; // the login form starts it again
  if (!store.loaded) store.fail(error.message);
  store.setLink("away");
  later(store.loaded ? follow : start);
}

/** @param {() => void} what */
function later(what) {
  clearTimeout(retry);
  retry = setTimeout(what, Math.min(5000, 250 * 2 ** tries++));
}

function follow() {
  source?.close();
  source = stream(store.last, {
    event: (event) => store.addEvent(event) && changed(event),
    team: (team) => store.setTeam(team),
    hello: (hello) => {
      const fresh = store.link === "away";
      tries = 0;
      store.setLink("online");
      if (hello.seq < store.last) location.reload(); // another ledger
      if (fresh) reload();
    },
    error: () => {
      store.setLink("away");
      later(check);
    },
  });
}

/** A closed stream does not tell why: a request does. */
async function check() {
  try {
    await get("/api/me");
    follow();
  } catch (error) {
    failed(/** @type {any} */ (error));
  }
}

/** Read everything anew, quietly. */
export async function reload() {
  try {
    const [team, issues] = await Promise.all([get("/api/team"), get(LIST)]);
    store.setTeam(team);
    store.setIssues(issues.issues, issues.total);
  } catch (error) {
    if (/** @type {any} */ (error).status !== 0) throw error;
  }
}

/** @param {any} event */
function changed(event) {
  if (!event.identifier || event.action === "phase") return;
  stale.add(event.identifier);
  refreshing ||= setTimeout(refresh, REFRESH_MS);
}

async function refresh() {
  const names = [...stale];
  stale.clear();
  try {
    if (names.length > 6) return await reload();
    await Promise.all(names.map(readAgain));
  } finally {
    refreshing = stale.size ? setTimeout(refresh, REFRESH_MS) : 0;
  }
}

/** @param {string} identifier */
async function readAgain(identifier) {
  try {
    store.merge([await get(issue(identifier))]);
  } catch (error) {
    const { status } = /** @type {any} */ (error);
    if (status === 404) store.forget([identifier]);
    else if (status !== 0) throw error;
  }
}

let hiding = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => {
      source?.close();
      source = null;
    }, HIDDEN_MS);
  } else if (!source && store.loaded) {
    follow();
    reload();
  }
});
