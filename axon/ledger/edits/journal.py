"""The journal of changes: what each task was before, kept until newer changes push it out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from itertools import takewhile
from operator import itemgetter
from typing import Any

from axon.facts import dataclass
from axon.ledger import history
from axon.ledger.columns import LISTS, NAMES, stored
from axon.ledger.proof import damaged
from axon.ledger.rows import Row
from axon.ledger.tables import CHANGE, CHANGE_TASK
from axon.ledger.transaction import Tx
from axon.tasks import Priority, State, Task
from axon.tasks.text import clean

ORPHANS = """
    SELECT 1 FROM change_task NOT INDEXED
    WHERE change NOT IN (SELECT id FROM change NOT INDEXED) LIMIT 1
"""
KEPT = 500  # changes that can be taken back
# What never goes back: fences, clocks and figures, and what is counted from other rows.
FORWARD = frozenset(
    {"token", "updated_at", "version", "seconds", "turns", "tokens", "cost_usd", "blocked"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of a person. `since` to `seq` are its events; `first` to `last` tasks it added."""

    id: int
    at: float
    actor: str
    action: str
    seq: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One task of a change, as it was before."""

    task: int
    identifier: str
    before: dict[str, Any]


def begin(tx: Tx, action: str, actor: str) -> int:
    number = CHANGE.next(tx)
    CHANGE.insert(
        tx,
        id=number,
        at=tx.now,
        actor=clean(actor),
        action=action,
        since=history.last_seq(tx) + 1,
        seq=0,
        first=0,
        last=0,
        undone=False,
    )
    return number


def keep(tx: Tx, change: int, row: Row, after: Task) -> None:
    """What differs. A lease does not come back: the task was taken from its worker."""
    before = {
        name: stored(name, value)
        for name in NAMES
        if name not in FORWARD and (value := getattr(row.task, name)) != getattr(after, name)
    }
    if row.lease_boot and before.get("state") == State.IN_PROGRESS:
        before["state"] = State.TODO.value
        before.pop("owner", None)
    put(tx, change, row.id, row.task.identifier, before)


def put(tx: Tx, change: int, task: int, identifier: str, before: Mapping[str, Any]) -> None:
    CHANGE_TASK.insert(
        tx,
        id=CHANGE_TASK.next(tx),
        change=change,
        task=task,
        identifier=identifier,
        before=json.dumps(before),
    )


def seal(tx: Tx, change: int, *, first: int = 0, last: int = 0) -> None:
    """The change is complete; one that changed nothing is none."""
    seq = history.last_seq(tx)
    known = CHANGE.find(tx, change)
    assert known is not None
    if known["since"] > seq:
        CHANGE.delete(tx, known)
    else:
        CHANGE.update(tx, known, seq=seq, first=first, last=last)
    oldest = (change - KEPT,)
    tx.db.execute("DELETE FROM change_task WHERE change <= ?", oldest)
    tx.db.execute("DELETE FROM change WHERE id <= ?", oldest)


def close(tx: Tx, change: int) -> None:
    """A step back is complete; it is none that can be taken back."""
    known = CHANGE.find(tx, change)
    assert known is not None
    CHANGE.update(tx, known, seq=history.last_seq(tx), undone=True)


def last(tx: Tx, actor: str) -> Change | None:
    """The newest of this actor that was not taken back."""
    if tx.db.execute(ORPHANS).fetchone():
        damaged("the journal of changes", "one is missing")
    names = [field.name for field in fields(Change)]
    for known in CHANGE.newest(tx):
        if known["actor"] == clean(actor) and not known["undone"]:
            return Change(**{name: known[name] for name in names})
    return None


def take_back(tx: Tx, change: Change) -> None:
    known = CHANGE.find(tx, change.id)
    assert known is not None
    CHANGE.update(tx, known, undone=True)


def kept(tx: Tx, change: int) -> list[Kept]:
    """Read from the newest on, index aside, so that none can be missed."""
    newer = takewhile(lambda known: known["change"] >= change, CHANGE_TASK.newest(tx))
    found = [known for known in newer if known["change"] == change]
    return [
        Kept(
            task=known["task"],
            identifier=known["identifier"],
            before=json.loads(known["before"]),
        )
        for known in sorted(found, key=itemgetter("task"))
    ]


def harmless(tx: Tx, change: Change) -> Callable[[int], bool]:
    """Tells of an event since `change` whether it is of the same actor, or was taken back."""
    since = list(takewhile(lambda known: known["id"] > change.id, CHANGE.newest(tx)))

    def is_harmless(seq: int) -> bool:
        known = next((known for known in since if known["since"] <= seq), None)
        if known is None or known["seq"] < seq:
            return False
        return bool(known["undone"] or known["actor"] == change.actor)

    return is_harmless


def values(before: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a Task, from what SQLite keeps of them."""
    found = dict(before)
    for name in LISTS:
        if name in found:
            found[name] = tuple(json.loads(found[name]))
    if "state" in found:
        found["state"] = State(found["state"])
    if "priority" in found:
        found["priority"] = Priority(found["priority"])
    if found.get("verified") is not None:
        found["verified"] = bool(found["verified"])
    return found
