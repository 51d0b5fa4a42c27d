// The pure parts: diffs, layouts, filters, forms, recordings, charts.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ticks } from "../../static/lib/charts.js";
import { pairs, rowsBetween, rowsOf } from "../../static/lib/diff.js";
import { changes, conflicts, meant, shown } from "../../static/lib/editing.js";
import { layers } from "../../static/lib/layers.js";
import { advance, Recording } from "../../static/lib/recording.js";
import { numbered, sift } from "../../static/lib/sift.js";
import { editsOf, told, toolLine } from "../../static/lib/telling.js";
import { reveal, slice } from "../../static/lib/windowed.js";

const PATCH = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@ def f\n a\n-b\n+c\n+d\n e\n\\ No newline at end of file\n";

test("a patch becomes rows with the numbers of both sides", () => {
  const rows = rowsOf(PATCH);
  assert.deepEqual(rows.map(({ kind, old, new: now }) => [kind, old, now]),
    [["hunk", 0, 0], ["same", 1, 1], ["cut", 2, 0], ["add", 0, 2], ["add", 0, 3], ["same", 3, 4], ["note", 0, 0]]);
  const side = pairs(rows);
  assert.deepEqual(side.map(({ left, right, wide }) => [left?.text, right?.text, Boolean(wide)]).slice(1, 5),
    [["a", "a", false], ["b", "c", false], [undefined, "d", false], ["e", "e", false]]);
  assert.deepEqual(rowsOf("Binary files differ"), []);
});

test("two texts become rows", () => {
  assert.deepEqual(rowsBetween("a\nb\nc\n", "a\nx\nc\n").map(({ kind, text }) => `${kind} ${text}`),
    ["same a", "cut b", "add x", "same c"]);
  assert.deepEqual(rowsBetween("", "new\n").map(({ kind }) => kind), ["add"]);
  assert.deepEqual(rowsBetween("a\na\n", "a\n").map(({ kind }) => kind), ["same", "cut"]);
});

test("only what is in sight is drawn, and the height stays", () => {
  const { first, last, above, below } = slice(100_000, 28, 1_400_000, 600);
  assert.ok(last - first < 40);
  assert.equal(above + (last - first) * 28 + below, 2_800_000);
  assert.deepEqual(slice(3, 28, 0, 600), { first: 0, last: 3, above: 0, below: 0 });
  assert.deepEqual([reveal(0, 28, 100, 600), reveal(5, 28, 100, 600), reveal(50, 28, 100, 600)], [0, null, 828]);
});

test("dependencies are laid out from left to right", () => {
  const places = layers(["c", "b", "a", "d"], [{ from: "a", to: "b" }, { from: "b", to: "c" }, { from: "a", to: "c" }, { from: "x", to: "d" }]);
  assert.deepEqual(["a", "b", "c", "d"].map((name) => places.get(name).layer), [0, 1, 2, 0]);
  assert.ok(layers(["a", "b"], [{ from: "a", to: "b" }, { from: "b", to: "a" }]).size === 2, "a circle ends");
});

test("tasks are filtered and sorted", () => {
  const task = (identifier, more) => ({ identifier, title: "Add it", state: "todo", priority: "low", labels: [], team: "ENG", attempts: 0, updated_at: 0, ...more });
  const tasks = [task("ENG-10"), task("ENG-9", { priority: "urgent", labels: ["ui"] }), task("ENG-2", { state: "done" })];
  const none = { q: "", state: "", priority: "", label: "", team: "" };
  const names = (filters, sort) => sift(tasks, { ...none, ...filters }, sort).map(({ identifier }) => identifier);
  assert.deepEqual(names({}, "priority"), ["ENG-9", "ENG-2", "ENG-10"]);
  assert.deepEqual(names({}, "identifier"), ["ENG-2", "ENG-9", "ENG-10"]);
  assert.deepEqual([names({ q: "add 10" }), names({ label: "ui" }), names({ state: "done" })], [["ENG-10"], ["ENG-9"], ["ENG-2"]]);
  assert.ok(numbered("ENG-9", "ENG-10") < 0);
});

test("a form says only what was changed, and knows what two have changed", () => {
  const base = { title: "a", labels: [], max_usd: null, check: null, depends: ["ENG-1"] };
  assert.deepEqual(changes(base, { title: "a", labels: [], max_usd: null, check: "", depends: ["ENG-1"] }), {});
  assert.deepEqual(changes(base, { title: "b", labels: ["x"] }), { title: "b", labels: ["x"] });
  assert.deepEqual(conflicts(base, { title: "b", check: "x" }, { ...base, title: "c" }), ["title"]);
  assert.deepEqual(conflicts(base, { title: "b" }, { ...base, title: "b" }), [], "both wrote the same");
  assert.deepEqual(meant({ name: "labels", kind: "list" }, " a, b,,"), ["a", "b"]);
  assert.equal(meant({ name: "max_usd", kind: "number" }, " "), null);
  const at = 1_795_516_020;
  assert.equal(meant({ name: "not_before", kind: "moment" }, shown({ name: "not_before", kind: "moment" }, at)), at);
});

test("a recording has one clock, joins calls, and finds any moment", () => {
  const tape = new Recording();
  tape.add([{ seq: 1, at: 0, kind: "prompt" }, { seq: 2, at: 3, kind: "tool", call: "c", agent: "coding" }]);
  tape.add([{ seq: 5, at: 0.5, kind: "init" }, { seq: 6, at: 2, kind: "tool_result", call: "c" }]);
  assert.deepEqual(tape.events.map(({ time }) => time), [0, 3, 3.5, 5]);
  assert.deepEqual(tape.calls.get("c"), { call: 1, result: 3 });
  assert.deepEqual([tape.indexAt(0), tape.indexAt(3.2), tape.indexAt(99), tape.indexOf(4), tape.indexOf(6)], [0, 1, 3, 1, 3]);
  assert.deepEqual(tape.agents, ["", "coding"]);
  assert.equal([...tape.density(10).get("")].reduce((a, b) => a + b), 3);
  assert.equal(advance(0, 1, 100, 1.5), 98.5);
  assert.equal(advance(0, 1, 2, 1.5), 1);
});

test("events are told in a few words", () => {
  const path = "/home/x/p/.axon/work/ENG-1/src/a.py";
  assert.equal(toolLine({ tool: "Edit", input: { file_path: path } }), "Edit src/a.py");
  assert.equal(toolLine({ tool: "Bash", input: { command: "pytest -q\nrm x" } }), "$ pytest -q rm x");
  assert.equal(toolLine({ tool: "Agent", input: { subagent_type: "coding", description: "do" } }), "Agent coding: do");
  assert.equal(told({ kind: "gap", lost: 3 }), "3 events could not be recorded");
  assert.equal(told({ kind: "tool_result" }), "(no output)");
  for (const input of [null, 7, "x", { blob: "a", head: "b", bytes: 1 }, { file_path: 3 }]) assert.deepEqual(editsOf({ kind: "tool", tool: "Edit", input }), []);
  assert.equal(editsOf({ kind: "tool", tool: "Write", input: { file_path: path, content: "a\nb\n" } })[0].rows.length, 2);
});

test("axes have round steps", () => {
  assert.deepEqual(ticks(9), [0, 5, 10]);
  assert.deepEqual(ticks(0.03), [0, 0.01, 0.02, 0.03]);
  assert.deepEqual([ticks(0), ticks(1, 1)], [[0, 1], [0, 1]]);
});
