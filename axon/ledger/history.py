"""The append-only history: who did what when, at which attempt, and why."""

import json
from typing import Any

from axon.ledger.records import Event
from axon.ledger.store import Tx
from axon.tasks import State
from axon.tasks.text import clean, shortened

MAX_WHY = 4000

# The partial indexes are used only where their condition stands in the query.
OF_TASK = "identifier = ? AND identifier <> ''"
OF_RUN = "run = ? AND run <> ''"


def append(
    tx: Tx,
    action: str,
    *,
    actor: str,
    identifier: str = "",
    run: str = "",
    before: State | None = None,
    after: State | None = None,
    attempt: int = 0,
    why: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    tx.db.execute(
        "INSERT INTO event (at, identifier, run, actor, action, before, after, attempt, why, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tx.now,
            clean(identifier),
            clean(run),
            clean(actor),
            clean(action),
            before and before.value,
            after and after.value,
            attempt,
            shortened(clean(why), MAX_WHY),
            json.dumps(data) if data else "{}",
        ),
    )


def events(tx: Tx, *, after: int, identifier: str, run: str, limit: int) -> list[Event]:
    tests: list[str] = ["seq > ?"]
    values: list[int | str] = [after]
    if identifier:
        tests.append(OF_TASK)
        values.append(clean(identifier))
    if run:
        tests.append(OF_RUN)
        values.append(clean(run))
    found = tx.db.execute(select(*tests), (*values, limit)).fetchall()
    return [_event(*values) for values in found]


def select(*tests: str) -> str:
    return (
        "SELECT seq, at, identifier, run, actor, action, before, after, attempt, why, data"
        f" FROM event WHERE {' AND '.join(tests)} ORDER BY seq LIMIT ?"
    )


def _event(
    seq: int,
    at: float,
    identifier: str,
    run: str,
    actor: str,
    action: str,
    before: str | None,
    after: str | None,
    attempt: int,
    why: str,
    data: str,
) -> Event:
    return Event(
        seq=seq,
        at=at,
        identifier=identifier,
        run=run,
        actor=actor,
        action=action,
        before=State(before) if before else None,
        after=State(after) if after else None,
        attempt=attempt,
        why=why,
        data=json.loads(data),
    )


def last_seq(tx: Tx) -> int:
    return int(tx.db.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])
