"""The journal of changes: what each task was before, kept until newer changes push it out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axon.ledger import history
from axon.ledger.rows import LISTS, NAMES, Row, stored
from axon.ledger.store import Tx
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
    change = tx.db.execute(
        "INSERT INTO change (at, actor, action, since, seq, first, last)"
        " VALUES (?, ?, ?, ?, 0, 0, 0)",
        (tx.now, clean(actor), action, history.last_seq(tx) + 1),
    ).lastrowid
    assert change is not None
    return change


def keep(tx: Tx, change: int, row: Row, after: Task) -> None:
    """What differs. A lease does not come back: the task was taken from its worker."""
    before = {
        name: stored(value)
        for name in NAMES
        if name not in FORWARD and (value := getattr(row.task, name)) != getattr(after, name)
    }
    if row.lease_boot and before.get("state") == State.IN_PROGRESS:
        before["state"] = State.TODO.value
        before.pop("owner", None)
    put(tx, change, row.id, row.task.identifier, before)


def put(tx: Tx, change: int, task: int, identifier: str, before: Mapping[str, Any]) -> None:
    tx.db.execute(
        "INSERT INTO change_task (change, task, identifier, before) VALUES (?, ?, ?, ?)",
        (change, task, identifier, json.dumps(before)),
    )


def seal(tx: Tx, change: int, *, first: int = 0, last: int = 0) -> None:
    """The change is complete; one that changed nothing is none."""
    seq = history.last_seq(tx)
    tx.db.execute(
        "UPDATE change SET seq = ?, first = ?, last = ? WHERE id = ?", (seq, first, last, change)
    )
    tx.db.execute("DELETE FROM change WHERE id = ? AND since > seq", (change,))
    oldest = (change - KEPT,)
    tx.db.execute("DELETE FROM change_task WHERE change <= ?", oldest)
    tx.db.execute("DELETE FROM change WHERE id <= ?", oldest)


def last(tx: Tx, actor: str) -> Change | None:
    """The newest of this actor that was not taken back."""
    found = tx.db.execute(
        "SELECT id, at, actor, action, seq, first, last FROM change WHERE NOT undone AND actor = ?"
        " ORDER BY id DESC LIMIT 1",
        (clean(actor),),
    ).fetchone()
    if found is None:
        return None
    names = ("id", "at", "actor", "action", "seq", "first", "last")
    return Change(**dict(zip(names, found, strict=True)))


def kept(tx: Tx, change: int) -> list[Kept]:
    found = tx.db.execute(
        "SELECT task, identifier, before FROM change_task WHERE change = ? ORDER BY task", (change,)
    ).fetchall()
    return [
        Kept(task=task, identifier=identifier, before=json.loads(before))
        for task, identifier, before in found
    ]


def is_of(tx: Tx, seq: int, actor: str) -> bool:
    """Is that event part of a change of this actor, or of one that came to nothing?"""
    found = tx.db.execute(
        "SELECT seq >= ? AND (actor = ? OR undone) FROM change WHERE since <= ?"
        " ORDER BY since DESC LIMIT 1",
        (seq, clean(actor), seq),
    ).fetchone()
    return bool(found and found[0])


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
