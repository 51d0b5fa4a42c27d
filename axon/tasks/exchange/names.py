"""Resolve who depends on whom within a file, and make drafts or records of its entries."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from axon.errors import UsageError
from axon.tasks import Draft, Record, State
from axon.tasks.exchange.entry import IDENTIFIER, Entry
from axon.tasks.fields import listed
from axon.tasks.text import shortened, titled

# Nobody works on them where they are imported.
AT_WORK = (State.IN_PROGRESS, State.REVIEW)


def as_drafts(entries: Sequence[Entry], file: str) -> list[Draft]:
    """What is done is left out, and holds nobody up."""
    for entry in entries:
        entry.done = entry.done or entry.state is State.DONE
        if entry.identifier:
            entry.values.setdefault("key", entry.identifier)
    left = _resolved(entries, file)
    return [Draft(**_draft(entry)) for entry in left]


def as_records(entries: list[Entry], file: str, team: str) -> list[Record]:
    """What is ticked off is left out, unless its state is named."""
    for entry in entries:
        entry.done = entry.done and entry.state is None
        entry.values["team"] = entry.values.get("team") or team
        if entry.identifier:
            entry.values.setdefault("key", entry.identifier)
    left = _resolved(entries, file)
    entries.clear()
    left.reverse()
    given: dict[frozenset[str], frozenset[str]] = {}
    records = []
    while left:  # a file may hold a hundred thousand: each entry goes when its record is there
        records.append(_record(left.pop(), given))
    return records


def _record(entry: Entry, given: dict[frozenset[str], frozenset[str]]) -> Record:
    """`given`: those met before, for most tasks of a file name the same fields."""
    state = entry.state or State.TODO
    if entry.identifier:  # its letters are those of its team
        entry.values["team"] = entry.identifier.rpartition("-")[0]
    facts = dict(entry.facts)
    if attempts := facts.get("attempts"):
        facts["token"] = attempts
    names = frozenset([*entry.given, "parent"] if entry.parent else entry.given)
    return Record(
        **_draft(entry),
        identifier=entry.identifier,
        state=State.TODO if state in AT_WORK else state,
        facts=facts,
        comments=tuple(entry.comments),
        given=given.setdefault(names, names),
    )


def _draft(entry: Entry) -> dict[str, Any]:
    try:
        title, description = titled(entry.title, entry.description)
    except UsageError as error:
        raise UsageError(f"{entry.where}: {error}") from None
    return {**entry.values, "title": title, "description": description}


@dataclass(slots=True, kw_only=True)
class _Names:
    """Whom `depends` and `parent` may refer to; entries without an id get a name when needed."""

    file: str
    keys: dict[str, Entry] = field(default_factory=dict)
    titles: dict[str, list[Entry]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        for key in filter(None, {entry.values.get("key", ""), entry.identifier}):
            if self.keys.setdefault(key, entry) is not entry:
                raise UsageError(
                    f"{entry.where}: the id {key!r} was given before; give each its own"
                )
        self.titles.setdefault(entry.title, []).append(entry)

    def knows(self, name: str) -> bool:
        return name in self.keys or name in self.titles

    def resolve(self, name: str, where: str) -> str:
        """The key or identifier that `name` stands for; empty when that task is done."""
        entry = self.keys.get(name)
        if entry is None and name in self.titles:
            entry, *others = self.titles[name]
            if others:
                raise UsageError(f"{where}: {name!r} is the title of several tasks; use their ids")
        if entry is not None:
            return "" if entry.done else self.key_of(entry)
        if IDENTIFIER.fullmatch(name):
            return name.upper()  # the ledger knows whether it has that
        near = difflib.get_close_matches(name, [*self.keys, *self.titles], 1, 0.6)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"{where}: {shortened(name, 60)!r} is no id or title in this file{hint}")

    def key_of(self, entry: Entry) -> str:
        return str(entry.values.setdefault("key", f"{self.file} {entry.where}"))


def _resolved(entries: Sequence[Entry], file: str) -> list[Entry]:
    names = _Names(file=file)
    for entry in entries:
        names.add(entry)
    left = [entry for entry in entries if not entry.done]
    for entry in left:  # all names first: a key may be given to an earlier entry
        entry.values["depends"] = _depends(entry, names)
        entry.values["parent"] = _parent(entry, names)
    return left


def _depends(entry: Entry, names: _Names) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for where, told in entry.values.get("depends", ()):
        whole = [told] if isinstance(told, str) and names.knows(told) else None
        for name in whole or (told if isinstance(told, list) else listed(told)):
            if key := names.resolve(name, where):
                found[key] = None
    return tuple(found)


def _parent(entry: Entry, names: _Names) -> str:
    if told := entry.values.get("parent"):
        return names.resolve(told, entry.where)
    if entry.parent and not entry.parent.done:
        return names.key_of(entry.parent)
    return ""
