"""Exclusive duties as leases, and what the holder of the landing does to a task."""

from axon.errors import StaleClaim
from axon.ledger import counts, history
from axon.ledger.moves import failed, step
from axon.ledger.proof import damaged
from axon.ledger.records import Lease
from axon.ledger.rows import fetch
from axon.ledger.tables import LEASE, Known
from axon.ledger.transaction import Tx
from axon.tasks import Task
from axon.tasks.text import clean


def taken(tx: Tx, name: str, holder: str) -> bool:
    """Does somebody else hold the duty now?"""
    known = _find(tx, name)
    return known is not None and _elsewhere(tx, known, holder)


def take(tx: Tx, name: str, holder: str, seconds: float) -> Lease | None:
    known, holder_ = _find(tx, name), clean(holder)
    if known and _elsewhere(tx, known, holder):
        return None
    token = known["token"] if known else 0
    if not known or known["holder"] != holder_:  # nobody else had it meanwhile: it stays good
        token += 1
    if known is None:
        tx.counts[counts.LEASES] += 1
        tx.recounted = True
    until = tx.boot + seconds
    LEASE.put(tx, name=name, holder=holder_, token=token, boot=tx.boot_id, until=until)
    return Lease(name=name, holder=holder, token=token)


def drop(tx: Tx, lease: Lease) -> None:
    """The row stays, so that its token never comes again."""
    known = _find(tx, lease.name)
    if known and _holds(known, lease):
        LEASE.update(tx, known, holder="", until=0.0)


def drop_all(tx: Tx, holder: str) -> None:
    """Whoever held them has gone."""
    for known in LEASE.select(tx, "WHERE holder = ?", (clean(holder),)):
        LEASE.update(tx, known, holder="", until=0.0)


def holds(tx: Tx, lease: Lease) -> bool:
    """Is the duty still this holder's, and current?"""
    known = _find(tx, lease.name)
    return known is not None and _holds(known, lease) and known["until"] > tx.boot


def _find(tx: Tx, name: str) -> Known | None:
    """There are few: all are read, so that none can be missed."""
    history.load(tx)
    found = LEASE.select(tx)
    if len(found) != (expected := tx.counts[counts.LEASES]):
        damaged("the duties", f"{len(found)} of {expected} are there")
    return next((known for known in found if known["name"] == name), None)


def _elsewhere(tx: Tx, known: Known, holder: str) -> bool:
    current = known["boot"] == tx.boot_id and known["until"] > tx.boot
    return bool(current and known["holder"] != clean(holder))


def _holds(known: Known, lease: Lease) -> bool:
    return bool(known["holder"] == clean(lease.holder) and known["token"] == lease.token)


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
    ).task


def reject(tx: Tx, lease: Lease, identifier: str, why: str, *, feedback: str) -> Task:
    _check(tx, lease)
    return failed(tx, fetch(tx, identifier), actor=lease.name, why=why, feedback=feedback)


def _check(tx: Tx, lease: Lease) -> None:
    known = _find(tx, lease.name)
    if known is None or not _holds(known, lease):
        raise StaleClaim(f"the duty of {lease.name} was lost to another process; leave it to that")
