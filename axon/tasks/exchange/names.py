"""Whom the tasks of a file refer to: by id, by title, or by what the ledger calls them."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from typing import Any, NamedTuple

from axon.errors import UsageError
from axon.facts import dataclass
from axon.tasks import State
from axon.tasks.exchange.entry import IDENTIFIER, Entry
from axon.tasks.exchange.notes import Notes
from axon.tasks.fields import listed
from axon.tasks.text import shortened

SEVERAL = -1


class Told(NamedTuple):
    """What one entry says of itself and of others, as the file has it."""

    number: int
    where: str
    title: str
    key: str
    identifier: str
    team: str
    state: str
    done: bool
    depends: Sequence[tuple[str, str | list[str]]]
    parent: str
    inside: int  # the number of the entry it is nested in, or -1
    inside_where: str
    titled: str = ""  # its title as it will be
    origin: str = ""  # of a task from another tool


def told_by(entry: Entry) -> Told:
    around = entry.parent
    return Told(
        entry.number,
        entry.where,
        entry.title,
        entry.values.get("key", ""),
        entry.identifier,
        entry.values.get("team", ""),
        (entry.state or State.TODO).value,
        entry.done,
        entry.values.get("depends", ()),
        entry.values.get("parent", ""),
        -1 if around is None else around.number,
        "" if around is None else around.where,
        origin=entry.origin,
    )


Everybody = Callable[[], Iterator[Told]]


@dataclass(slots=True, kw_only=True)
class Names:
    """The names of one file. An entry without an id is given one when it is referred to."""

    file: str
    keys: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)  # identifiers of what has another id
    titles: dict[str, int] = field(default_factory=dict)  # of those that are referred to
    given: dict[int, str] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    canceled: set[int] = field(default_factory=set)  # in other tools, where that frees others
    wanted: set[str] = field(default_factory=set)
    notes: Notes = field(default_factory=Notes)

    def add(self, told: Told) -> None:
        """Take in what the entry is called, and whom it names that is not known yet."""
        key, identifier = told.key, told.identifier
        if key and self.keys.setdefault(key, told.number) != told.number:
            raise self._twice(told.where, key)
        if identifier and identifier != key:
            if self.keys.setdefault(identifier, told.number) != told.number:
                raise self._twice(told.where, identifier)
            if key:
                self.aliases[identifier] = key
        if told.done:
            self.done.add(told.number)
        if told.origin and told.state == State.CANCELED:
            self.canceled.add(told.number)
        for _, names in told.depends:
            self._want([names, *listed(names)] if isinstance(names, str) else names)
        if told.parent and not told.origin:
            self._want([told.parent])

    def learn(self, everybody: Iterable[Told]) -> None:
        """Look up by title whom no id stands for, once all were added."""
        self.wanted = {name for name in self.wanted if name not in self.keys}
        if not self.wanted:
            return
        for told in everybody:
            if told.title in self.wanted:
                known = told.title in self.titles
                self.titles[told.title] = SEVERAL if known else told.number
                if told.key:
                    self.given[told.number] = told.key
                else:
                    self.given.setdefault(told.number, f"{self.file} {told.where}")

    def needs(self, told: Told, everybody: Everybody) -> tuple[str, ...]:
        """The keys or identifiers of what it depends on, without those that are done."""
        found: dict[str, None] = {}
        for where, names in told.depends:
            if told.origin and self.keys.get(names[0]) in self.canceled:
                self.notes.add("waits no longer for one that was canceled")
                continue
            whole = [names] if isinstance(names, str) and self._knows(names) else None
            for name in whole or (names if isinstance(names, list) else listed(names)):
                if key := self._resolve(name, where, everybody):
                    found[key] = None
        return tuple(found)

    def parent(self, told: Told, everybody: Everybody) -> str:
        if told.origin and told.parent and told.parent not in self.keys:
            self.notes.add("part of a task that is not in the file")
            return ""
        if told.parent:
            return self._resolve(told.parent, told.where, everybody)
        if told.inside >= 0 and told.inside not in self.done:
            return self.given[told.inside]
        return ""

    def key_of(self, told: Told) -> str:
        return told.key or self.given.get(told.number, "")

    def nest(self, told: Told, key: str) -> None:
        """Give the entry that it is nested in a name: its `key`, if it has one."""
        self.given.setdefault(told.inside, key or f"{self.file} {told.inside_where}")

    def _want(self, names: Iterable[str]) -> None:
        self.wanted.update(name for name in names if name not in self.keys)

    def _knows(self, name: str) -> bool:
        return name in self.keys or name in self.titles

    def _resolve(self, name: str, where: str, everybody: Everybody) -> str:
        """The key or identifier that `name` stands for; empty when that task is done."""
        if (number := self.keys.get(name)) is not None:
            return "" if number in self.done else self.aliases.get(name, name)
        if (number := self.titles.get(name)) is not None:
            if number == SEVERAL:
                raise UsageError(f"{where}: {name!r} is the title of several tasks; use their ids")
            return "" if number in self.done else self.given[number]
        if IDENTIFIER.fullmatch(name):
            return name.upper()  # the ledger knows whether it has that
        known: Iterator[Any] = (told.title for told in everybody())
        near = difflib.get_close_matches(name, [*self.keys, *known], 1, 0.6)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"{where}: {shortened(name, 60)!r} is no id or title in this file{hint}")

    def _twice(self, where: str, name: str) -> UsageError:
        return UsageError(f"{where}: the id {name!r} was given before; give each its own")
