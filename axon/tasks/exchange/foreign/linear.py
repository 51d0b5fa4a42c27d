"""Read issues of Linear: the CSV of its export, and what its GraphQL API answers."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from axon.errors import UsageError
from axon.facts import dataclass
from axon.tasks import State
from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.foreign import tables
from axon.tasks.exchange.foreign.item import Item
from axon.tasks.exchange.foreign.making import Said, entry_of, state_of
from axon.tasks.exchange.foreign.objects import whole
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.source import Source
from axon.tasks.fields import listed

PREFIX = "linear:"
NEEDED = ("ID", "Title", "Status")
PRIORITIES = {"no priority": "medium", "": "medium", "urgent": "urgent", "high": "high",
              "medium": "medium", "normal": "medium", "low": "low"}  # fmt: skip
NUMBERS = ("medium", "urgent", "high", "medium", "low")  # as the API has them; 0 is none
TYPES = {"completed": "done", "canceled": "canceled", "cancelled": "canceled",
         "started": "started", "unstarted": "todo", "backlog": "todo",
         "triage": "todo"}  # fmt: skip
DEEPEST = 6
SILENT_COLUMNS = (
    "UUID", "Team", "Project ID", "Project Milestone ID", "Started", "Triaged", "Completed",
    "Canceled", "Archived", "Time in status (minutes)", "Creator", "Cycle Start", "Cycle End",
)  # fmt: skip
SILENT = (
    "id", "number", "team", "priorityLabel", "branchName", "completedAt", "canceledAt",
    "startedAt", "triagedAt", "archivedAt", "creator", "sortOrder", "subIssueSortOrder",
    "prioritySortOrder", "boardOrder", "previousIdentifiers", "children", "trashed", "__typename",
    "descriptionState", "customerTicketCount", "labelIds", "identifier",
)  # fmt: skip


def entries(source: Source, name: str, notes: Notes) -> Iterator[Entry]:
    if source.head().lstrip()[:1] in ("{", "["):
        yield from _answered(whole(source), notes)
        return
    head = source.head()
    with source.reading(newline="") as file:
        for item in tables.items(file, head, NEEDED, notes):
            yield _row(item)


# ── CSV ──


def _row(item: Item) -> Entry:
    identity = item.identity("ID")
    item.where = f"{item.where} ({identity})"
    rank = item.text("Priority").strip().lower()
    if rank not in PRIORITIES:
        raise item.wrong(f"unknown priority {rank!r}; Linear's are urgent, high, medium, low")
    said = Said(
        origin=PREFIX + identity,
        title=item.text("Title"),
        state=_column_state(item),
        sections={"": item.text("Description"), "Related": _related_columns(item)},
        fields={
            "priority": PRIORITIES[rank],
            "labels": listed(item.text("Labels")),
            "project": item.text("Project"),
        },
        depends=[PREFIX + one for one in listed(item.text("Blocked by"))],
        parent=PREFIX + above if (above := item.text("Parent issue").strip()) else "",
        created_at=item.time("Created"),
        updated_at=item.time("Updated"),
    )
    item.close(*SILENT_COLUMNS)
    return entry_of(item, said)


def _column_state(item: Item) -> State:
    """Its name is the team's own; when it was completed or canceled says more."""
    word = item.text("Status")
    if item.text("Completed"):
        return State.DONE
    if item.text("Canceled"):
        return State.CANCELED
    if item.text("Archived"):
        item.notes.add("archived before it was done, taken as canceled")
        return State.CANCELED
    return state_of(item, "started" if item.text("Started") else word)


def _related_columns(item: Item) -> str:
    lines = []
    for column, how in (("Related to", "related"), ("Duplicate of", "duplicate of")):
        lines += [f"- {how}: {one}" for one in listed(item.text(column))]
    return "\n".join(lines)


# ── GraphQL ──


@dataclass(slots=True)
class _Web:
    """What the answer says of links from either side."""

    names: dict[str, str] = field(default_factory=dict)  # identifiers by id
    waits: dict[str, list[str]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)


def _answered(found: Any, notes: Notes) -> Iterator[Entry]:
    _refuse_errors(found)
    items = [
        Item(raw, f"issue {raw.get('identifier') or number}", notes)
        for number, raw in enumerate(_issues(found, notes, 0), start=1)
    ]
    if not items:
        raise UsageError("no list of issues with identifier and title is in it")
    web = _Web()
    for item in items:
        identity = item.identity("identifier")
        if isinstance(item.raw.get("id"), str):
            web.names[item.raw["id"]] = identity
    for item in items:
        _tie(web, item)
    for item in items:
        yield _issue(item, web)


