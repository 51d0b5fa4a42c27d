"""Read a Markdown check list: items, what is written below them, and their attributes.

    ## Headings and other text are left out
    - [ ] A task: its title
      priority: high
      paths: src/api/**, tests/api/**
      check: python -m pytest tests/api
      Whatever else is indented below is the description.
      - [ ] A part of that task
        depends: setup, ENG-3
    - [x] Done: not added, and what depends on it is free
      id: setup

Attributes are `key: value` lines: id (or key), priority, type, labels, team, project, parent,
depends, paths, check, max_attempts, max_usd, max_turns, max_minutes, not_before. `depends` names
tasks by id, by title, or by their identifier in the ledger. A list has commas, or stands on
several lines.

An item whose first line is an `identifier` was exported, and has more: state, what became of the
task, further fields as JSON in `data`, and what no line can hold in fenced blocks that are named
for it: description, check, comment TIME WHO …
"""

import json
import re
from dataclasses import field
from textwrap import dedent
from typing import Any

from axon.errors import UsageError
from axon.facts import dataclass
from axon.tasks.exchange.entry import IDENTIFIER, NAMING, OWN, Entry
from axon.tasks.fields import CHECKS, FACTS, LISTS, value_of_text

ITEM = re.compile(r" *(?:[-*+]|\d{1,9}[.)]) +\[([ xX])\](?: +(.*))?")
ATTRIBUTE = re.compile(r" *(?:[-*+] +)?([a-z_]+): +(.+)")
FENCE = re.compile(r" *(`{3,}|~{3,})")
NAMES = (CHECKS.keys() | {"id"}) - {"title", "description"}
EXPORTED_NAMES = (NAMES | FACTS.keys() | {*OWN, *NAMING, "data"}) - {"title", "description"}
# What a block may hold as it is, whatever stands in it.
BLOCKS = ("check", "question", "answers", "error", "result", "feedback", "comment", "description")


@dataclass(slots=True, kw_only=True)
class _Line:
    number: int
    text: str
    raw: str
    code: bool = False
    opens: str = ""  # what is written behind the fence that it is
    closes: bool = False

    @property
    def indent(self) -> int:
        return len(self.text) - len(self.text.lstrip(" "))


@dataclass(slots=True, kw_only=True)
class _Item:
    """An entry while the lines below it are being read."""

    entry: Entry
    indent: int
    lines: list[_Line] = field(default_factory=list)


def entries(text: str) -> list[Entry]:
    """All items, done ones too. UsageError names the line."""
    items: list[_Item] = []
    trail: list[_Item] = []  # the innermost item last
    fence: _Line | None = None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, raw in enumerate(lines, start=1):
        line = _Line(number=number, text=raw.expandtabs(4).rstrip(), raw=raw)
        if fence and line.text and trail and line.indent <= trail[-1].indent:
            fence = None  # the item ended, and its open block with it
        if fence:
            line.code, line.closes = True, _closes(fence, line)
            fence = None if line.closes else fence
        elif not line.text:
            pass
        elif found := ITEM.fullmatch(line.text):
            items.append(_begin(line, found, trail))
            trail.append(items[-1])
            continue
        else:
            while trail and line.indent <= trail[-1].indent:
                trail.pop()
            if opened := FENCE.match(line.text):
                line.code, fence = True, line
                line.opens = line.text[opened.end() :]
        if trail:
            trail[-1].lines.append(line)
    if fence:
        raise UsageError(f"line {fence.number}: this block of code is never closed; close it")
    for item in items:
        _finish(item)
    return [item.entry for item in items]


def _begin(line: _Line, found: re.Match[str], trail: list[_Item]) -> _Item:
    while trail and line.indent < trail[-1].indent + 2:
        trail.pop()
    entry = Entry(
        where=f"line {line.number}",
        title=(found[2] or "").strip(),
        parent=trail[-1].entry if trail else None,
        done=found[1] in "xX",
    )
    return _Item(entry=entry, indent=line.indent)


def _closes(fence: _Line, line: _Line) -> bool:
    opened, closing = FENCE.match(fence.text), FENCE.fullmatch(line.text)
    return bool(opened and closing and closing[1].startswith(opened[1]))


def _finish(item: _Item) -> None:
    """Tell attributes and blocks from the description."""
    entry = item.entry
    entry.given.append("title")
    written = [line for line in item.lines if line.text]
    margin = min((line.indent for line in written), default=0)
    exported = bool(written) and _is_identifier(written[0])
    names, blocks = (EXPORTED_NAMES, BLOCKS) if exported else (NAMES, ())
    rest: list[str] = []
    lines = iter(item.lines)
    for line in lines:
        found = None if line.code else ATTRIBUTE.fullmatch(line.text)
        at_margin = line.indent == margin
        if found and found[1] in names and at_margin:
            _attribute(entry, f"line {line.number}", found[1], found[2].strip())
        elif at_margin and line.opens.partition(" ")[0] in blocks:
            inside = []
            for inner in lines:
                if inner.closes:
                    break
                inside.append(_without_margin(inner.raw, margin))
            _block(entry, f"line {line.number}", line.opens, "\n".join(inside))
        else:
            rest.append(line.text)
    if description := dedent("\n".join(rest)).strip("\n"):
        entry.description = "\n\n".join(filter(None, (entry.description, description)))
        entry.given.append("description")


def _is_identifier(line: _Line) -> bool:
    found = ATTRIBUTE.fullmatch(line.text)
    return bool(found and found[1] == "identifier" and IDENTIFIER.fullmatch(found[2].strip()))


def _without_margin(raw: str, margin: int) -> str:
    blanks = len(raw) - len(raw.lstrip(" "))
    return raw[min(blanks, margin) :]


def _block(entry: Entry, where: str, head: str, text: str) -> None:
    name, _, rest = head.partition(" ")
    try:
        if name == "comment":
            at, _, actor = rest.partition(" ")
            entry.put("comments", [{"at": at, "actor": actor, "body": text}])
        elif name == "description":
            entry.description = text
            entry.given.append(name)
        else:
            entry.put(name, text)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _attribute(entry: Entry, where: str, name: str, text: str) -> None:
    if re.fullmatch(r"`[^`]+`", text):
        text = text[1:-1]
    name = "key" if name in NAMING else name
    try:
        if name == "data":
            for key, raw in _data(text).items():
                entry.put(key, raw)
        elif name == "depends":  # a title may have commas: told apart when all titles are known
            told = [text] if IDENTIFIER.fullmatch(text) else text
            entry.values.setdefault(name, []).append((where, told))
            entry.given.append(name)
        elif name in LISTS:
            entry.values[name] = (*entry.values.get(name, ()), *value_of_text(name, text))
            entry.given.append(name)
        elif name in entry.values or name in entry.facts:
            raise UsageError(f"{name} is given twice for “{entry.title}”; keep one")
        else:
            entry.put_text(name, text)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _data(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError("data must be a JSON object")
    return found
