"""Set the fields of tasks and what they wait for, unless somebody else did meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from axon.errors import Conflict, UsageError
from axon.ledger import history
from axon.ledger.edits import journal, links
from axon.ledger.rows import Row, fetch, save
from axon.ledger.transaction import Tx
from axon.tasks import Priority, Task
from axon.tasks.editing import refuse, tidied
from axon.tasks.moments import told
from axon.tasks.text import shortened

TOLD = 60  # characters of a value in the history


def edit(
    tx: Tx,
    identifiers: Sequence[str],
    fields: Mapping[str, Any],
    *,
    if_version: int | None,
    actor: str,
) -> list[Task]:
    if not fields:
        raise UsageError("nothing to change; name a field and its new value")
    rows = rows_of(tx, identifiers)
    if if_version is not None and len(rows) > 1:
        raise UsageError("a version is that of one task; name one")
    change = journal.begin(tx, "edit", actor)
    tasks = []
    for row in rows:
        refuse_stale(row.task, if_version)
        tasks.append(apply(tx, change, row, tidied(row.task, fields), actor=actor))
    journal.seal(tx, change)
    return tasks


def depend(
    tx: Tx,
    identifier: str,
    *,
    on: Sequence[str],
    off: Sequence[str],
    if_version: int | None,
    actor: str,
) -> Task:
    (row,) = rows_of(tx, [identifier])
    refuse_stale(row.task, if_version)
    new, gone = links.canonical(on), links.canonical(off)
    if not new and not gone:
        raise UsageError("nothing to change; name a task with --on or --off")
    if both := [name for name in new if name in gone]:
        raise UsageError(f"{both[0]} is to be waited for and not to be; say one")
    if missing := [name for name in gone if name not in row.task.depends]:
        raise UsageError(
            f"{row.task.identifier} does not depend on {missing[0]}; nothing to remove"
        )
    depends = tuple(name for name in row.task.depends if name not in gone)
    depends += tuple(name for name in new if name not in depends)
    change = journal.begin(tx, "depend", actor)
    task = apply(tx, change, row, {"depends": depends}, actor=actor, action="depend")
    journal.seal(tx, change)
    return task


def apply(
    tx: Tx,
    change: int,
    row: Row,
    fields: Mapping[str, Any],
    *,
    actor: str,
    action: str = "edit",
    cut: bool = True,
) -> Task:
    """Make what differs so, and tell it. `cut`: False when the links were cut before."""
    before = row.task
    if "parent" in fields:
        fields = {**fields, "parent": next(iter(links.canonical([fields["parent"]])), "")}
    new = {name: value for name, value in fields.items() if value != getattr(before, name)}
    if not new:
        return before
    refuse(before, new)
    if "depends" in new:
        links.refuse_at_work(before)
    after = replace(before, **new, updated_at=tx.now, version=before.version + 1)
    if "depends" in new or "parent" in new:
        relink(tx, row, after, cut=cut)
    save(tx, before, after, {})
    journal.keep(tx, change, row, after)
    history.append(
        tx,
        action,
        actor=actor,
        identifier=before.identifier,
        run=row.run,
        attempt=before.token,
        why="; ".join(
            difference(name, getattr(before, name), value) for name, value in new.items()
        ),
        data={"fields": sorted(new), "version": after.version},
    )
    return fetch(tx, before.identifier).task


def relink(tx: Tx, row: Row, after: Task, *, cut: bool = True) -> None:
    if cut:
        links.cut(tx, row, depends=after.depends, parent=after.parent)
    links.tie(tx, row, depends=after.depends, parent=after.parent)


def rows_of(tx: Tx, identifiers: Sequence[str]) -> list[Row]:
    names = links.canonical(identifiers)
    if not names:
        raise UsageError("no task is named; name one, as ENG-12")
    return [fetch(tx, name) for name in names]


def refuse_stale(task: Task, if_version: int | None) -> None:
    if if_version is not None and task.version != if_version:
        raise Conflict(
            f"{task.identifier} was changed meanwhile: it is at version {task.version}, you saw"
            f" {if_version}; look at it again"
        )


def difference(name: str, before: Any, after: Any) -> str:
    """ "priority: medium → high"."""
    label = name.replace("_", " ")
    if name in ("description", "title", "check"):
        return f"{label}: {_said(name, after)}" if name != "description" else label
    return f"{label}: {_said(name, before)} → {_said(name, after)}"


def _said(name: str, value: Any) -> str:
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, Priority):
        return value.label
    if name == "not_before":
        return told(value)
    if isinstance(value, tuple):
        value = ", ".join(value)
    return shortened(f"{value:g}" if isinstance(value, float) else str(value), TOLD)
