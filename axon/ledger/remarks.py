"""What is said about tasks: each comment is counted on its task, so that none can vanish."""

from collections.abc import Sequence

from axon.ledger.proof import damaged
from axon.ledger.records import Comment
from axon.ledger.rows import Row, fetch
from axon.ledger.tables import COMMENT
from axon.ledger.transaction import Tx
from axon.tasks.text import clean


def remark(tx: Tx, identifier: str, *, at: float, actor: str, body: str) -> None:
    """Add a comment to a task that is there, without an event of its own."""
    COMMENT.insert(
        tx, id=COMMENT.next(tx), identifier=identifier, at=at, actor=clean(actor), body=clean(body)
    )
    tx.told.setdefault(identifier, [0, 0])[1] += 1


def take_over(tx: Tx, identifier: str, comments: Sequence[tuple[float, str, str]]) -> None:
    """Add comments of a file, those that are not there yet: it may come twice."""
    if not comments:
        return
    row = fetch(tx, identifier)
    known = {(one.at, one.actor, one.body) for one in remarks(tx, row)}
    for at, actor, body in comments:
        said = (float(at), clean(actor), clean(body))
        if said not in known:
            known.add(said)
            remark(tx, row.known["identifier"], at=said[0], actor=said[1], body=said[2])


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
