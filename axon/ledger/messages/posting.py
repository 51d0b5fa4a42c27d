"""The SQL of messages, and of what an agent writes under its claim."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from axon.errors import Forbidden, StaleClaim, UsageError
from axon.ledger import additions, backlog, history
from axon.ledger.messages import Message
from axon.ledger.moves import held
from axon.ledger.proof import damaged
from axon.ledger.rows import Row, fetch, find, put
from axon.ledger.tables import MESSAGE, Known
from axon.ledger.transaction import Tx
from axon.tasks import ENDED, Claim, Draft, State, Task
from axon.tasks.text import clean, shortened

MAX_BODY = 16_000  # characters of one message
MAX_UNREAD = 50  # for one task
MAX_FOLLOW_UPS = 50  # that wait to be done: agents must not keep each other busy for ever
FOLLOW_UP = "follow-up"  # the label of tasks that an agent added

# The condition is that of the partial index, so that the poll of a running session is cheap.
UNREAD = "WHERE identifier = ? AND read_at IS NULL ORDER BY id"
NEWEST = "WHERE identifier = ? ORDER BY id DESC LIMIT ?"


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
    number = MESSAGE.next(tx)
    MESSAGE.insert(
        tx,
        id=number,
        identifier=task.identifier,
        at=tx.now,
        sender=clean(sender),
        body=body,
        read_at=None,
        read_attempt=None,
    )
    known = row.known
    put(tx, row, {"messages": known["messages"] + 1, "unread": known["unread"] + 1})
    history.append(
        tx,
        "message",
        actor=sender,
        identifier=task.identifier,
        run=row.run,
        attempt=task.token,
        why=shortened(body.splitlines()[0], 200),
        data={"message": number},
    )
    return _message(MESSAGE.select(tx, "WHERE id = ?", (number,))[0])


def unread(tx: Tx, identifier: str) -> list[Message]:
    row = find(tx, identifier)
    return _found(tx, row, UNREAD, (), row.known["unread"]) if row else []


def messages(tx: Tx, identifier: str, *, limit: int) -> list[Message]:
    row = fetch(tx, identifier)
    expected = min(max(0, limit), row.known["messages"])
    return _found(tx, row, NEWEST, (limit,), expected)[::-1]


def _found(tx: Tx, row: Row, tail: str, values: tuple[Any, ...], expected: int) -> list[Message]:
    name = row.known["identifier"]
    found = MESSAGE.select(tx, tail, (name, *values))
    if len(found) != expected:
        damaged(f"task {name}", f"{len(found)} of {expected} messages to it are found")
    return [_message(known) for known in found]


def acknowledge(tx: Tx, ids: Sequence[int], claim: Claim) -> None:
    """Also after the claim's end, as long as nobody else has the task: its agent did hear them."""
    row = fetch(tx, claim.identifier)
    token = row.known["token"]
    if token != claim.token:
        raise StaleClaim(
            f"claim {claim.token} of {claim.worker} on {claim.identifier} was lost: the task is"
            f" at claim {token}"
        )
    heard = [
        known
        for known in MESSAGE.select(tx, UNREAD, (row.known["identifier"],))
        if known["id"] in set(ids)
    ]
    for known in heard:
        MESSAGE.update(tx, known, read_at=tx.now, read_attempt=token)
    put(tx, row, {"unread": row.known["unread"] - len(heard)})


def remark(tx: Tx, claim: Claim, body: str, *, on: str) -> None:
    held(tx, claim)
    backlog.comment(tx, on or claim.identifier, body, actor=claim.worker)


def follow_up(tx: Tx, claim: Claim, draft: Draft) -> Task:
    held(tx, claim)
    waiting = backlog.tasks(
        tx,
        states=[State.TODO],
        label=FOLLOW_UP,
        limit=MAX_FOLLOW_UPS,
        priority=None,
        text="",
        team="",
        project="",
    )
    if len(waiting) >= MAX_FOLLOW_UPS:
        raise Forbidden(
            f"{len(waiting)} tasks that agents added wait already; say it in a comment instead"
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


def _message(known: Known) -> Message:
    shown = {name: value for name, value in known.items() if name != "read_attempt"}
    return Message(**shown)
