"""Read vibe-kanban: the ZIP of its export, the issues.csv in it, or what its API answers."""

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import field
from typing import IO, Any

from axon.errors import UsageError
from axon.facts import dataclass
from axon.tasks import State
from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.foreign import tables
from axon.tasks.exchange.foreign.item import Item
from axon.tasks.exchange.foreign.making import Said, entry_of, state_of
from axon.tasks.exchange.foreign.objects import WHOLE_BYTES, whole
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.source import HEAD, Source
from axon.tasks.fields import listed

PREFIX = "vibe-kanban:"
NEEDED = ("Issue ID", "Title", "Status")
ZIP = "PK\x03\x04"
PRIORITIES = {"urgent": "urgent", "high": "high", "medium": "medium", "low": "low", "": "medium"}
SILENT_COLUMNS = ("Creator", "Completed")
SILENT = (
    "project_id", "has_in_progress_attempt", "has_merged_attempt", "last_attempt_failed",
    "executor", "shared_task_id",
)  # fmt: skip
LEFT = ("pull_requests.csv", "attachments.csv")
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile and zlib raise of archives that are damaged, encrypted or of an unknown kind.
UNREADABLE = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError,
    zlib.error,
)  # fmt: skip


@dataclass(slots=True)
class _Beside:
    """What the other tables of the export say of an issue."""

    waits: dict[str, list[str]] = field(default_factory=dict)
    related: dict[str, list[str]] = field(default_factory=dict)
    comments: dict[str, list[tuple[float, str, str]]] = field(default_factory=dict)


def entries(source: Source, name: str, notes: Notes) -> Iterator[Entry]:
    head = source.head()
    if head.startswith(ZIP):
        yield from _zipped(source, notes)
    elif head.lstrip()[:1] in ("{", "["):
        yield from _answered(whole(source), notes)
    else:
        with source.reading(newline="") as file:
            for item in tables.items(file, head, NEEDED, notes):
                yield _row(item, _Beside())


# ── the export ──


def _zipped(source: Source, notes: Notes) -> Iterator[Entry]:
    try:
        with zipfile.ZipFile(source.binary()) as archive:
            beside = _beside(archive, notes)
            for item in _table(archive, "issues.csv", NEEDED, notes):
                yield _row(item, beside)
    except UNREADABLE as error:
        raise UsageError(f"the archive cannot be read ({error}); export it once more") from None


def _beside(archive: zipfile.ZipFile, notes: Notes) -> _Beside:
    beside = _Beside()
    there = set(archive.namelist())
    if "relationships.csv" in there:
        columns = ("Issue ID", "Related Issue ID", "Type")
        for item in _table(archive, "relationships.csv", columns, notes):
            first, second = item.identity("Issue ID"), item.identity("Related Issue ID")
            if (kind := item.text("Type")).lower() == "blocking":
                beside.waits.setdefault(second, []).append(first)
            else:
                beside.related.setdefault(first, []).append(f"- {kind}: {second}")
    if "comments.csv" in there:
        for item in _table(archive, "comments.csv", ("Issue ID", "Message"), notes):
            said = (item.time("Created") or 0.0, item.text("Author"), item.text("Message"))
            beside.comments.setdefault(item.identity("Issue ID"), []).append(said)
    for name in LEFT:
        if name in there:
            notes.lost(name)
    return beside


def _table(
    archive: zipfile.ZipFile, name: str, needed: tuple[str, ...], notes: Notes
) -> Iterator[Item]:
    try:
        known = archive.getinfo(name)
    except KeyError:
        raise UsageError(f"the archive has no {name}; export it once more") from None
    if known.file_size > WHOLE_BYTES:
        raise UsageError(f"{name} has more than {WHOLE_BYTES >> 20} MiB; export fewer projects")
    if known.compress_type not in PACKED:
        raise UsageError(f"{name} is packed in an unknown way; export it once more")
    with closing(archive.open(known)) as file:
        text = _decoded(file, name)
    for item in tables.items(io.StringIO(text, newline=""), text[:HEAD], needed, notes):
        item.where = f"{name} {item.where}"
        yield item


def _decoded(file: IO[bytes], name: str) -> str:
    raw = file.read(WHOLE_BYTES + 1)
    if len(raw) > WHOLE_BYTES:
        raise UsageError(f"{name} has more than {WHOLE_BYTES >> 20} MiB; export fewer projects")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name} line {line}: it is no UTF-8; export it once more") from None


def _row(item: Item, beside: _Beside) -> Entry:
    identity = item.identity("Issue ID")
    item.where = f"{item.where} ({identity})"
    rank = item.text("Priority").strip().lower()
    if rank not in PRIORITIES:
        raise item.wrong(f"unknown priority {rank!r}; known are urgent, high, medium, low")
    above = item.text("Parent Issue").strip()
    said = Said(
        origin=PREFIX + identity,
        title=item.text("Title"),
        state=_state(item, item.text("Status")),
        sections={
            "": item.text("Description"),
            "Related": "\n".join(beside.related.get(identity, ())),
        },
        fields={
            "priority": PRIORITIES[rank],
            "labels": listed(item.text("Labels")),
            "project": item.text("Project"),
        },
        depends=[PREFIX + one for one in beside.waits.get(identity, ())],
        parent=PREFIX + above if above else "",
        created_at=item.time("Created"),
        updated_at=item.time("Updated"),
        comments=beside.comments.get(identity, ()),
    )
    item.close(*SILENT_COLUMNS)
    return entry_of(item, said)


def _state(item: Item, word: str) -> State:
    """The names of columns are the project's own; when it was completed says more."""
    return State.DONE if item.text("Completed") else state_of(item, word)


# ── the API ──


def _answered(found: Any, notes: Notes) -> Iterator[Entry]:
    listed_ = found
    if isinstance(found, Mapping):
        listed_ = found.get("data", found.get("tasks"))
        if found.get("success") is False:
            raise UsageError(f"vibe-kanban answered with an error ({found.get('message')})")
    if isinstance(listed_, Mapping):
        listed_ = listed_.get("tasks", listed_)
    if isinstance(listed_, Mapping):  # by id, as the stream of the page has them
        listed_ = list(listed_.values())
    if not isinstance(listed_, list):
        raise UsageError("no list of tasks is in it")
    for number, raw in enumerate(listed_, start=1):
        if not isinstance(raw, Mapping):
            raise UsageError(f"item {number}: a task must be a JSON object")
        yield _task(Item(raw, f"item {number}", notes))


def _task(item: Item) -> Entry:
    said = Said(
        origin=PREFIX + item.identity("id"),
        title=item.text("title"),
        state=state_of(item, item.text("status")),
        sections={"": item.text("description")},
        created_at=item.time("created_at"),
        updated_at=item.time("updated_at"),
    )
    item.close(*SILENT)
    return entry_of(item, said)
