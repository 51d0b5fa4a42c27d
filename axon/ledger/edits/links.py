"""Who waits for whom: dependencies and parents, changed without ever making a circle."""

from collections.abc import Iterable, Sequence

from axon.errors import BadMove, UsageError
from axon.ledger.rows import Row, find
from axon.ledger.store import Tx
from axon.tasks import State, Task
from axon.tasks.text import clean, shortened

FREE = (State.TODO, State.BLOCKED, State.FAILED, State.CANCELED)
BLOCKED = """
    UPDATE task SET blocked = (
        SELECT count(*) FROM dependency JOIN task AS needed ON needed.id = dependency.needs
        WHERE dependency.task = task.id AND needed.state <> 'done'
        AND NOT (dependency.child AND needed.state = 'canceled')
    ) WHERE id = ?
"""


def refuse_at_work(task: Task) -> None:
    if task.state not in FREE:
        raise BadMove(
            f"the dependencies of {task.identifier} cannot be changed: it is {task.state.label};"
            f" {'reopen' if task.state is State.DONE else 'cancel'} it first"
        )


def cut(tx: Tx, row: Row, *, depends: Sequence[str], parent: str) -> None:
    """Take away the links that are not among these."""
    wanted = {name: _id(tx, row, name, "depends on") for name in depends}
    above = _id(tx, row, parent, "is part of") if parent else 0
    needs = set(wanted.values())
    for (other,) in _rows(tx, "SELECT needs FROM dependency WHERE task = ? AND NOT child", row.id):
        if other not in needs:
            tx.db.execute(
                "DELETE FROM dependency WHERE task = ? AND needs = ? AND NOT child", (row.id, other)
            )
    for (other,) in _rows(tx, "SELECT task FROM dependency WHERE needs = ? AND child", row.id):
        if other != above:
            tx.db.execute(
                "DELETE FROM dependency WHERE task = ? AND needs = ? AND child", (other, row.id)
            )
            recount(tx, (other,))
    recount(tx, (row.id,))


def tie(tx: Tx, row: Row, *, depends: Sequence[str], parent: str) -> None:
    """Add those that are missing. UsageError: they would wait for each other in a circle."""
    links = [(row.id, _id(tx, row, name, "depends on"), False) for name in depends]
    if parent:
        links.append((_id(tx, row, parent, "is part of"), row.id, True))
    for task, needs, child in links:
        added = tx.db.execute(
            "INSERT OR IGNORE INTO dependency (task, needs, child) VALUES (?, ?, ?)",
            (task, needs, child),
        ).rowcount
        if added:
            _refuse_circle(tx, task, needs)
            recount(tx, (task,))


def recount(tx: Tx, ids: Iterable[int]) -> None:
    tx.db.executemany(BLOCKED, [(number,) for number in ids])


def dependents(tx: Tx, task_id: int) -> list[int]:
    """Those that wait for it, its parent among them."""
    return [
        number for (number,) in _rows(tx, "SELECT task FROM dependency WHERE needs = ?", task_id)
    ]


def canonical(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clean(name).strip().upper() for name in names if name.strip()))


def _id(tx: Tx, row: Row, name: str, how: str) -> int:
    found = find(tx, name)
    if found is None:
        raise UsageError(
            f"“{shortened(row.task.title, 60)}” {how} {name}, which does not exist; add it first"
        )
    return found.id


def _refuse_circle(tx: Tx, task: int, needs: int) -> None:
    """Breadth first from what is waited for, so that the shortest circle is told."""
    came: dict[int, int] = {needs: 0}
    queue = [needs]
    for node in queue:
        if node == task:
            break
        for (after,) in _rows(tx, "SELECT needs FROM dependency WHERE task = ?", node):
            if after not in came:
                came[after] = node
                queue.append(after)
    else:
        return
    path = [task]
    while came[path[-1]]:
        path.append(came[path[-1]])
    names = [_name(tx, number) for number in [task, *reversed(path)]]
    raise UsageError(
        f"these tasks would wait for each other: {' → '.join(names)}; remove one dependency"
    )


def _name(tx: Tx, number: int) -> str:
    found = tx.db.execute("SELECT identifier FROM task WHERE id = ?", (number,)).fetchone()
    return str(found[0])


def _rows(tx: Tx, sql: str, number: int) -> list[tuple[int]]:
    return tx.db.execute(sql, (number,)).fetchall()
