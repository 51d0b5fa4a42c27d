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
"""

import re
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

from axon.errors import UsageError
from axon.tasks.fields import CHECKS, LISTS, value_of_text

ITEM = re.compile(r" *(?:[-*+]|\d{1,9}[.)]) +\[([ xX])\](?: +(.*))?")
ATTRIBUTE = re.compile(r" *(?:[-*+] +)?([a-z_]+): +(.+)")
FENCE = re.compile(r" *(`{3,}|~{3,})")
NAMES = (CHECKS.keys() | {"id"}) - {"title", "description"}


@dataclass(slots=True, kw_only=True)
class Entry:
    """One task as it was read; names are not resolved yet."""

    where: str  # "line 7"
    title: str
    description: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    parent: "Entry | None" = None
    done: bool = False


@dataclass(slots=True, kw_only=True)
class _Line:
    number: int
    text: str
    code: bool = False

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
        line = _Line(number=number, text=raw.expandtabs(4).rstrip())
        if fence and line.text and trail and line.indent <= trail[-1].indent:
            fence = None  # the item ended, and its open block with it
        if fence:
            line.code = True
            fence = None if _closes(fence, line) else fence
        elif not line.text:
            pass
        elif found := ITEM.fullmatch(line.text):
            items.append(_begin(line, found, trail))
            trail.append(items[-1])
            continue
        else:
            while trail and line.indent <= trail[-1].indent:
                trail.pop()
            if FENCE.match(line.text):
                line.code, fence = True, line
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
    """Tell the attributes from the description."""
    written = [line for line in item.lines if line.text]
    margin = min((line.indent for line in written), default=0)
    rest = []
    for line in item.lines:
        found = None if line.code else ATTRIBUTE.fullmatch(line.text)
        if found and found[1] in NAMES and line.indent == margin:
            _attribute(item.entry, f"line {line.number}", found[1], found[2])
        else:
            rest.append(line.text)
    item.entry.description = dedent("\n".join(rest)).strip("\n")


def _attribute(entry: Entry, where: str, name: str, text: str) -> None:
    name = "key" if name == "id" else name
    text = text.strip()
    if re.fullmatch(r"`[^`]+`", text):
        text = text[1:-1]
    if name == "depends":  # a title may have commas: told apart when all titles are known
        entry.values.setdefault(name, []).append((where, text))
        return
    try:
        value = value_of_text(name, text)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    if name in LISTS:
        entry.values[name] = (*entry.values.get(name, ()), *value)
    elif name in entry.values:
        raise UsageError(f"{where}: {name} is given twice for “{entry.title}”; keep one")
    else:
        entry.values[name] = value
