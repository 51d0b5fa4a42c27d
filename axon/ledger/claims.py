"""Claims: who works what, for how long, and how it ends."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from axon.errors import EngineFault
from axon.ledger import pauses
from axon.ledger.moves import MAX_ERROR, MAX_TEXT, failed, held, step
from axon.ledger.rows import Row, fetch, save
from axon.ledger.store import Tx
from axon.tasks import Claim, Task
from axon.tasks.paths import overlap
from axon.tasks.text import clean, shortened

NOTES = frozenset({"branch", "commit", "engine_session", "feedback", "result", "target"})

# A claim without a lease was made by hand, and ends only by hand.
# The states stand in the text because a partial index serves no other query.
DUE = """
    UPDATE task INDEXED BY task_delayed SET delayed = 0
    WHERE state = 'todo' AND delayed = 1 AND not_before <= ?
"""
READY = """
    SELECT identifier, paths FROM task INDEXED BY task_ready
    WHERE state = 'todo' AND blocked = 0 AND delayed = 0
    AND (backoff_boot <> ? OR backoff_until <= ?)
    ORDER BY priority, id
"""
READY_OF_RUN = """
    SELECT identifier, paths FROM run_task CROSS JOIN task ON task.id = run_task.task
    WHERE run_task.run = ? AND state = 'todo' AND blocked = 0 AND delayed = 0
    AND (backoff_boot <> ? OR backoff_until <= ?)
    ORDER BY priority, id
"""
RUNNING_PATHS = """
    SELECT paths FROM task INDEXED BY task_leased
    WHERE state = 'in_progress' AND paths <> '[]'
"""
EXPIRED = """
    SELECT identifier FROM task INDEXED BY task_leased
    WHERE state = 'in_progress' AND lease_boot <> '' AND (lease_boot <> ? OR lease_until <= ?)
"""
WAIT = """
    max(0.0, CASE WHEN backoff_boot = ? THEN backoff_until - ? ELSE 0.0 END,
        CASE WHEN delayed = 1 THEN not_before - ? ELSE 0.0 END)
"""
SOONEST = f"""
    SELECT min({WAIT}) FROM task INDEXED BY task_ready
    WHERE state = 'todo' AND blocked = 0 AND delayed = 0
"""
SOONEST_DELAYED = f"""
    SELECT {WAIT} FROM task INDEXED BY task_delayed
    WHERE state = 'todo' AND delayed = 1 AND blocked = 0 ORDER BY not_before LIMIT 1
"""
SOONEST_OF_RUN = f"""
    SELECT min({WAIT}) FROM run_task CROSS JOIN task ON task.id = run_task.task
    WHERE run_task.run = ? AND state = 'todo' AND blocked = 0
