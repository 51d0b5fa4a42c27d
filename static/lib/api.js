// @ts-check
// The only user of fetch and EventSource.

export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Tells "unauthorized" when the server wants a token. */
export const door = new EventTarget();

/** @type {Map<string, {etag: string, data: any}>} */
const seen = new Map();

/**
 * @param {string} method
 * @param {string} path
 * @param {{body?: unknown, etag?: string, signal?: AbortSignal}} [more]
 * @returns {Promise<any>}
 */
async function request(method, path, { body, etag, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    headers["X-Axon"] = "1";
  }
  if (etag) headers["If-Match"] = etag;
  const old = method === "GET" ? seen.get(path) : undefined;
  if (old) headers["If-None-Match"] = old.etag;
  const answer = await reach(path, { method, headers, signal, body: JSON.stringify(body) });
  if (answer.status === 304 && old) return old.data;
  if (answer.status === 204) return null;
  const data = await answer.json().catch(() => null);
  if (answer.ok) {
    if (method === "GET" && path.startsWith("/api/issues?")) remember(path, answer, data);
    return data;
  }
  if (answer.status === 401) door.dispatchEvent(new Event("unauthorized"));
  const { code = "error", message = answer.statusText } = data?.error ?? {};
  throw new ApiError(answer.status, code, message);
}

/** @param {string} path @param {RequestInit} options */
async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "away", "The dashboard's server does not answer; it is tried again.");
  }
}

/** @param {string} path @param {Response} answer @param {any} data */
function remember(path, answer, data) {
  const etag = answer.headers.get("ETag");
  if (seen.size > 8) seen.clear();
  if (etag) seen.set(path, { etag, data });
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = (path, signal) => request("GET", path, { signal });
/** @param {string} path @param {unknown} [body] */
export const post = (path, body = {}) => request("POST", path, { body });
/** @param {string} path @param {unknown} body @param {string} [etag] */
export const put = (path, body, etag) => request("PUT", path, { body, etag });
/** @param {string} path */
export const remove = (path) => request("DELETE", path, { body: {} });

/** /api/issues/ENG-1/…: identifiers come from anywhere. @param {string} identifier @param {string} [rest] */
export const issue = (identifier, rest = "") =>
  `/api/issues/${encodeURIComponent(identifier)}${rest}`;

/** The token in a link, or in what was pasted. @param {string} text */
export function tokenIn(text) {
  const token = /#token=(.+)$/.exec(text)?.[1] ?? text;
  try {
    return decodeURIComponent(token);
  } catch {
    return token; // a sign that only looks like an escape
  }
}

/** What an editor saw. @param {{identifier: string, version: number}} task */
export const etagOf = (task) => `"${task.identifier}.${task.version}"`;

/**
 * Events from number `after` on; `close()` the answer to end it.
 * @param {number} after
 * @param {{event: (event: any) => void, team: (team: any) => void, hello: (hello: any) => void, error: () => void}} hear
 */
export function stream(after, hear) {
  const source = new EventSource(`/api/events?after=${after}`);
  /** @param {"event" | "team" | "hello"} name */
  const on = (name) =>
    source.addEventListener(name, (message) => {
      try {
        hear[name](JSON.parse(message.data));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    });
  on("event");
  on("team");
  on("hello");
  source.addEventListener("error", () => {
    source.close();
    hear.error();
  });
  return source;
}
