"""Tasks as files: read into drafts or records, all or none, and written so that nothing is lost.

JSON: an object per line, or one list of objects. CSV: a column per field. Markdown: a check list,
see checklist.py. All use the same names: those that `axon task list --json` prints. `key` or `id`
is a name within the file, for `depends` and `parent`; `identifier` is the task's own and is kept
where it is free.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import IO

from axon.errors import UsageError
from axon.tasks import Draft, Record
from axon.tasks.exchange.checklist import entries as checklist_entries
from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.foreign import TOOLS, recognised
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.reading import csv_entries, is_csv, is_json, json_entries
from axon.tasks.exchange.records import Records, as_drafts, as_records
from axon.tasks.exchange.source import Source
from axon.tasks.exchange.writing import FORMATS, exported
from axon.tasks.text import titled

__all__ = [
    "FORMATS",
    "KINDS",
    "MAX_FILE_BYTES",
    "MAX_TASKS",
    "Records",
    "drafts_from",
    "exported",
    "records_from",
    "records_of",
    "text_draft",
]

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_TASKS = 100_000
KINDS = ("markdown", "json", "csv", *TOOLS)


def drafts_from(text: str, name: str) -> list[Draft]:
    """What is to be done of the content of the file `name`. UsageError names the line."""
    try:
        return as_drafts(_entries(Source(text), name), name)
    except UsageError as error:
        raise UsageError(f"{name}: {error}; nothing was imported") from None


def records_from(text: str, name: str, team: str = "") -> list[Record]:
    """All that the file tells of its tasks, those that ended too. `team`: of those without one."""
    with closing(records_of(text, name, team)) as records:
        return list(records)


def records_of(content: str | IO[bytes], name: str, team: str = "", kind: str = "") -> Records:
    """As `records_from`, one after the other. JSON and CSV are never in memory as a whole.

    `kind`: one of KINDS, where the file itself does not tell it.
    """
    notes = Notes()
    try:
        kind = kind or recognised(Source(content).head(), name)
        if kind in TOOLS:
            found = TOOLS[kind](Source(content, exact=True), name, notes)
            none = f"it holds no task that {kind} writes; name its tool with --from"
            return as_records(_counted(found, none), name, team, notes)
        return as_records(_entries(Source(content), name, kind), name, team, notes)
    except UsageError as error:
        raise UsageError(f"{name}: {error}; nothing was imported") from None


def text_draft(text: str, description: str = "") -> Draft:
    """The one task that a text describes: its first line is the title."""
    title, description = titled(text, description)
    return Draft(title=title, description=description)


def _entries(source: Source, name: str, kind: str = "") -> Iterator[Entry]:
    none = "it holds no task; write each as “- [ ] TITLE”, or as a line of JSON"
    return _counted(_all(source, name, kind), none)


def _counted(entries: Iterator[Entry], none: str) -> Iterator[Entry]:
    number = -1
    for number, entry in enumerate(entries):
        if number < MAX_TASKS:
            entry.number = number
            yield entry
    if number < 0:
        raise UsageError(none)
    if number >= MAX_TASKS:
        raise UsageError(f"it holds {number + 1:,} tasks; the limit is {MAX_TASKS:,}")


def _all(source: Source, name: str, kind: str) -> Iterator[Entry]:
    head = source.head()
    if kind == "json" or (not kind and is_json(head, name)):
        yield from json_entries(source, name)
    elif kind == "csv" or (not kind and is_csv(head, name)):
        yield from csv_entries(source)
    else:
        found = checklist_entries(source.whole())
        found.reverse()
        while found:  # each goes when it was used
            yield found.pop()
