"""The journal of changes: what each task was before, kept until newer changes push it out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from axon.ledger import history
from axon.ledger.columns import LISTS, NAMES, stored
from axon.ledger.rows import Row
from axon.ledger.tables import CHANGE, CHANGE_TASK
from axon.ledger.transaction import Tx
from axon.tasks import Priority, State, Task
from axon.tasks.text import clean

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
    found = CHANGE.select(
        tx, "WHERE NOT undone AND actor = ? ORDER BY id DESC LIMIT 1", (clean(actor),)
    )
    names = (field.name for field in fields(Change))
    return Change(**{name: found[0][name] for name in names}) if found else None


def take_back(tx: Tx, change: Change) -> None:
    known = CHANGE.find(tx, change.id)
    assert known is not None
    CHANGE.update(tx, known, undone=True)


def kept(tx: Tx, change: int) -> list[Kept]:
    return [
        Kept(
            task=known["task"],
            identifier=known["identifier"],
            before=json.loads(known["before"]),
        )
        for known in CHANGE_TASK.select(tx, "WHERE change = ? ORDER BY task", (change,))
    ]


def is_of(tx: Tx, seq: int, actor: str) -> bool:
    """Is that event part of a change of this actor, or of one that came to nothing?"""
    found = CHANGE.select(tx, "WHERE since <= ? ORDER BY since DESC LIMIT 1", (seq,))
    if not found or found[0]["seq"] < seq:
        return False
    return bool(found[0]["undone"] or found[0]["actor"] == clean(actor))


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
