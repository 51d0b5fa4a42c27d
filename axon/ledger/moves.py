"""Move one task: the row, what waits for it, its sessions and its event, all together."""

from typing import Any

from axon.errors import StaleClaim
from axon.ledger import history, links
from axon.ledger.columns import STATE
from axon.ledger.links import settled
from axon.ledger.rows import Row, by_id, fetch, put
from axon.ledger.tables import SESSION
from axon.ledger.transaction import Tx
from axon.tasks import Action, Claim, State, Task, target
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
) -> Row:
    """Make the move with its `changes`. `session`: the outcome of a session it cuts short."""
    known = row.known
    before = STATE[known["state"]]
    after = target(known["identifier"], before, action)
    changes |= {"state": after.value, "updated_at": tx.now, "events": known["events"] + 1}
    if before is State.IN_PROGRESS:
        changes |= {"owner": "", "seconds": _worked(tx, row), "lease_boot": "", "lease_until": 0.0}
        if known["sessions"]:
            _end_sessions(tx, known["identifier"], session)
    saved = put(tx, row, changes | hidden if hidden else changes)
    if known["dependents"]:
        _tell_dependents(tx, row, before, after)
    history.append(
        tx,
        action,
        actor=actor,
        identifier=known["identifier"],
        run=saved.known["run"],
        before=before,
        after=after,
        attempt=saved.known["token"],
        why=why,
        data=data,
        counted=True,
    )
    tx.wrote[known["identifier"]] = saved
    return saved


def held(tx: Tx, claim: Claim) -> Row:
    """The task of a claim that still holds."""
    row = fetch(tx, claim.identifier)
    known = row.known
    if known["state"] != "in_progress" or known["token"] != claim.token:
        raise StaleClaim(
            f"claim {claim.token} of {claim.worker} on {claim.identifier} was lost: the task is"
            f" {row.task.state.label} at claim {known['token']}; its work is kept on its branch"
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
    ).task


def _tell_dependents(tx: Tx, row: Row, before: State, after: State) -> None:
    changes = [settled(before, child=child) - settled(after, child=child) for child in (0, 1)]
    if not any(changes):
        return
    for task, child in links.dependents(tx, row):
        if changes[child]:
            other = by_id(tx, task)
            put(tx, other, {"blocked": other.known["blocked"] + changes[child]})


def _worked(tx: Tx, row: Row) -> float:
    """Seconds of all attempts, the one that ends now included if it began in this boot."""
    known = row.known
    same_boot = known["lease_boot"] == tx.boot_id
    worked = max(0.0, tx.boot - known["claimed_boot"]) if same_boot else 0.0
    return float(known["seconds"] + worked)


def _end_sessions(tx: Tx, identifier: str, outcome: str) -> None:
    """Its gateway token must not outlive the claim."""
    for session in SESSION.select(tx, "WHERE identifier = ? AND ended_at IS NULL", (identifier,)):
        SESSION.update(tx, session, ended_at=tx.now, outcome=str(outcome))
