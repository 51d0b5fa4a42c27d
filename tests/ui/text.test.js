// Pure text and markup: what an agent writes shows, and does nothing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, line, money, plain, short, size, span } from "../../static/lib/format.js";
import { escape, html, Markup } from "../../static/lib/html.js";
import { markdown } from "../../static/lib/markdown.js";

test("what is put into html`` is text, unless html`` made it", () => {
  const evil = `<img src=x onerror="alert('1')">&`;
  assert.equal(html`<p title="${evil}">${evil}</p>`.text,
    `<p title="${escape(evil)}">${escape(evil)}</p>`);
  assert.ok(!html`${evil}`.text.includes("<"));
  assert.equal(html`${[html`<b>${1}</b>`, null, undefined, false, true, 0]}`.text, "<b>1</b>0");
  assert.ok(html`x` instanceof Markup);
  assert.equal(html`${{ text: "<b>" }}`.text, "[object Object]", "what only looks like markup is none");
});

test("money, counts and times", () => {
  assert.deepEqual([money(null), money(0), money(0.0042), money(1234.5)], ["–", "$0.00", "$0.0042", "$1,234.50"]);
  assert.deepEqual([short(999), short(1000), short(12_345), short(999_999), short(4_100_000)],
    ["999", "1k", "12.3k", "1M", "4.1M"]);
  assert.deepEqual([clock(7), clock(760), clock(10_931), clock(-3), clock(null)], ["0:07", "12:40", "3:02:11", "0:00", "–"]);
  assert.deepEqual([span(0.4), span(59), span(3599), span(7200), span(172_800)], ["0.4s", "59s", "60m", "2.0h", "2d"]);
  assert.equal(size(1536), "1.5 KB");
});

test("terminal commands, links and marks of direction are taken out", () => {
  const esc = "\u001b";
  assert.equal(plain(`${esc}[31mred${esc}[0m ${esc}]8;;http://x\u0007link${esc}]8;;\u0007 ${esc}]0;title${esc}\\end`), "red link end");
  assert.equal(plain("a\u0000b\u0008c\u009b31md\u202ee\r\nf\rg"), "abcde\nfg");
  assert.equal(plain(`${esc}[2J${esc}[H${esc}c`), "");
  assert.equal(line("a\n\n  b\tc"), "a b c");
  assert.equal(plain(null), "");
});

test("ten megabytes are cut in no time, and say so", () => {
  const began = performance.now();
  const shown = plain("x".repeat(10 << 20));
  assert.ok(shown.length < 21_000);
  assert.match(shown, /10\.0 MB more not shown$/);
  assert.equal(line("y".repeat(10 << 20)).length, 240);
  assert.ok(plain(`\u001b]8;;${"z".repeat(10 << 20)}`).length < 200);
  assert.ok(performance.now() - began < 1000);
});

test("markdown has headings, lists, code, tables and links", () => {
  const text = markdown("# Top\n\n- one **two**\n- [x] `three`\n\n1. a\n2. b\n\n```py\n<b>\n```\n\n> said\n\n|a|b|\n|-|-|\n|1|2|\n\n[go](https://example.org) https://x.y/z").text;
  for (const part of [`data-level="1">Top`, "<li>one <strong>two</strong></li>", "<li>☑ <code>three</code></li>", "<ol><li>a</li>",
    "&lt;b&gt;", "<blockquote><p>said</p></blockquote>", "<td>2</td>", `href="https://example.org"`, `href="https://x.y/z"`]) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
});

test("markdown can do nothing", () => {
  for (const evil of ["[x](javascript:alert(1))", "[x](data:text/html,<script>)", "<script>alert(1)</script>", "![x](http://e/x.png)",
    "[a](https://e\"onclick=alert(1))", "`<img src=x onerror=1>`", "|<b>|\n|-|\n|<i>|"]) {
    const { text } = markdown(evil);
    assert.doesNotMatch(text, /<(script|img|b|i)\b|href="(javascript|data)|"onclick=/i, text);
  }
  const began = performance.now();
  markdown(`${"> ".repeat(50)}deep`);
  markdown("*".repeat(20_000));
  markdown("[".repeat(20_000));
  assert.ok(performance.now() - began < 2000);
});
