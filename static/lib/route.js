// @ts-check
// The place in the page, kept in the address: #/task/ENG-1/diff, #/replay/ID?at=12.

/** @param {string} [hash] */
export function route(hash = location.hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name = "", ...rest] = path.split("/").map(decoded);
  return { name: name || "live", rest, query: new URLSearchParams(query) };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {...string} parts */
export const to = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

/** @param {...string} parts */
export function go(...parts) {
  location.hash = to(...parts);
}

/** Change the address without a step in the history, unless one has left for another view. @param {string} hash */
export function settle(hash) {
  if (route(hash).name === route().name) history.replaceState(null, "", hash);
}
