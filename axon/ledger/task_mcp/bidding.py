"""An election's part in the file ledger: which task to bid for, and what comes of it."""

from collections.abc import Sequence

from axon.ledger import claims
from axon.ledger.landing import holds
from axon.ledger.records import Lease
from axon.ledger.remarks import remark, remarks
from axon.ledger.rows import fetch, put
from axon.ledger.task_mcp.copies import COPY, REMOTE, Copy, as_copy, copy_of, is_pending, set_told
from axon.ledger.task_mcp.following import refresh
from axon.ledger.task_mcp.issues import Issue
from axon.ledger.transaction import Tx
from axon.tasks import State, Task


def open_bids(tx: Tx) -> list[Copy]:
    """Whose outcome nobody has noted."""
    return [as_copy(v) for v in tx.db.execute(COPY + " WHERE bidding = 1").fetchall()]


def begin_bid(
    tx: Tx, run: str, nonce: str, among: Sequence[str] | None = None
) -> tuple[str, str] | None:
    """The task that `run` would claim, and the issue to bid for; "" when the server has none."""
    row = claims.candidate(tx, run, among)
    if row is None:
        return None
    identifier = str(row.known["identifier"])
    copy = copy_of(tx, identifier)
    if copy is None:
        return identifier, ""
    if is_pending(tx, identifier):
        return None  # another process is about to tell
    tx.db.execute(
        "UPDATE remote_task SET bid = ?, bidding = 1 WHERE identifier = ?", (nonce, identifier)
    )
    return identifier, copy.remote


def take(
    tx: Tx,
    lease: Lease,
    identifier: str,
    issue: Issue | None,
    *,
    worker: str,
    run: str,
    lease_seconds: float,
) -> Task | None:
    """The claim that was won. None: too late, the task or the right to bid went to others."""
    if not holds(tx, lease) or fetch(tx, identifier).task.state is not State.TODO:
        return None
    if issue is not None:
        refresh(tx, identifier, issue)
        _comments(tx, identifier, issue)
        set_told(tx, identifier, issue.state_name)
        tx.db.execute("UPDATE remote_task SET bidding = 0 WHERE identifier = ?", (identifier,))
    row = fetch(tx, identifier)
    return claims.take(tx, row, worker=worker, run=run, lease_seconds=lease_seconds)


def end_bid(tx: Tx, identifier: str, nonce: str, pause: float) -> None:
    """It was not won: leave the task alone for a while."""
    tx.db.execute(
        "UPDATE remote_task SET bid = '', bidding = 0 WHERE identifier = ? AND bid = ?",
        (identifier, nonce),
    )
    row = fetch(tx, identifier)
    known, until = row.known, tx.boot + pause
    if known["state"] == "todo":
        if known["backoff_boot"] == tx.boot_id:
            until = max(until, known["backoff_until"])
        put(tx, row, {"backoff_boot": tx.boot_id, "backoff_until": until})


def _comments(tx: Tx, identifier: str, issue: Issue) -> None:
    """What people said there, so that whoever works on it reads it; axon's own words are not."""
    known = {one.body for one in remarks(tx, fetch(tx, identifier))}
    for said in issue.comments:
        if not said.body.strip() or "[axon " in said.body or said.body.startswith("axon "):
            continue
        actor = said.author or REMOTE
        if said.body not in known:
            known.add(said.body)
            at = said.at if said.at is not None else tx.now
            remark(tx, identifier, at=at, actor=actor, body=said.body)
