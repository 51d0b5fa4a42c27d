"""Who waits for whom, as rows: each counted on the task that is needed, so that none can vanish."""

from collections.abc import Iterable

from axon.ledger.columns import STATE
from axon.ledger.proof import damaged
from axon.ledger.rows import Row, by_id, put
from axon.ledger.tables import DEPENDENCY
from axon.ledger.transaction import Tx
from axon.tasks import State

INDEXED = "SELECT count(*) FROM dependency INDEXED BY dependency_task WHERE task = ?"
STORED = "SELECT count(*) FROM dependency NOT INDEXED WHERE task = ?"


def settled(state: State, *, child: bool | int) -> bool:
    """Does a task in `state` no longer hold up what waits for it?"""
    return state is State.DONE or (bool(child) and state is State.CANCELED)


def tie(tx: Tx, task: int, needs: int, child: bool) -> bool:
    """`task` waits for `needs`. False: it did already."""
    if DEPENDENCY.find(tx, needs, task, child):
        return False
    DEPENDENCY.insert(tx, needs=needs, task=task, child=child)
    count(tx, needs, 1)
    return True


def untie(tx: Tx, task: int, needs: int, child: bool) -> None:
    DEPENDENCY.delete(tx, {"needs": needs, "task": task, "child": int(child)})
    count(tx, needs, -1)


def count(tx: Tx, needs: int, more: int) -> None:
    row = by_id(tx, needs)
    put(tx, row, {"dependents": row.known["dependents"] + more})


def dependents(tx: Tx, row: Row) -> list[tuple[int, int]]:
    """Those that wait for it, its parent among them: their numbers, and whether it is a child."""
    found = [
        (known["task"], known["child"])
        for known in DEPENDENCY.select(tx, "WHERE needs = ?", (row.id,))
    ]
    if len(found) != row.known["dependents"]:
        name = row.known["identifier"]
        damaged(
            f"task {name}", f"{len(found)} of its {row.known['dependents']} dependents are there"
        )
    return found


def needs(tx: Tx, task: int) -> list[tuple[int, int]]:
    """What it waits for, open or not: numbers, and whether each is a child."""
    return [
        (known["needs"], known["child"])
        for known in DEPENDENCY.select(tx, "WHERE task = ? ORDER BY needs", (task,))
    ]


def all_needs(tx: Tx, task: int) -> list[tuple[int, int]]:
    """As `needs`, and surely none is missing: neither from the index nor from the rows."""
    found = needs(tx, task)
    for sql in (INDEXED, STORED):
        if (count := tx.db.execute(sql, (task,)).fetchone()[0]) != len(found):
            what = f"of what it waits for, {len(found)} and {count} tasks are found"
            damaged(f"task number {task}", what)
    return found


def open_needs(tx: Tx, task: int) -> list[tuple[Row, bool]]:
    """What still holds it up, and whether each is a child."""
    found = [(by_id(tx, number), bool(child)) for number, child in needs(tx, task)]
    return [
        (row, child) for row, child in found if not settled(STATE[row.known["state"]], child=child)
    ]


def recount(tx: Tx, tasks: Iterable[int]) -> None:
    """Count anew what holds those tasks up."""
    for number in tasks:
        put(tx, by_id(tx, number), {"blocked": len(open_needs(tx, number))})