def _refuse_errors(found: Any) -> None:
    if isinstance(found, Mapping) and isinstance(found.get("errors"), list) and found["errors"]:
        first = found["errors"][0]
        told = first.get("message") if isinstance(first, Mapping) else None
        raise UsageError(f"Linear answered with an error ({told}); ask it once more")


def _issues(found: Any, notes: Notes, depth: int) -> Iterator[Mapping[str, Any]]:
    if isinstance(found, list):
        for one in found:
            yield from _issues(one, notes, depth + 1)
    elif isinstance(found, Mapping) and depth <= DEEPEST:
        if "identifier" in found and "title" in found:
            yield found
            return
        page = found.get("pageInfo")
        if isinstance(page, Mapping) and page.get("hasNextPage"):
            notes.add("more issues than the file holds: it was exported in part", 0)
        for one in found.values():
            yield from _issues(one, notes, depth + 1)


def _tie(web: _Web, item: Item) -> None:
    me = item.identity("identifier")
    for part in item.parts("children"):
        if other := _other(part, web):
            web.parents[other] = me
    if above := item.take("parent"):
        web.parents[me] = _other(Item(above, item.where, item.notes), web)
    for part in item.parts("inverseRelations"):
        if part.text("type") == "blocks" and not _ended(part, "issue"):
            web.waits.setdefault(me, []).append(_partner(part, "issue", web))
    for part in item.parts("relations"):
        other = _partner(part, "relatedIssue", web)
        if part.text("type") == "blocks" and other in web.names.values():
            web.waits.setdefault(other, []).append(me)


def _partner(part: Item, name: str, web: _Web) -> str:
    raw = part.take(name)
    if not isinstance(raw, Mapping):
        raise part.wrong(f"{name} must be an object")
    return _other(Item(raw, part.where, part.notes), web)


def _ended(part: Item, name: str) -> bool:
    raw = part.raw.get(name)
    state = raw.get("state") if isinstance(raw, Mapping) else None
    return isinstance(state, Mapping) and state.get("type") in ("completed", "canceled")


def _other(item: Item, web: _Web) -> str:
    """The identifier of an issue that is told in short."""
    if not isinstance(item.raw, Mapping):
        raise item.wrong("an issue must be an object")
    return item.named("identifier") or web.names.get(item.named("id"), "")


def _issue(item: Item, web: _Web) -> Entry:
    me = item.identity("identifier")
    above = web.parents.get(me, "")
    rank = item.whole("priority") or 0
    if not 0 <= rank < len(NUMBERS):
        raise item.wrong("priority must be a number from 0 to 4")
    said = Said(
        origin=PREFIX + me,
        title=item.text("title"),
        state=_typed_state(item),
        sections={
            "": item.text("description"),
            "Related": "\n".join(_related(item, web)),
            "Source": item.text("url"),
        },
        fields={
            "priority": NUMBERS[rank],
            "labels": item.words("labels", "name"),
            "project": item.named("project", "name"),
        },
        depends=[PREFIX + one for one in web.waits.get(me, ())],
        parent=PREFIX + above if above else "",
        created_at=item.time("createdAt"),
        updated_at=item.time("updatedAt"),
        comments=[
            (
                part.time("createdAt") or 0.0,
                part.named("user", "name", "displayName", "email"),
                part.text("body"),
            )
            for part in item.parts("comments")
        ],
    )
    item.close(*SILENT)
    return entry_of(item, said)


def _typed_state(item: Item) -> State:
    raw = item.take("state")
    name, kind = (raw, "") if isinstance(raw, str) else ("", "")
    if isinstance(raw, Mapping):
        name, kind = str(raw.get("name") or ""), str(raw.get("type") or "")
    return state_of(item, TYPES.get(kind, name))


def _related(item: Item, web: _Web) -> Iterator[str]:
    for name, other in (("relations", "relatedIssue"), ("inverseRelations", "issue")):
        for part in item.parts(name):
            if (kind := part.text("type")) != "blocks":
                yield f"- {kind}: {_partner(part, other, web)}"
