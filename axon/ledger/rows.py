"""Tasks as rows: read, inserted, and saved with only what changed."""

import json
from dataclasses import dataclass, fields
from typing import Any

from axon.errors import NotFound
from axon.ledger.store import Tx
from axon.tasks import Priority, State, Task
from axon.tasks.text import clean

NAMES = tuple(field.name for field in fields(Task))
COLUMNS = ", ".join(f'task."{name}"' for name in NAMES)
LISTS = ("labels", "depends", "paths")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task with what only the ledger knows of it."""

    id: int
    task: Task
    run: str  # that claimed it last
    lease_boot: str
    lease_until: float
    claimed_boot: float


def task_of(values: tuple[Any, ...]) -> Task:
    known = dict(zip(NAMES, values, strict=True))
    known["state"] = State(known["state"])
    known["priority"] = Priority(known["priority"])
    for name in LISTS:
        known[name] = () if known[name] == "[]" else tuple(json.loads(known[name]))
    if known["verified"] is not None:
        known["verified"] = bool(known["verified"])
    return Task(**known)


def find(tx: Tx, identifier: str) -> Row | None:
    found = tx.db.execute(
        f"SELECT id, run, lease_boot, lease_until, claimed_boot, {COLUMNS} FROM task"
        " WHERE identifier = ?",
        (clean(identifier),),
    ).fetchone()
    if found is None:
        return None
    task_id, run, boot, until, claimed, *values = found
    return Row(
        id=task_id,
        task=task_of(tuple(values)),
        run=run,
        lease_boot=boot,
        lease_until=until,
        claimed_boot=claimed,
    )


def fetch(tx: Tx, identifier: str) -> Row:
    row = find(tx, identifier)
    if row is None:
        raise NotFound(f"no task {identifier}; axon task list shows those there are")
    return row


def stored(value: Any) -> Any:
    """A field of a Task as SQLite keeps it."""
    if isinstance(value, State):
        return value.value
    if isinstance(value, tuple):
        return json.dumps(value)
    if isinstance(value, str):
        return clean(value)
    return int(value) if isinstance(value, bool | Priority) else value


def save(tx: Tx, before: Task, after: Task, hidden: dict[str, Any]) -> None:
    """Update what differs, and the `hidden` columns that no Task shows."""
    changes = {
        name: stored(value)
        for name in NAMES
        if (value := getattr(after, name)) != getattr(before, name)
    }
    changes.update(hidden)
    if changes:
        settings = ", ".join(f'"{name}" = ?' for name in changes)
        tx.db.execute(
            f"UPDATE task SET {settings} WHERE identifier = ?",
            (*changes.values(), before.identifier),
        )
