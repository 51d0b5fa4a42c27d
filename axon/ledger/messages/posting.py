"""The SQL of messages, and of what an agent writes under its claim."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from axon.errors import Forbidden, StaleClaim, UsageError
from axon.ledger import additions, backlog, history
from axon.ledger.messages import Message
from axon.ledger.moves import held
from axon.ledger.rows import fetch
from axon.ledger.store import Tx
from axon.tasks import ENDED, Claim, Draft, Task
from axon.tasks.text import clean, shortened

MAX_BODY = 16_000  # characters of one message
MAX_UNREAD = 50  # for one task
MAX_FOLLOW_UPS = 50  # that wait to be done: agents must not keep each other busy for ever
FOLLOW_UP = "follow-up"  # the label of tasks that an agent added

FIELDS = "id, identifier, at, sender, body, read_at"
# The condition is that of the partial index, so that the poll of a running session is cheap.
UNREAD = f"SELECT {FIELDS} FROM message WHERE identifier = ? AND read_at IS NULL ORDER BY id"
OPEN_FOLLOW_UPS = "SELECT count(*) FROM task WHERE state = 'todo' AND instr(labels, ?) > 0"


def send(tx: Tx, identifier: str, body: str, *, sender: str, claim: Claim | None) -> Message:
    if claim is not None:
        held(tx, claim)
    row = fetch(tx, identifier)
    task, body = row.task, clean(body).strip()
    if not body:
        raise UsageError("the message is empty; say something")
    if len(body) > MAX_BODY:
        raise UsageError(f"the message has {len(body):,} characters; the limit is {MAX_BODY:,}")
    if task.state in ENDED:
        raise Forbidden(
            f"{task.identifier} is {task.state.label}: no agent works on it; axon task reopen or"
            " retry starts it again"
        )
    if len(unread(tx, task.identifier)) >= MAX_UNREAD:
        raise Forbidden(f"{task.identifier} has {MAX_UNREAD} unread messages; wait for its agent")
    found = tx.db.execute(
        "INSERT INTO message (identifier, at, sender, body) VALUES (?, ?, ?, ?)",
        (task.identifier, tx.now, clean(sender), body),
    )
    history.append(
        tx,
        "message",
        actor=sender,
        identifier=task.identifier,
        run=row.run,
        attempt=task.token,
        why=shortened(body.splitlines()[0], 200),
        data={"message": found.lastrowid},
    )
    return Message(
        id=int(found.lastrowid or 0),
        identifier=task.identifier,
        at=tx.now,
        sender=clean(sender),
        body=body,
    )


def unread(tx: Tx, identifier: str) -> list[Message]:
    return [_message(values) for values in tx.db.execute(UNREAD, (clean(identifier),)).fetchall()]


def messages(tx: Tx, identifier: str, *, limit: int) -> list[Message]:
    found = tx.db.execute(
        f"SELECT {FIELDS} FROM message WHERE identifier = ? ORDER BY id DESC LIMIT ?",
        (fetch(tx, identifier).task.identifier, limit),
    ).fetchall()
    return [_message(values) for values in reversed(found)]


def acknowledge(tx: Tx, ids: Sequence[int], claim: Claim) -> None:
    """Also after the claim's end, as long as nobody else has the task: its agent did hear them."""
    task = fetch(tx, claim.identifier).task
    if task.token != claim.token:
        raise StaleClaim(
            f"claim {claim.token} of {claim.worker} on {claim.identifier} was lost: the task is"
            f" at claim {task.token}"
        )
    tx.db.executemany(
        "UPDATE message SET read_at = ?, read_attempt = ?"
        " WHERE id = ? AND identifier = ? AND read_at IS NULL",
        [(tx.now, claim.token, number, task.identifier) for number in ids],
    )


def remark(tx: Tx, claim: Claim, body: str, *, on: str) -> None:
    held(tx, claim)
    backlog.comment(tx, on or claim.identifier, body, actor=claim.worker)


def follow_up(tx: Tx, claim: Claim, draft: Draft) -> Task:
    held(tx, claim)
    (waiting,) = tx.db.execute(OPEN_FOLLOW_UPS, (f'"{FOLLOW_UP}"',)).fetchone()
    if waiting >= MAX_FOLLOW_UPS:
        raise Forbidden(
            f"{waiting} tasks that agents added wait already; say it in a comment instead"
        )
    draft = replace(draft, labels=(*draft.labels, FOLLOW_UP))
    return additions.add(tx, [draft], actor=claim.worker)[0]


def report(tx: Tx, claim: Claim, action: str, text: str, data: dict[str, Any]) -> None:
    row = held(tx, claim)
    history.append(
        tx,
        action,
        actor=claim.worker,
        identifier=claim.identifier,
        run=row.run,
        attempt=claim.token,
        why=text,
        data=data,
    )


def _message(values: tuple[Any, ...]) -> Message:
    number, identifier, at, sender, body, read_at = values
    return Message(
        id=number, identifier=identifier, at=at, sender=sender, body=body, read_at=read_at
    )
