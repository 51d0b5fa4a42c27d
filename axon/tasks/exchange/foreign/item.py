"""One object of another tool's file: each of its keys is taken, known to say nothing, or noted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

from axon.errors import UsageError
from axon.facts import dataclass
from axon.tasks.exchange.notes import Notes
from axon.tasks.moments import iso

# What browsers print of a date, which Linear's CSV has: Fri Oct 02 2026 17:00:00 GMT+0000 (…)
PRINTED = re.compile(r"\w{3} (\w{3} \d{2} \d{4} \d{2}:\d{2}:\d{2}) GMT([+-]\d{4})(?: \(.*\))?")
NOTHING: tuple[Any, ...] = (None, "", [], {}, False, 0)


@dataclass(slots=True)
class Item:
    raw: Mapping[str, Any]
    where: str
    notes: Notes
    taken: set[str] = field(default_factory=set)

    def wrong(self, what: str) -> UsageError:
        return UsageError(f"{self.where}: {what}")

    def take(self, name: str) -> Any:
        self.taken.add(name)
        return self.raw.get(name)

    def text(self, *names: str) -> str:
        """The first of these that says something. UsageError: it is no text."""
        found = ""
        for name in names:
            raw = self.take(name)
            if raw is not None and not isinstance(raw, str):
                raise self.wrong(f"{name} must be a text")
            found = found or (raw or "")
        return found

    def named(self, name: str, *inside: str) -> str:
        """A text, or an object that has it under one of the names `inside`; empty for null."""
        raw = self.take(name)
        if isinstance(raw, Mapping):
            raw = next((raw[key] for key in inside if raw.get(key) is not None), "")
        return self._word(name, raw)

    def _word(self, name: str, raw: Any) -> str:
        if raw is None:
            return ""
        if isinstance(raw, int) and not isinstance(raw, bool):
            return str(raw)
        if not isinstance(raw, str):
            raise self.wrong(f"{name} must be a text")
        return raw.strip()

    def identity(self, name: str) -> str:
        """A name or number that tells this object from the others. UsageError: there is none."""
        if not (found := self._word(name, self.take(name))):
            raise self.wrong(f"it has no {name}; every task of such a file has one")
        return found

    def whole(self, name: str) -> int | None:
        raw = self.take(name)
        if raw is None:
            return None
        broken = isinstance(raw, float) and not raw.is_integer()  # as 1e999 is, for it is infinite
        if isinstance(raw, bool) or not isinstance(raw, int | float) or broken:
            raise self.wrong(f"{name} must be a whole number")
        return int(raw)

    def time(self, *names: str) -> float | None:
        found: float | None = None
        for name in names:
            raw = self.take(name)
            if raw is None or raw == "":
                continue
            if not isinstance(raw, str):
                raise self.wrong(f"{name} must be a time, as 2026-03-01T09:00:00Z")
            found = self.moment(raw) if found is None else found
        return found

    def moment(self, text: str) -> float:
        try:
            if printed := PRINTED.fullmatch(text.strip()):
                when = datetime.strptime(f"{printed[1]} {printed[2]}", "%b %d %Y %H:%M:%S %z")
                return when.astimezone(UTC).timestamp()
            return max(0.0, iso(text))
        except UsageError as error:
            raise self.wrong(str(error)) from None
        except ValueError:
            raise self.wrong(f"cannot read the time {text!r}") from None

    def parts(self, name: str) -> "list[Item]":
        """The objects of a list, also of one that GraphQL wraps in `nodes`."""
        raw = self._list(name)
        found = []
        for number, one in enumerate(raw, start=1):
            if not isinstance(one, Mapping):
                raise self.wrong(f"{name} must be a list of objects")
            found.append(Item(one, f"{self.where}, {name} {number}", self.notes))
        return found

    def words(self, name: str, *inside: str) -> list[str]:
        """A list of texts or numbers, or of objects that have one under the names `inside`."""
        found = []
        for one in self._list(name):
            if isinstance(one, Mapping):
                one = next((one[key] for key in inside if one.get(key) is not None), None)
            found.append(self._word(name, one))
        return [word for word in found if word]

    def _list(self, name: str) -> Sequence[Any]:
        raw = self.take(name)
        if isinstance(raw, Mapping):
            page = raw.get("pageInfo")
            if isinstance(page, Mapping) and page.get("hasNextPage"):
                self.notes.add(f"more {name} than the file holds: it was exported in part")
            raw = raw.get("nodes")
        if raw is None:
            return ()
        if not isinstance(raw, list):
            raise self.wrong(f"{name} must be a list")
        return raw

    def count(self, name: str) -> int:
        """Of a list whose content is of no use here; or the number itself."""
        raw = self.raw.get(name)
        self.taken.add(name)
        if isinstance(raw, Mapping):
            raw = raw.get("nodes", raw.get("totalCount"))
        if isinstance(raw, list):
            return len(raw)
        return raw if isinstance(raw, int) else 0

    def close(self, *silent: str) -> None:
        """Note what was left. `silent`: technical, or said by other keys."""
        for name, raw in self.raw.items():
            if name not in self.taken and name not in silent and raw not in NOTHING:
                if isinstance(raw, Mapping) and raw.get("nodes") == []:
                    continue
                self.notes.lost(name)
