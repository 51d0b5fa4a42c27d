"""Exclusive duties as leases, and what the holder of the landing does to a task."""

from axon.errors import StaleClaim
from axon.ledger.moves import failed, step
from axon.ledger.records import Lease
from axon.ledger.rows import fetch
from axon.ledger.store import Tx
from axon.tasks import Task
from axon.tasks.text import clean


def taken(tx: Tx, name: str, holder: str) -> bool:
    """Does somebody else hold the duty now?"""
    return (
        tx.db.execute(
            "SELECT 1 FROM lease WHERE name = ? AND holder <> ? AND boot = ? AND until > ?",
            (name, clean(holder), tx.boot_id, tx.boot),
        ).fetchone()
        is not None
    )


def take(tx: Tx, name: str, holder: str, seconds: float) -> Lease | None:
    if taken(tx, name, holder):
        return None
    found = tx.db.execute("SELECT holder, token FROM lease WHERE name = ?", (name,)).fetchone()
    last_holder, token = found or ("", 0)
    if last_holder != clean(holder):  # nobody else had it meanwhile: the token stays good
        token += 1
    tx.db.execute(
        "INSERT OR REPLACE INTO lease (name, holder, token, boot, until) VALUES (?, ?, ?, ?, ?)",
        (name, clean(holder), token, tx.boot_id, tx.boot + seconds),
    )
    return Lease(name=name, holder=holder, token=token)


def drop(tx: Tx, lease: Lease) -> None:
    """The row stays, so that its token never comes again."""
    tx.db.execute(
        "UPDATE lease SET holder = '', until = 0 WHERE name = ? AND holder = ? AND token = ?",
        (lease.name, clean(lease.holder), lease.token),
    )


def landed(
    tx: Tx, lease: Lease, identifier: str, *, commit: str, target: str, verified: bool
) -> Task:
    _check(tx, lease)
    return step(
        tx,
        fetch(tx, identifier),
        "land",
        actor=lease.name,
        data={"commit": commit, "target": target, "verified": verified},
        landed_commit=commit,
        target=target,
        verified=verified,
        error="",
        feedback="",
    )


def reject(tx: Tx, lease: Lease, identifier: str, why: str, *, feedback: str) -> Task:
    _check(tx, lease)
    return failed(tx, fetch(tx, identifier), actor=lease.name, why=why, feedback=feedback)


def _check(tx: Tx, lease: Lease) -> None:
    found = tx.db.execute(
        "SELECT 1 FROM lease WHERE name = ? AND holder = ? AND token = ?",
        (lease.name, clean(lease.holder), lease.token),
    ).fetchone()
    if found is None:
        raise StaleClaim(f"the duty of {lease.name} was lost to another process; leave it to that")
