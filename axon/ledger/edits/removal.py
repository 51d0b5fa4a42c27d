"""Take tasks out of the ledger, and put them back as they were."""

from collections.abc import Collection, Sequence
from typing import Any

from axon.errors import BadMove, Forbidden
from axon.ledger import history
from axon.ledger.edits import journal, links
from axon.ledger.edits.fields import relink, rows_of
from axon.ledger.rows import Row, fetch
from axon.ledger.store import Tx
from axon.tasks import State, Task

AT_WORK = (State.IN_PROGRESS, State.REVIEW)


def delete(tx: Tx, identifiers: Sequence[str], *, why: str, actor: str) -> list[Task]:
    rows = rows_of(tx, identifiers)
    for row in rows:
        if row.task.state in AT_WORK:
            raise BadMove(
                f"cannot delete {row.task.identifier}: it is {row.task.state.label};"
                " cancel it first"
            )
    change = journal.begin(tx, "delete", actor)
    for row in rows:
        journal.put(tx, change, row.id, row.task.identifier, _columns(tx, row.id))
    remove(tx, rows, why=why, actor=actor)
    journal.seal(tx, change, last=max(row.id for row in rows))
    return [row.task for row in rows]


def remove(tx: Tx, rows: Sequence[Row], *, why: str, actor: str) -> None:
    """Comments, sessions and events stay: they are the history of the identifier."""
    going = {row.id for row in rows}
    for row in rows:
        _refuse_needed(tx, row, going)
    left = {other for row in rows for other in links.dependents(tx, row.id)} - going
    for row in rows:
        tx.db.execute("DELETE FROM dependency WHERE task = ? OR needs = ?", (row.id, row.id))
        tx.db.execute("DELETE FROM task WHERE id = ?", (row.id,))
        history.append(
            tx,
            "delete",
            actor=actor,
            identifier=row.task.identifier,
            before=row.task.state,
            attempt=row.task.token,
            why=why,
            data={"title": row.task.title},
        )
    links.recount(tx, left)


def put_back(tx: Tx, kept: Sequence[journal.Kept], *, why: str, actor: str) -> list[Task]:
    """All rows first: they may wait for each other."""
    for one in kept:
        names = ", ".join(f'"{name}"' for name in one.before)
        tx.db.execute(
            f"INSERT INTO task ({names}) VALUES ({', '.join('?' * len(one.before))})",
            tuple(one.before.values()),
        )
    rows = [fetch(tx, one.identifier) for one in kept]
    for row in rows:
        relink(tx, row, row.task)
        history.append(
            tx,
            "undo",
            actor=actor,
            identifier=row.task.identifier,
            after=row.task.state,
            attempt=row.task.token,
            why=why,
        )
    return [fetch(tx, row.task.identifier).task for row in rows]


def _refuse_needed(tx: Tx, row: Row, going: Collection[int]) -> None:
    name = row.task.identifier
    for other, identifier, child in tx.db.execute(
        "SELECT task.id, task.identifier, dependency.child FROM dependency"
        " JOIN task ON task.id = dependency.task WHERE needs = ? AND NOT child"
        " UNION ALL SELECT task.id, task.identifier, dependency.child FROM dependency"
        " JOIN task ON task.id = dependency.needs WHERE dependency.task = ? AND child",
        (row.id, row.id),
    ).fetchall():
        if other in going:
            continue
        if child:
            raise Forbidden(
                f"{identifier} is a part of {name}; delete both, or say axon task edit {identifier}"
                " --clear parent first"
            )
        raise Forbidden(
            f"{identifier} depends on {name}; delete both, or say axon task depend {identifier}"
            f" --off {name} first"
        )


def _columns(tx: Tx, task_id: int) -> dict[str, Any]:
    """Every column, those that no Task shows too."""
    found = tx.db.execute("SELECT * FROM task WHERE id = ?", (task_id,))
    return dict(zip((column[0] for column in found.description), found.fetchone(), strict=True))
