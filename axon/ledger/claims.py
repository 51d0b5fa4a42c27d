"""Claims: who works what, for how long, and how it ends."""

from collections.abc import Sequence
from typing import Any

from axon.errors import EngineFault
from axon.ledger import counts, history, pauses, ready, runs
from axon.ledger.columns import RUNNING
from axon.ledger.moves import MAX_ERROR, MAX_TEXT, failed, held, step
from axon.ledger.rows import Row, find, put
from axon.ledger.tables import Known
from axon.ledger.transaction import Tx
from axon.tasks import Claim, Task
from axon.tasks.paths import overlap
from axon.tasks.text import clean, shortened

NOTES = frozenset({"branch", "commit", "engine_session", "feedback", "result", "target"})

# A claim without a lease was made by hand, and ends only by hand.
EXPIRED = f"""
    SELECT 1 FROM task INDEXED BY task_queue
    WHERE queue = {RUNNING} AND lease_boot <> '' AND (lease_boot <> ? OR lease_until <= ?)
"""


def claim(
    tx: Tx, *, worker: str, run: str, lease_seconds: float, among: Sequence[str] | None = None
) -> Task | None:
    known = runs.find(tx, run) if run else None
    row = _candidate(tx, known, among)
    if row is None:
        return None
    return _take(tx, row, known, worker=worker, run=run, lease_seconds=lease_seconds)


def candidate(tx: Tx, run: str, among: Sequence[str] | None = None) -> Row | None:
    """What `run` would claim now."""
    return _candidate(tx, runs.find(tx, run) if run else None, among)


def _candidate(tx: Tx, run: Known | None, among: Sequence[str] | None) -> Row | None:
    history.load(tx)
    if not _open(run) or (tx.counts[counts.PAUSES] and pauses.holding(tx)):
        return None
    ready.wake(tx)
    own = ready.taken(tx, run) if run and _taken_all(run) else None
    if among is not None:
        named = [row for name in among if (row := find(tx, name)) is not None]
        ids = None if own is None else {row.id for row in own}
        return ready.first(tx, [row for row in named if ids is None or row.id in ids])
    return ready.pick(tx) if own is None else ready.first(tx, own)


def take(tx: Tx, row: Row, *, worker: str, run: str, lease_seconds: float, why: str = "") -> Task:
    known = runs.find(tx, run) if run else None
    return _take(tx, row, known, worker=worker, run=run, lease_seconds=lease_seconds, why=why)


def _take(
    tx: Tx,
    row: Row,
    known: Known | None,
    *,
    worker: str,
    run: str,
    lease_seconds: float,
    why: str = "",
) -> Task:
    if known and known["max_tasks"] is not None:
        runs.take(tx, known, row.id)
    return step(
        tx,
        row,
        "claim",
        actor=worker,
        why=why,
        run=clean(run),
        lease_boot=tx.boot_id,
        lease_until=tx.boot + lease_seconds,
        claimed_boot=tx.boot,
        backoff_boot="",
        backoff_until=0.0,
        token=row.known["token"] + 1,
        attempts=row.known["attempts"] + 1,
        owner=worker,
    ).task


def _open(run: Known | None) -> bool:
    """May this run take anything more? One the ledger does not know may."""
    if run is None:
        return True
    return not run["halt"] and not run["stop_requested"] and run["ended_at"] is None


def _taken_all(run: Known | None) -> bool:
    """Has this run taken as many different tasks as it may?"""
    return bool(run and run["max_tasks"] is not None and run["max_tasks"] <= run["taken"])


def collides(tx: Tx, paths: Sequence[str]) -> bool:
    """Could a running task change the same files?"""
    return any(overlap(paths, others) for others in ready.running_paths(tx))


def ready_in(tx: Tx, run: str) -> float | None:
    known = runs.find(tx, run) if run else None
    if not _open(known):
        return None
    return ready.soonest(tx, ready.taken(tx, known) if known and _taken_all(known) else None)


def renew(tx: Tx, claim: Claim, lease_seconds: float) -> None:
    put(
        tx,
        held(tx, claim),
        {"lease_boot": tx.boot_id, "lease_until": tx.boot + lease_seconds},
    )


def note(tx: Tx, claim: Claim, facts: dict[str, Any]) -> None:
    if unknown := facts.keys() - NOTES:
        raise TypeError(f"no such facts about a task: {', '.join(sorted(unknown))}")
    row = held(tx, claim)
    kept: dict[str, Any] = {
        name: shortened(clean(value), MAX_TEXT) for name, value in facts.items()
    }
    put(tx, row, {**kept, "updated_at": tx.now})


def submit(tx: Tx, claim: Claim, *, commit: str, verified: bool, why: str) -> Task:
    return _submit(tx, claim, commit=commit, verified=verified, why=why).task


def _submit(tx: Tx, claim: Claim, *, commit: str, verified: bool, why: str = "") -> Row:
    return step(
        tx,
        held(tx, claim),
        "submit",
        actor=claim.worker,
        why=why,
        data={"commit": commit, "verified": verified},
        commit=commit,
        verified=verified,
        error="",
        feedback="",
    )


def submit_and_claim(
    tx: Tx, ended: Claim, *, commit: str, verified: bool, lease_seconds: float
) -> Task | None:
    _submit(tx, ended, commit=commit, verified=verified)
    return claim(tx, worker=ended.worker, run=ended.run, lease_seconds=lease_seconds)


def fail(
    tx: Tx, claim: Claim, why: str, *, feedback: str, data: dict[str, Any] | None, final: bool
) -> Task:
    row = held(tx, claim)
    return failed(tx, row, actor=claim.worker, why=why, feedback=feedback, data=data, final=final)


def release(tx: Tx, claim: Claim, why: str, *, worked: bool, lost: bool) -> Task:
    return _release(tx, held(tx, claim), why, actor=claim.worker, worked=worked, lost=lost)


def _release(tx: Tx, row: Row, why: str, *, actor: str, worked: bool, lost: bool) -> Task:
    known = row.known
    losses = known["losses"] + lost
    given_up = lost and losses >= tx.limits.max_losses
    return step(
        tx,
        row,
        "give_up" if given_up else "release",
        actor=actor,
        why=why,
        session=EngineFault.CRASHED if lost else "",
        losses=losses,
        attempts=known["attempts"] if worked else max(0, known["attempts"] - 1),
        error=shortened(clean(why), MAX_ERROR) if lost else row.apart.get("error", ""),
    ).task


def any_expired(tx: Tx) -> bool:
    return tx.db.execute(EXPIRED, (tx.boot_id, tx.boot)).fetchone() is not None


def expire(tx: Tx) -> list[Task]:
    """A reboot is not the task's fault; a lease that ran out may be, and counts as a loss."""
    ended = []
    for row in ready.running(tx):
        known = row.known
        rebooted = known["lease_boot"] != tx.boot_id
        if known["lease_boot"] and (rebooted or known["lease_until"] <= tx.boot):
            why = "the machine was restarted" if rebooted else f"{known['owner']} fell silent"
            ended.append(_release(tx, row, why, actor="ledger", worked=True, lost=not rebooted))
    return ended


def claims(tx: Tx, run: str) -> list[Claim]:
    return [
        Claim(
            identifier=row.known["identifier"],
            token=row.known["token"],
            worker=row.known["owner"],
            run=run,
        )
        for row in ready.running(tx)
        if row.known["run"] == clean(run)
    ]
