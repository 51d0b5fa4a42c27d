"""Move one task: the row, what waits for it, its sessions and its event, all together."""

from typing import Any

from axon.errors import StaleClaim
from axon.ledger import history
from axon.ledger.rows import Row, fetch, save
from axon.ledger.store import Tx
from axon.tasks import Action, Claim, State, Task, move
from axon.tasks.text import clean, shortened

MAX_BACKOFF_SECONDS = 300.0
MAX_ERROR = 4000
MAX_TEXT = 1024 * 1024  # feedback and result


def step(
    tx: Tx,
    row: Row,
    action: Action,
    *,
    actor: str,
    why: str = "",
    data: dict[str, Any] | None = None,
    session: str = "",
    hidden: dict[str, Any] | None = None,
    **changes: Any,
) -> Task:
    """Make the move with its `changes`. `session`: the outcome of a session it cuts short."""
    before, hidden = row.task, dict(hidden or {})
    if before.state is State.IN_PROGRESS:
        changes |= {"owner": "", "seconds": _worked(tx, row)}
        hidden |= {"lease_boot": "", "lease_until": 0.0}
    after = move(before, action, updated_at=tx.now, **changes)
    if before.state is State.IN_PROGRESS:
        _end_sessions(tx, before.identifier, session)
    save(tx, before, after, hidden)
    _tell_dependents(tx, row.id, before.state, after.state)
    history.append(
        tx,
        action,
        actor=actor,
        identifier=before.identifier,
        run=hidden.get("run", row.run),
        before=before.state,
        after=after.state,
        attempt=after.token,
        why=why,
        data=data,
    )
    return after


def held(tx: Tx, claim: Claim) -> Row:
    """The task of a claim that still holds."""
    row = fetch(tx, claim.identifier)
    if row.task.state is not State.IN_PROGRESS or row.task.token != claim.token:
        raise StaleClaim(
            f"claim {claim.token} of {claim.worker} on {claim.identifier} was lost: the task is"
            f" {row.task.state.label} at claim {row.task.token}; its work is kept on its branch"
        )
    return row


def failed(
    tx: Tx,
    row: Row,
    *,
    actor: str,
    why: str,
    feedback: str,
    data: dict[str, Any] | None = None,
    final: bool = False,
) -> Task:
    """A failure that counts: tried again after a growing pause, or given up at the cap."""
    task = row.task
    failures = task.failures + 1
    last = final or failures >= (task.max_attempts or tx.limits.max_attempts)
    pause = tx.limits.backoff_seconds * 2.0 ** min(failures - 1, 30)
    return step(
        tx,
        row,
        "give_up" if last else "fail",
        actor=actor,
        why=why,
        data=data,
        hidden={
            "backoff_boot": "" if last else tx.boot_id,
            "backoff_until": 0.0 if last else tx.boot + min(pause, MAX_BACKOFF_SECONDS),
        },
        failures=failures,
        error=shortened(clean(why), MAX_ERROR),
        feedback=shortened(clean(feedback), MAX_TEXT) or task.feedback,
    )


def settled(state: State, *, child: bool) -> bool:
    """Does a task in `state` no longer hold up what waits for it?"""
    return state is State.DONE or (child and state is State.CANCELED)


def _tell_dependents(tx: Tx, task_id: int, before: State, after: State) -> None:
    for child in (False, True):
        change = settled(before, child=child) - settled(after, child=child)
        if change:
            tx.db.execute(
                "UPDATE task SET blocked = blocked + ? WHERE id IN"
                " (SELECT task FROM dependency WHERE needs = ? AND child = ?)",
                (change, task_id, child),
            )


def _worked(tx: Tx, row: Row) -> float:
    """Seconds of all attempts, the one that ends now included if it began in this boot."""
    same_boot = row.lease_boot == tx.boot_id
    return row.task.seconds + (max(0.0, tx.boot - row.claimed_boot) if same_boot else 0.0)


def _end_sessions(tx: Tx, identifier: str, outcome: str) -> None:
    """Its gateway token must not outlive the claim."""
    tx.db.execute(
        "UPDATE session SET ended_at = ?, outcome = ? WHERE identifier = ? AND ended_at IS NULL",
        (tx.now, outcome, identifier),
    )
