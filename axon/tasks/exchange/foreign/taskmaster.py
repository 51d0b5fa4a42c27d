"""Read task-master's tasks.json: tasks of one list, or of a list per tag, with subtasks."""

from collections.abc import Iterator, Mapping
from typing import Any

from axon.errors import UsageError
from axon.facts import dataclass
from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.foreign.item import Item
from axon.tasks.exchange.foreign.making import ON_ICE, Said, entry_of, state_of
from axon.tasks.exchange.foreign.objects import whole
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.source import Source

PREFIX = "task-master:"
MAIN = "master"  # the tag of those who use none
PRIORITIES = {"critical": "urgent", "high": "high", "medium": "medium", "low": "low", "": "medium"}
SILENT = ("parentId", "parentTaskId", "recommendedSubtasks", "expansionPrompt", "complexityReason")


@dataclass(frozen=True, slots=True)
class _List:
    """The tasks of one tag."""

    tag: str
    where: str
    tasks: list[Item]

    def origin(self, name: str) -> str:
        return f"{PREFIX}{'' if self.tag == MAIN else self.tag + ':'}{name}"


def entries(source: Source, name: str, notes: Notes) -> Iterator[Entry]:
    for tagged in _lists(whole(source), notes):
        for item in tagged.tasks:
            number = item.identity("id")
            needs = item.words("dependencies")
            yield _entry(tagged, item, number, "", needs)
            parts = item.parts("subtasks")
            siblings = {part.identity("id") for part in parts}
            for part in parts:
                own = part.identity("id")
                told = [_full(one, number, siblings) for one in part.words("dependencies")]
                part.where = f"{item.where}, subtask {own}"
                # A subtask is begun when its task is: what that waits for holds it up as well.
                yield _entry(tagged, part, f"{number}.{own}", number, [*needs, *told])


def _full(name: str, task: str, siblings: set[str]) -> str:
    """A subtask names its siblings by their number alone."""
    return f"{task}.{name}" if name in siblings else name


def _lists(found: Any, notes: Notes) -> Iterator[_List]:
    if not isinstance(found, Mapping):
        raise UsageError("line 1: tasks.json must be a JSON object")
    tags = {MAIN: found} if isinstance(found.get("tasks"), list) else found
    for tag, held in tags.items():
        if not isinstance(held, Mapping) or not isinstance(held.get("tasks"), list):
            raise UsageError(f"{tag}: it has no list of tasks")
        place = "" if tag == MAIN else f"{tag}, "
        items = []
        for at, raw in enumerate(held["tasks"], start=1):
            if not isinstance(raw, Mapping):
                raise UsageError(f"{place}item {at}: a task must be a JSON object")
            where = f"{place}task {raw['id']}" if "id" in raw else f"{place}item {at}"
            items.append(Item(raw, where, notes))
        yield _List(tag, place, items)


def _entry(tagged: _List, item: Item, name: str, parent: str, needs: list[str]) -> Entry:
    word = item.text("status")
    rank = item.text("priority").lower()
    if rank not in PRIORITIES:
        raise item.wrong(f"unknown priority {rank!r}; known are critical, high, medium, low")
    item.taken |= {"subtasks", "dependencies"}
    said = Said(
        origin=tagged.origin(name),
        title=item.text("title"),
        state=state_of(item, word),
        question=ON_ICE.format(word),
        sections={
            "": item.text("description"),
            "Details": item.text("details"),
            "How it is tested": item.text("testStrategy"),
        },
        fields={
            "priority": PRIORITIES[rank],
            "labels": [] if tagged.tag == MAIN else [tagged.tag],
        },
        depends=[tagged.origin(one) for one in needs if one != name],
        parent=tagged.origin(parent) if parent else "",
        updated_at=item.time("updatedAt"),
    )
    item.close(*SILENT)
    return entry_of(item, said)
