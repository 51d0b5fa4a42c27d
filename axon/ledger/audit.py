"""Prove a ledger sound: the file, every task's state from its events, every count from its rows."""

import sqlite3
from collections.abc import Iterator

from axon.ledger.records import Finding
from axon.ledger.store import Tx
from axon.tasks import MOVES, State

MOST = 100  # findings are for people: what follows the first hundred is the same damage

COUNTED = """
    SELECT task.identifier, task.blocked, count(needed.id) FROM task
    LEFT JOIN dependency ON dependency.task = task.id
    LEFT JOIN task AS needed ON needed.id = dependency.needs
        AND needed.state <> 'done' AND NOT (dependency.child AND needed.state = 'canceled')
    GROUP BY task.id HAVING task.blocked <> count(needed.id)
"""

PLAYED = """
    SELECT seq, identifier, action, before, after FROM event
    WHERE after IS NOT NULL OR action = 'delete' ORDER BY seq
"""


def audit(tx: Tx) -> list[Finding]:
    return findings(tx.db)


def findings(db: sqlite3.Connection) -> list[Finding]:
    """Everything that is not as it must be, at most `MOST` findings."""
    found: list[Finding] = []
    try:
        for finding in _all(db):
            found.append(finding)
            if len(found) >= MOST:
                break
    except sqlite3.DatabaseError as error:
        found.append(Finding(where="file", what=str(error)))
    return found


def _all(db: sqlite3.Connection) -> Iterator[Finding]:
    for (said,) in db.execute(f"PRAGMA integrity_check({MOST})"):
        if said != "ok":
            yield Finding(where="file", what=said)
    yield from _states(db)
    for identifier, blocked, found in db.execute(COUNTED):
        what = f"counts {blocked} open dependencies, but {found} are open"
        yield Finding(where=f"task {identifier}", what=what)


def _states(db: sqlite3.Connection) -> Iterator[Finding]:
    """Play every event on an empty world and compare what it leads to with what is there."""
    states: dict[str, str] = {}
    legal = {(before.value, after.value) for (before, _), after in MOVES.items()}
    for seq, identifier, action, before, after in db.execute(PLAYED):
        known = states.pop(identifier, None)
        # an undo leads back to where the task was, which no move of the table may do
        lawful = before is None or action in ("undo", "delete") or (before, after) in legal
        if before != known or not lawful:
            what = f"moves {identifier} from {before} to {after}, but it was {known}"
            yield Finding(where=f"event {seq}", what=what)
        if after is not None:
            states[identifier] = after
    for identifier, state in db.execute("SELECT identifier, state FROM task ORDER BY id"):
        told = states.pop(identifier, None)
        if told != state:
            label = State(told).label if told else "nothing"
            what = f"is {state}, but its events say {label}"
            yield Finding(where=f"task {identifier}", what=what)
    for identifier in states:
        yield Finding(where=f"task {identifier}", what="is missing, but has events")
