// @ts-check
// Events as people read them: the server has the words, the same as on the terminal.

const QUIET = new Set([
  "add", "submit", "comment", "edit", "depend", "session", "phase", "plan", "run_started", "run_ended",
]);

/** @param {any} event */
export const wordOf = ({ word, action }) => String(word ?? action).replaceAll("-", " ");

/** @param {any} event @returns {string} */
export const moodOf = ({ mood }) => mood ?? "plain";

/** Whether it is worth telling somebody who only wants the news. @param {any} event */
export const isNews = ({ action, mood }) => (action === "gate" ? mood === "bad" : !QUIET.has(action));

/** The rest of the line. @param {any} event @param {any} [task] @returns {string} */
export const detailOf = ({ detail, why, action }, task) =>
  detail || why || (action === "add" ? (task?.title ?? "") : "");
