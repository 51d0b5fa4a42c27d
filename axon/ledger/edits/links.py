"""Who waits for whom: dependencies and parents, changed without ever making a circle."""

from collections.abc import Iterable, Sequence

from axon.errors import BadMove, UsageError
from axon.ledger import links
from axon.ledger.rows import Row, by_id, find
from axon.ledger.transaction import Tx
from axon.tasks import State, Task
from axon.tasks.text import clean, shortened

FREE = (State.TODO, State.BLOCKED, State.FAILED, State.CANCELED)


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
    wanted_ids = set(wanted.values())
    for other, child in links.needs(tx, row.id):
        if not child and other not in wanted_ids:
            links.untie(tx, row.id, other, False)
    for other, child in links.dependents(tx, by_id(tx, row.id)):
        if child and other != above:
            links.untie(tx, other, row.id, True)
            links.recount(tx, (other,))
    links.recount(tx, (row.id,))


def tie(tx: Tx, row: Row, *, depends: Sequence[str], parent: str) -> None:
    """Add those that are missing. UsageError: they would wait for each other in a circle."""
    wanted = [(row.id, _id(tx, row, name, "depends on"), False) for name in depends]
    if parent:
        wanted.append((_id(tx, row, parent, "is part of"), row.id, True))
    for task, needs, child in wanted:
        if links.tie(tx, task, needs, child):
            _refuse_circle(tx, task, needs)
            links.recount(tx, (task,))


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
        for after, _ in links.needs(tx, node):
            if after not in came:
                came[after] = node
                queue.append(after)
    else:
        return
    path = [task]
    while came[path[-1]]:
        path.append(came[path[-1]])
    names = [by_id(tx, number).known["identifier"] for number in [task, *reversed(path)]]
    raise UsageError(
        f"these tasks would wait for each other: {' → '.join(names)}; remove one dependency"
    )
