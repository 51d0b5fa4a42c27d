// @ts-check
// Keeps the store true: loads it, follows the stream, and comes back after every interruption.

import { get, stream } from "./api.js";
import { store } from "./store.js";

const LIST = "/api/issues?brief=1&limit=2000&sort=priority";
const MOST_LATEST = 60;
const LATEST = `/api/issues?brief=1&limit=${MOST_LATEST}&sort=updated`;
const HIDDEN_MS = 30_000; // a browser has six connections for all its tabs: hidden ones give theirs back
const REFRESH_MS = 300;
const AGAIN_MS = 5000; // after an error
/** @type {EventSource | null} */
let source = null;
let tries = 0;
// What happens to a task that others wait for, or to many at once, shows in others too.
const WIDE = new Set(["land", "cancel", "reopen", "retry", "depend", "undo", "delete", "give_up"]);
let all = false;
/** @type {Set<string>} since the last look */
const touched = new Set();
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
      else look(REFRESH_MS); // what happened between two answers of the beginning
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
function changed({ identifier, action }) {
  if (!identifier || action === "phase") return;
  if (action === "delete") store.forget([identifier]);
  touched.add(identifier);
  if (WIDE.has(action) || touched.size > MOST_LATEST) all = true;
  look(store.total > 300 && all ? REFRESH_MS * 5 : REFRESH_MS);
}

/** @param {number} ms from now */
function look(ms) {
  refreshing ||= setTimeout(refresh, ms);
}

async function refresh() {
  const everything = all;
  all = false;
  touched.clear();
  refreshing = 0; // what comes from now on needs another look
  try {
    if (everything) return await reload();
    const { issues, total } = await get(LATEST);
    store.merge(issues, total);
  } catch (error) {
    const { status } = /** @type {any} */ (error);
    if (status === undefined) throw error;
    if (status < 500) return; // the stream, or the login form, comes first
    all ||= everything;
    look(AGAIN_MS);
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
