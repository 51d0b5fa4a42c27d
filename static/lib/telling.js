// @ts-check
// A recorded event in a few words, and what stands in it.

import { line, plain, size } from "./format.js";
import { rowsBetween } from "./diff.js";

/** @type {Record<string, string>} */
export const SIGNS = {
  prompt: "person", text: "text", tool: "tool", tool_result: "back", result: "check", message: "send",
  init: "play", gap: "warn", damaged: "warn", gate: "check", error: "warn", review: "person", thinking: "more",
};

/** A value stored apart. @param {any} value */
export const isBlob = (value) =>
  value !== null && typeof value === "object" && typeof value.blob === "string" && typeof value.head === "string";

/** What of `value` is at hand. @param {any} value @returns {string} */
export function textOf(value) {
  if (value === undefined || value === null) return "";
  if (isBlob(value)) return value.head;
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

const TOLD_BY = ["command", "file_path", "notebook_path", "pattern", "path", "url", "query", "skill", "description"];
const WORKSPACE = /\/[^\s'"`]*?\/\.axon\/work\/[^\s'"`/]+(\/(?=[^\s'"`]))?/g;

/** Paths as the agent's project has them. @param {string} text */
export const near = (text) => text.replace(WORKSPACE, (_, below) => (below ? "" : "."));

/** @param {any} event */
export function toolLine({ tool = "", input }) {
  const name = line(tool.replace(/^mcp__/, "").replaceAll("__", " "), 60);
  const fields = input && typeof input === "object" && !isBlob(input) ? input : {};
  if (fields.subagent_type) return `${name} ${line(fields.subagent_type, 40)}: ${line(fields.description ?? "", 100)}`;
  const told = TOLD_BY.map((key) => fields[key]).find((value) => typeof value === "string") ?? (isBlob(input) ? input.head : "");
  const about = near(line(told, 300));
  return tool === "Bash" ? `$ ${about}` : `${name} ${about}`.trim();
}

/** @param {any} event @returns {string} */
export function told(event) {
  const data = event.data ?? {};
  switch (event.kind) {
    case "tool":
      return toolLine(event);
    case "tool_result":
      return near(line(textOf(event.output), 200)) || "(no output)";
    case "init":
      return `Session begins: ${data.model ?? ""}`;
    case "message":
      return data.prompt ? "The prompt was handed over" : line(textOf(event.text) || "A message was handed over", 200);
    case "gap":
      return `${event.lost ?? data.lost ?? "Some"} events could not be recorded`;
    case "damaged":
      return `A damaged line of ${size(event.bytes ?? 0)}`;
    case "result":
      return data.fault ? `Ended: ${data.fault}` : near(line(textOf(event.text), 200)) || "Ended";
  }
  return near(line(textOf(event.text) || textOf(event.output) || textOf(event.data), 200)) || event.kind;
}

/** The changes of files that a call makes, as rows of a diff. @param {any} event @returns {{path: string, rows: import("./diff.js").Row[]}[]} */
export function editsOf({ kind, tool, input }) {
  if (kind !== "tool" || !input || typeof input !== "object") return [];
  const path = near(plain(input.file_path ?? input.notebook_path ?? "", 400));
  if (tool === "Write" && typeof input.content === "string") return [{ path, rows: rowsBetween("", plain(input.content)) }];
  const edits = tool === "MultiEdit" && Array.isArray(input.edits) ? input.edits : tool === "Edit" ? [input] : [];
  return edits
    .filter((/** @type {any} */ one) => typeof one.old_string === "string" && typeof one.new_string === "string")
    .map((/** @type {any} */ one) => ({ path, rows: rowsBetween(plain(one.old_string), plain(one.new_string)) }));
}