"""


def claim(tx: Tx, *, worker: str, run: str, lease_seconds: float) -> Task | None:
    identifier = candidate(tx, run)
    if not identifier:
        return None
    return take(tx, fetch(tx, identifier), worker=worker, run=run, lease_seconds=lease_seconds)


def candidate(tx: Tx, run: str) -> str:
    """What `run` would claim now; empty when there is nothing."""
    if pauses.holding(tx) or not _open(tx, run):
        return ""
    tx.db.execute(DUE, (tx.now,))
    return _pick(tx, run)


def take(tx: Tx, row: Row, *, worker: str, run: str, lease_seconds: float, why: str = "") -> Task:
    if run:
        tx.db.execute("INSERT OR IGNORE INTO run_task (run, task) VALUES (?, ?)", (run, row.id))
    return step(
        tx,
        row,
        "claim",
        actor=worker,
        why=why,
        hidden={
            "run": clean(run),
            "lease_boot": tx.boot_id,
            "lease_until": tx.boot + lease_seconds,
            "claimed_boot": tx.boot,
            "backoff_boot": "",
            "backoff_until": 0.0,
        },
        token=row.task.token + 1,
        attempts=row.task.attempts + 1,
        owner=worker,
    )


def _open(tx: Tx, run: str) -> bool:
    """May this run take anything more? One the ledger does not know may."""
    found = tx.db.execute(
        "SELECT halt = '' AND NOT stop_requested AND ended_at IS NULL FROM run WHERE id = ?", (run,)
    ).fetchone()
    return found is None or bool(found[0])


def _pick(tx: Tx, run: str) -> str:
    """The most urgent, then oldest task that is ready and collides with no running one."""
    busy = [_globs(paths) for (paths,) in tx.db.execute(RUNNING_PATHS).fetchall()]
    verdicts = {"[]": False}
    with closing(_ready(tx, run)) as cursor:
        for identifier, paths in cursor:
            if paths not in verdicts:
                own = _globs(paths)
                verdicts[paths] = any(overlap(own, others) for others in busy)
            if not verdicts[paths]:
                return str(identifier)
    return ""


def collides(tx: Tx, paths: Sequence[str]) -> bool:
    """Could a running task change the same files?"""
    busy = tx.db.execute(RUNNING_PATHS).fetchall()
    return any(overlap(paths, _globs(others)) for (others,) in busy)


def _ready(tx: Tx, run: str) -> sqlite3.Cursor:
    if _taken_all(tx, run):
        return tx.db.execute(READY_OF_RUN, (run, tx.boot_id, tx.boot))
    return tx.db.execute(READY, (tx.boot_id, tx.boot))


def _taken_all(tx: Tx, run: str) -> bool:
    """Has this run taken as many different tasks as it may?"""
    found = tx.db.execute(
        "SELECT max_tasks <= (SELECT count(*) FROM run_task WHERE run_task.run = run.id) FROM run"
        " WHERE id = ?",
        (run,),
    ).fetchone()
    return bool(found and found[0])


def _globs(paths: str) -> list[str]:
    return list(json.loads(paths))


def ready_in(tx: Tx, run: str) -> float | None:
    if not _open(tx, run):
        return None
    with closing(_ready(tx, run)) as cursor:
        if cursor.fetchone():
            return 0.0
    now = (tx.boot_id, tx.boot, tx.now)
    if _taken_all(tx, run):
        found = tx.db.execute(SOONEST_OF_RUN, (*now, run)).fetchall()
    else:
        found = [
            row for sql in (SOONEST, SOONEST_DELAYED) for row in tx.db.execute(sql, now).fetchall()
        ]
    return min((wait for (wait,) in found if wait is not None), default=None)


def renew(tx: Tx, claim: Claim, lease_seconds: float) -> None:
    held(tx, claim)
    tx.db.execute(
        "UPDATE task SET lease_boot = ?, lease_until = ? WHERE identifier = ?",
        (tx.boot_id, tx.boot + lease_seconds, claim.identifier),
    )


def note(tx: Tx, claim: Claim, facts: dict[str, Any]) -> None:
    if unknown := facts.keys() - NOTES:
        raise TypeError(f"no such facts about a task: {', '.join(sorted(unknown))}")
    before = held(tx, claim).task
    kept: dict[str, Any] = {
        name: shortened(clean(value), MAX_TEXT) for name, value in facts.items()
    }
    save(tx, before, replace(before, updated_at=tx.now, **kept), {})


def submit(tx: Tx, claim: Claim, *, commit: str, verified: bool, why: str) -> Task:
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
    tx: Tx, claim_: Claim, *, commit: str, verified: bool, lease_seconds: float
) -> tuple[Task, Task | None]:
    submitted = submit(tx, claim_, commit=commit, verified=verified, why="")
    return submitted, claim(tx, worker=claim_.worker, run=claim_.run, lease_seconds=lease_seconds)


def fail(
    tx: Tx, claim: Claim, why: str, *, feedback: str, data: dict[str, Any] | None, final: bool
) -> Task:
    row = held(tx, claim)
    return failed(tx, row, actor=claim.worker, why=why, feedback=feedback, data=data, final=final)


def release(tx: Tx, claim: Claim, why: str, *, worked: bool, lost: bool) -> Task:
    return _release(tx, held(tx, claim), why, actor=claim.worker, worked=worked, lost=lost)


def _release(tx: Tx, row: Row, why: str, *, actor: str, worked: bool, lost: bool) -> Task:
    task = row.task
    losses = task.losses + lost
    given_up = lost and losses >= tx.limits.max_losses
    return step(
        tx,
        row,
        "give_up" if given_up else "release",
        actor=actor,
        why=why,
        session=EngineFault.CRASHED if lost else "",
        losses=losses,
        attempts=task.attempts if worked else max(0, task.attempts - 1),
        error=shortened(clean(why), MAX_ERROR) if lost else task.error,
    )


def any_expired(tx: Tx) -> bool:
    return tx.db.execute(EXPIRED, (tx.boot_id, tx.boot)).fetchone() is not None


def expire(tx: Tx) -> list[Task]:
    """A reboot is not the task's fault; a lease that ran out may be, and counts as a loss."""
    ended = []
    for (identifier,) in tx.db.execute(EXPIRED, (tx.boot_id, tx.boot)).fetchall():
        row = fetch(tx, identifier)
        rebooted = row.lease_boot != tx.boot_id
        why = "the machine was restarted" if rebooted else f"{row.task.owner} fell silent"
        ended.append(_release(tx, row, why, actor="ledger", worked=True, lost=not rebooted))
    return ended


def claims(tx: Tx, run: str) -> list[Claim]:
    found = tx.db.execute(
        "SELECT identifier, token, owner FROM task INDEXED BY task_leased"
        " WHERE state = 'in_progress' AND run = ? ORDER BY id",
        (clean(run),),
    ).fetchall()
    return [
        Claim(identifier=identifier, token=token, worker=owner, run=run)
        for identifier, token, owner in found
    ]
