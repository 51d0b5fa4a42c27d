"""Take tasks out of the ledger, and put them back as they were."""

from collections.abc import Collection, Sequence

from axon.errors import BadMove, Forbidden
from axon.ledger import history, links
from axon.ledger.edits import journal
from axon.ledger.edits.fields import relink, rows_of
from axon.ledger.remains import remains
from axon.ledger.rows import Row, bring, by_id, drop, fetch
from axon.ledger.transaction import Tx
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
        journal.put(tx, change, row.id, row.task.identifier, {**row.known, "set apart": row.apart})
    remove(tx, rows, why=why, actor=actor)
    journal.seal(tx, change, last=max(row.id for row in rows))
    return [row.task for row in rows]


def remove(tx: Tx, rows: Sequence[Row], *, why: str, actor: str) -> None:
    """Comments, sessions and events stay: they are the history of the identifier."""
    going = {row.id for row in rows}
    for row in rows:
        _refuse_needed(tx, row, going)
    left = {other for row in rows for other, _ in links.dependents(tx, row)} - going
    for row in rows:
        for other, child in links.needs(tx, row.id):
            links.untie(tx, row.id, other, bool(child))
        for other, child in links.dependents(tx, by_id(tx, row.id)):
            links.untie(tx, other, row.id, bool(child))
    for row in rows:
        drop(tx, by_id(tx, row.id))
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
        _bring(tx, one)
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
    above = [(other, False) for other, child in links.dependents(tx, row) if not child]
    parts = [(other, True) for other, child in links.needs(tx, row.id) if child]
    for other, child in above + parts:
        identifier = by_id(tx, other).known["identifier"]
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


def _bring(tx: Tx, one: journal.Kept) -> None:
    """What belongs to it has stayed; what tied it to others is tied anew."""
    known = dict(one.before)
    apart = known.pop("set apart")
    known |= {"blocked": 0, "dependents": 0} | remains(tx, one.identifier)
    bring(tx, known, apart)
