"""What is said about tasks: each comment is counted on its task, so that none can vanish."""

from axon.ledger.proof import damaged
from axon.ledger.records import Comment
from axon.ledger.rows import Row
from axon.ledger.tables import COMMENT
from axon.ledger.transaction import Tx
from axon.tasks.text import clean


def remark(tx: Tx, identifier: str, *, at: float, actor: str, body: str) -> None:
    """Add a comment to a task that is there, without an event of its own."""
    COMMENT.insert(
        tx, id=COMMENT.next(tx), identifier=identifier, at=at, actor=clean(actor), body=clean(body)
    )
    tx.told.setdefault(identifier, [0, 0])[1] += 1


def remarks(tx: Tx, row: Row) -> list[Comment]:
    """Oldest first."""
    identifier = row.known["identifier"]
    found = [
        Comment(at=known["at"], actor=known["actor"], body=known["body"])
        for known in COMMENT.select(tx, "WHERE identifier = ? ORDER BY id", (identifier,))
    ]
    expected = row.known["comments"] + tx.told.get(identifier, (0, 0))[1]
    if len(found) != expected:
        damaged(f"task {identifier}", f"{len(found)} of its {expected} comments are there")
    return found
