"""Moves that people and other programs make: along the same table, with no worker behind them."""

from axon.errors import BadMove
from axon.ledger import backlog, claims, pauses
from axon.ledger.moves import step
from axon.ledger.rows import Row, fetch
from axon.ledger.transaction import Tx
from axon.tasks import MOVES, Action, State, Task
from axon.tasks.moments import told


def action_for(before: State, after: State) -> Action | None:
    """The move that leads from one state to the other; where two do, the one that blames nobody."""
    return next((a for (state, a), to in MOVES.items() if (state, to) == (before, after)), None)


def move(tx: Tx, identifier: str, target: State, *, why: str, actor: str) -> Task:
    row = fetch(tx, identifier)
    action = action_for(row.task.state, target)
    if action is None:
        ways = ", ".join(to.label for (state, _), to in MOVES.items() if state is row.task.state)
        raise BadMove(
            f"{row.task.identifier} cannot go from {row.task.state.label} to {target.label};"
            f" from there it can go to {ways}"
        )
    if action in ("retry", "cancel", "reopen"):
        return backlog.change(tx, identifier, action, why=why, actor=actor)
    if action == "claim":
        return _claim(tx, row, why=why, actor=actor)
    return step(tx, row, action, actor=actor, why=why).task


def _claim(tx: Tx, row: Row, *, why: str, actor: str) -> Task:
    """Taken without a lease: nobody renews it, so it holds until somebody moves the task on."""
    if reason := _not_ready(tx, row.task):
        raise BadMove(f"{row.task.identifier} cannot be started: {reason}")
    return step(
        tx,
        row,
        "claim",
        actor=actor,
        why=why,
        hidden={"run": "", "backoff_boot": "", "backoff_until": 0.0},
        token=row.task.token + 1,
        attempts=row.task.attempts + 1,
        owner=actor,
    ).task


def _not_ready(tx: Tx, task: Task) -> str:
    """Why nobody may start this task now; empty when somebody may."""
    if pause := pauses.holding(tx):
        return f"work is paused ({pause[0]}); axon resume ends that"
    if task.blocked:
        found = backlog.waiting(tx, identifier=task.identifier, limit=3)
        return "it " + "; it ".join(one.reason for one in found)
    if task.not_before is not None and task.not_before > tx.now:
        return f"it is not to be started before {told(task.not_before)}"
    if claims.collides(tx, task.paths):
        return "a running task may change the same files"
    return ""
