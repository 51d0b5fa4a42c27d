// @ts-check
// How this browser shows the page: theme, accent, shortcuts. Kept in the browser only.

const NAMES = ["theme", "accent", "shortcuts", "diff"];
/** @type {Record<string, string>} */
export const settings = { theme: "system", accent: "indigo", shortcuts: "on", diff: "inline" };
export const ACCENTS = ["indigo", "blue", "teal", "green", "amber", "rose"];

for (const name of NAMES) {
  const kept = read(`axon-${name}`);
  if (kept) settings[name] = kept;
}

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // a browser that keeps nothing
  }
}

/** @param {string} name @param {string} value */
export function prefer(name, value) {
  settings[name] = value;
  document.documentElement.dataset[name] = value;
  try {
    localStorage.setItem(`axon-${name}`, value);
  } catch {
    // it holds until the page is closed
  }
}
