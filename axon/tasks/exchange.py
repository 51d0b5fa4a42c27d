"""Turn a file of tasks, JSON lines or a Markdown check list, into drafts: all or none.

JSON: an object per line, or one list of objects, with the keys that `axon task list --json`
prints; `key`, `id` or `identifier` is the name by which `depends` and `parent` refer to a task.
What only the ledger can know (attempts, cost, times …) is passed over; a task whose state is
done is not added. Markdown: see checklist.py.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from axon.errors import UsageError
from axon.tasks import Draft, State, Task, task_view
from axon.tasks.checklist import Entry
from axon.tasks.checklist import entries as checklist_entries
from axon.tasks.fields import CHECKS, listed, value
from axon.tasks.text import shortened, titled

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_TASKS = 100_000
IDENTIFIER = re.compile(r"[A-Z0-9]{1,20}-\d{1,18}", re.IGNORECASE)
NAMING = ("key", "id", "identifier")
PASSED_OVER = task_view(Task(identifier="", title="")).keys() - CHECKS.keys()


def drafts_from(text: str, name: str) -> list[Draft]:
    """The tasks in `text`, the content of the file `name`. UsageError names the line."""
    text = text.removeprefix("\ufeff")
    try:
        found = list(_json_entries(text, name) if _is_json(text, name) else checklist_entries(text))
        if not found:
            raise UsageError("it holds no task; write each as “- [ ] TITLE”, or as a line of JSON")
        if len(found) > MAX_TASKS:
            raise UsageError(f"it holds {len(found):,} tasks; the limit is {MAX_TASKS:,}")
        return _drafts(found, name)
    except UsageError as error:
        raise UsageError(f"{name}: {error}; nothing was imported") from None


def text_draft(text: str, description: str = "") -> Draft:
    """The one task that a text describes: its first line is the title."""
    title, description = titled(text, description)
    return Draft(title=title, description=description)


def _is_json(text: str, name: str) -> bool:
    suffix = name.rpartition(".")[2].lower()
    if suffix in ("json", "jsonl", "ndjson"):
        return True
    if suffix in ("md", "markdown"):
        return False
    return re.match(r"\s*(\{|\[\s*[\]{])", text) is not None


# ── JSON ──


def _json_entries(text: str, name: str) -> Iterator[Entry]:
    if text.lstrip().startswith("["):
        for number, item in enumerate(_parse(text, ""), start=1):
            yield _json_entry(item, f"item {number}")
        return
    if name.lower().endswith(".json") and (whole := _whole(text)) is not None:
        yield _json_entry(whole, "line 1")
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _json_entry(_parse(line, f"line {number}: "), f"line {number}")


def _whole(text: str) -> Any:
    """The one object that a .json file holds, however many lines it has."""
    try:
        return _parse(text, "")
    except UsageError:
        return None


def _parse(text: str, where: str) -> Any:
    def refuse(literal: str) -> NoReturn:
        raise ValueError(f"{literal} is no number")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        where = where or f"line {error.lineno}: "
        raise UsageError(f"{where}not valid JSON ({error.msg}, column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}not acceptable JSON ({error})") from None


def _json_entry(item: Any, where: str) -> Entry:
    if not isinstance(item, dict):
        raise UsageError(f"{where}: a task must be a JSON object")
    entry = Entry(where=where, title="", done=item.get("state") == State.DONE)
    for key, raw in item.items():
        name = "key" if key in NAMING else key
        if name in CHECKS:
            if raw is None or (name == "key" and name in entry.values):
                continue
            try:
                entry.values[name] = value(name, raw)
            except UsageError as error:
                raise UsageError(f"{where}: {error}") from None
        elif name not in PASSED_OVER:
            near = difflib.get_close_matches(key, [*CHECKS, "id"], 1, 0.4)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(CHECKS)}"
            raise UsageError(f"{where}: unknown key {shortened(key, 60)!r}; {hint}")
    entry.title = entry.values.pop("title", "")
    entry.description = entry.values.pop("description", "")
    entry.values["depends"] = [(where, [name]) for name in entry.values.get("depends", ())]
    return entry


# ── names ──


@dataclass(slots=True, kw_only=True)
class _Names:
    """Whom `depends` and `parent` may refer to; entries without an id get a name when needed."""

    file: str
    keys: dict[str, Entry] = field(default_factory=dict)
    titles: dict[str, list[Entry]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        key = entry.values.get("key")
        if key and self.keys.setdefault(key, entry) is not entry:
            raise UsageError(f"{entry.where}: the id {key!r} was given before; give each its own")
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


def _drafts(entries: Sequence[Entry], file: str) -> list[Draft]:
    names = _Names(file=file)
    for entry in entries:
        names.add(entry)
    open_entries = [entry for entry in entries if not entry.done]
    for entry in open_entries:  # all names first: a key may be given to an earlier entry
        entry.values["depends"] = _depends(entry, names)
        entry.values["parent"] = _parent(entry, names)
    return [_draft(entry) for entry in open_entries]


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


def _draft(entry: Entry) -> Draft:
    try:
        title, description = titled(entry.title, entry.description)
    except UsageError as error:
        raise UsageError(f"{entry.where}: {error}") from None
    return Draft(title=title, description=description, **entry.values)
