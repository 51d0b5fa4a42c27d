"""Read beads: one issue a line, as .beads/issues.jsonl and `bd export` have them."""

from collections.abc import Iterator
from dataclasses import field

from axon.facts import dataclass
from axon.tasks import State
from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.foreign.item import Item
from axon.tasks.exchange.foreign.making import ON_ICE, Said, entry_of, state_of
from axon.tasks.exchange.foreign.objects import objects
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.source import Source

PREFIX = "beads:"
WAITS = ("blocks", "conditional-blocks", "waits-for")
PARENT = "parent-child"
PRIORITIES = ("urgent", "high", "medium", "low", "low")
# Said by other keys, or of no use outside of beads.
SILENT = (
    "content_hash", "closed_at", "dependency_count", "dependent_count", "comment_count",
    "original_size", "compaction_level", "compacted_at", "compacted_at_commit", "source_repo",
    "created_by", "parent", "dependents",
)  # fmt: skip


@dataclass(slots=True)
class _Web:
    """Who waits for whom: what holds up an epic holds up its parts, as in beads."""

    blockers: dict[str, list[str]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def above(self, name: str) -> list[str]:
        trail = [name]
        while (up := self.parents.get(trail[-1], "")) and up not in trail:
            trail.append(up)
        return trail[1:]

    def needs(self, name: str) -> list[str]:
        found = dict.fromkeys(self.blockers.get(name, ()))
        for epic in self.above(name):
            for blocker in self.blockers.get(epic, ()):
                if blocker != name and epic not in self.above(blocker):
                    found[blocker] = None
        return [blocker for blocker in found if blocker not in self.deleted]


def entries(source: Source, name: str, notes: Notes) -> Iterator[Entry]:
    web = _Web()
    for item in objects(source, name, Notes()):
        identity = item.identity("id")
        if item.raw.get("status") == "tombstone":
            web.deleted.add(identity)
            continue
        for target, kind in _links(item):
            if kind in WAITS:
                web.blockers.setdefault(identity, []).append(target)
            elif kind == PARENT:
                web.parents[identity] = target
    for item in objects(source, name, notes):
        if item.identity("id") in web.deleted:
            notes.add("deleted in beads, left out")
        else:
            yield _entry(item, web)


def _links(item: Item) -> list[tuple[str, str]]:
    """What it depends on, and how. `bd show` writes the other issue itself in its place."""
    found = []
    for part in item.parts("dependencies"):
        target = part.named("depends_on_id") or part.named("id")
        if not target:
            raise part.wrong("it names no depends_on_id")
        found.append((target, part.text("type", "dependency_type") or "blocks"))
    return found


def _entry(item: Item, web: _Web) -> Entry:
    identity = item.identity("id")
    links = _links(item)
    word = item.text("status")
    needs = web.needs(identity)
    state = State.DONE if word == "pinned" else state_of(item, word)
    if word == "pinned":
        item.notes.add("pinned in beads, taken as done: it is no work")
    if word == "blocked" and needs:
        state = State.TODO  # what it waits for holds it
    related = [f"- {kind}: {other}" for other, kind in links if kind not in (*WAITS, PARENT)]
    said = Said(
        origin=PREFIX + identity,
        title=item.text("title"),
        state=state,
        question=ON_ICE.format(word),
        sections={
            "": item.text("description"),
            "Design": item.text("design"),
            "Acceptance criteria": item.text("acceptance_criteria"),
            "Notes": item.text("notes"),
            "Related": "\n".join(related),
            "Reference": item.text("external_ref"),
            "Closed because": item.text("close_reason"),
        },
        fields={
            "priority": _priority(item),
            "type": item.text("issue_type") or "task",
            "labels": item.words("labels"),
        },
        depends=[PREFIX + one for one in needs],
        parent=PREFIX + web.parents[identity] if identity in web.parents else "",
        created_at=item.time("created_at"),
        updated_at=item.time("updated_at"),
        comments=[
            (part.time("created_at") or 0.0, part.named("author"), part.text("text", "body"))
            for part in item.parts("comments")
        ],
    )
    item.close(*SILENT)
    return entry_of(item, said)


def _priority(item: Item) -> str:
    number = item.whole("priority")
    if number is None:
        return "medium"
    if not 0 <= number < len(PRIORITIES):
        raise item.wrong("priority must be a number from 0 to 4")
    if number == len(PRIORITIES) - 1:
        item.notes.add("priority 4 became low")
    return PRIORITIES[number]
