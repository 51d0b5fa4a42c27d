"""An election's part in the file ledger: which task to bid for, and what comes of it."""

from axon.ledger import claims
from axon.ledger.records import Lease
from axon.ledger.rows import fetch
from axon.ledger.store import Tx
from axon.ledger.task_mcp.copies import COPY, REMOTE, Copy, as_copy, copy_of, is_pending, set_told
from axon.ledger.task_mcp.following import refresh
from axon.ledger.task_mcp.issues import Issue
from axon.tasks import State, Task


def open_bids(tx: Tx) -> list[Copy]:
    """Whose outcome nobody has noted."""
    return [as_copy(v) for v in tx.db.execute(COPY + " WHERE bidding = 1").fetchall()]


def begin_bid(tx: Tx, run: str, nonce: str) -> tuple[str, str] | None:
    """The task that `run` would claim, and the issue to bid for; "" when the server has none."""
    identifier = claims.candidate(tx, run)
    if not identifier:
        return None
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
    if not _holds(tx, lease) or fetch(tx, identifier).task.state is not State.TODO:
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
    tx.db.execute(
        "UPDATE task SET backoff_until = max(?, CASE WHEN backoff_boot = ? THEN backoff_until"
        " ELSE 0 END), backoff_boot = ? WHERE identifier = ? AND state = 'todo'",
        (tx.boot + pause, tx.boot_id, tx.boot_id, identifier),
    )


def _holds(tx: Tx, lease: Lease) -> bool:
    found = tx.db.execute(
        "SELECT 1 FROM lease WHERE name = ? AND holder = ? AND token = ? AND until > ?",
        (lease.name, lease.holder, lease.token, tx.boot),
    ).fetchone()
    return found is not None


def _comments(tx: Tx, identifier: str, issue: Issue) -> None:
    """What people said there, so that whoever works on it reads it; axon's own words are not."""
    for said in issue.comments:
        if not said.body.strip() or "[axon " in said.body or said.body.startswith("axon "):
            continue
        actor = said.author or REMOTE
        known = tx.db.execute(
            "SELECT 1 FROM comment WHERE identifier = ? AND body = ?", (identifier, said.body)
        ).fetchone()
        if known is None:
            tx.db.execute(
                "INSERT INTO comment (identifier, at, actor, body) VALUES (?, ?, ?, ?)",
                (identifier, said.at if said.at is not None else tx.now, actor, said.body),
            )
