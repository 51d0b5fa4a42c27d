"""Make an entry of what another tool says of a task."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from axon.errors import UsageError
from axon.facts import dataclass
from axon.tasks import State
from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.foreign.item import Item

ON_ICE = "It was {} where it was imported from. May it be worked now?"
# What people and tools call the states of work, written small and without blanks or dashes.
STATES = {
    "todo": State.TODO, "open": State.TODO, "opened": State.TODO, "pending": State.TODO,
    "ready": State.TODO, "new": State.TODO, "backlog": State.TODO, "triage": State.TODO,
    "unstarted": State.TODO, "reopened": State.TODO,
    "inprogress": State.IN_PROGRESS, "started": State.IN_PROGRESS, "doing": State.IN_PROGRESS,
    "hooked": State.IN_PROGRESS,
    "inreview": State.REVIEW, "review": State.REVIEW,
    "blocked": State.BLOCKED, "deferred": State.BLOCKED, "onhold": State.BLOCKED,
    "paused": State.BLOCKED, "icebox": State.BLOCKED,
    "done": State.DONE, "closed": State.DONE, "completed": State.DONE, "complete": State.DONE,
    "resolved": State.DONE, "merged": State.DONE,
    "canceled": State.CANCELED, "cancelled": State.CANCELED, "duplicate": State.CANCELED,
    "notplanned": State.CANCELED, "wontfix": State.CANCELED, "wontdo": State.CANCELED,
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Said:
    """A task in the words of another tool, ready to become an entry."""

    origin: str  # what it is called there, for ever: "linear:ENG-12"
    title: str
    state: State = State.TODO
    question: str = ""  # of one that is blocked
    sections: Mapping[str, str] = field(default_factory=dict)  # by heading; "" comes first
    fields: Mapping[str, Any] = field(default_factory=dict)  # as JSON has them
    depends: Iterable[str] = ()  # origins
    parent: str = ""  # origin
    created_at: float | None = None
    updated_at: float | None = None
    comments: Iterable[tuple[float, str, str]] = ()


def state_of(item: Item, word: str) -> State:
    """The state a word stands for; one that nobody knows is noted, and is to do."""
    plain = "".join(letter for letter in word.lower() if letter.isalnum())
    if (found := STATES.get(plain)) is None:
        if word:
            item.notes.add(f"unknown state {word!r}, taken as todo")
        return State.TODO
    if found in (State.IN_PROGRESS, State.REVIEW):
        item.notes.add(f"{word!r} became todo: nobody works on it here")
        return State.TODO
    return found


def entry_of(item: Item, said: Said) -> Entry:
    """UsageError names the place and what is wrong there."""
    entry = Entry(where=item.where, title="", origin=said.origin)
    labels = [*said.fields.get("labels", ()), said.origin]
    values: dict[str, Any] = {
        **said.fields,
        "title": said.title,
        "description": _prose(said.sections),
        "labels": labels,
        "key": said.origin,
    }
    try:
        for name, found in values.items():
            entry.put(name, found)
    except UsageError as error:
        raise item.wrong(str(error)) from None
    entry.state = said.state
    entry.values["depends"] = [(item.where, [name]) for name in dict.fromkeys(said.depends)]
    entry.values["parent"] = said.parent
    entry.given += ["depends", "parent"]
    entry.facts |= {
        name: found
        for name, found in (("created_at", said.created_at), ("updated_at", said.updated_at))
        if found is not None
    }
    if said.state is State.BLOCKED:
        entry.facts["question"] = said.question or ON_ICE.format("blocked")
    entry.comments += said.comments
    return entry


def _prose(sections: Mapping[str, str]) -> str:
    parts = []
    for heading, text in sections.items():
        if text.strip():
            body = text.replace("\r\n", "\n").strip("\n").rstrip()
            parts.append(f"## {heading}\n\n{body}" if heading else body)
    return "\n\n".join(parts)
