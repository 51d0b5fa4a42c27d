"""Take back somebody's last change, unless others have built on it since."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from axon.errors import Forbidden
from axon.ledger import history, links
from axon.ledger.edits import Undone, journal, removal
from axon.ledger.edits import links as ties
from axon.ledger.edits.fields import difference, relink
from axon.ledger.rows import Row, by_id, fetch, find, save, select
from axon.ledger.trail import story
from axon.ledger.transaction import Tx
from axon.tasks import Task
from axon.tasks.moments import told

# What changes a task without moving it.
CHANGING = frozenset({"edit", "depend", "delete", "undo"})


def undo(tx: Tx, *, actor: str) -> Undone:
    change = journal.last(tx, actor)
    if change is None:
        raise Forbidden("there is no change to take back; only the latest ones are kept")
    kept = journal.kept(tx, change.id)
    added = _added(tx, change)
    harmless = journal.harmless(tx, change)
    for identifier in (*(one.identifier for one in kept), *(row.task.identifier for row in added)):
        _refuse_moved_on(tx, change, identifier, harmless)
    journal.take_back(tx, change)
    step = journal.begin(tx, "undo", actor)
    why = f"{change.action} of {told(change.at)}"
    if change.action == "delete":
        tasks = removal.put_back(tx, kept, why=why, actor=actor)
    else:
        removal.remove(tx, added, why=f"undo of {why}", actor=actor)
        tasks = _restore(tx, kept, why=why, actor=actor)
    journal.close(tx, step)
    return Undone(
        action=change.action,
        at=change.at,
        actor=change.actor,
        tasks=tuple(tasks),
        removed=tuple(row.task.identifier for row in added),
    )


def _added(tx: Tx, change: journal.Change) -> list[Row]:
    """Tasks that an import has made; a deletion keeps the numbers of its tasks there."""
    if not change.first:
        return []
    return list(
        select(tx, "WHERE task.id BETWEEN ? AND ? ORDER BY task.id", (change.first, change.last))
    )


def _refuse_moved_on(
    tx: Tx, change: journal.Change, identifier: str, harmless: Callable[[int], bool]
) -> None:
    for event in story(tx, identifier, change.seq):
        changed = event.after is not None or event.action in CHANGING
        if changed and not harmless(event.seq):
            moved = f"moved {identifier} to {event.after.label}" if event.after else ""
            raise Forbidden(
                f"the last change ({change.action}, {told(change.at)}) cannot be taken back: since"
                f" then {event.actor} has {moved or f'changed {identifier}'};"
                " change what you want to be different by hand"
            )


def _restore(tx: Tx, kept: Sequence[journal.Kept], *, why: str, actor: str) -> list[Task]:
    """What is no longer waited for first, so that no circle is seen that will not be."""
    pairs = []
    for one in kept:
        row = find(tx, one.identifier)
        if row is None:
            raise Forbidden(f"{one.identifier} does not exist any more; nothing was taken back")
        after = replace(
            row.task,
            **journal.values(one.before),
            updated_at=tx.now,
            version=row.task.version + 1,
        )
        pairs.append((row, after))
        if one.before.keys() & {"depends", "parent"}:
            ties.cut(tx, row, depends=after.depends, parent=after.parent)
    for (row, after), one in zip(pairs, kept, strict=True):
        if one.before.keys() & {"depends", "parent"}:
            relink(tx, row, after, cut=False)
        save(tx, row.task, after, {})
        if row.task.state is not after.state:
            waiting = links.dependents(tx, by_id(tx, row.id))
            links.recount(tx, [number for number, _ in waiting])
        _tell(tx, row, after, why, actor)
    return [fetch(tx, row.task.identifier).task for row, _ in pairs]


def _tell(tx: Tx, row: Row, after: Task, why: str, actor: str) -> None:
    moved = row.task.state is not after.state
    differences = [
        difference(name, getattr(row.task, name), getattr(after, name))
        for name in ("title", "priority", "depends", "parent", "labels", "check")
        if getattr(row.task, name) != getattr(after, name)
    ]
    history.append(
        tx,
        "undo",
        actor=actor,
        identifier=row.task.identifier,
        run=row.run,
        before=row.task.state if moved else None,
        after=after.state if moved else None,
        attempt=row.task.token,
        why="; ".join([why, *differences]),
    )
