"""Tasks as people keep them: looked up, counted, commented, and moved by hand."""

import json
from collections.abc import Sequence

from axon.errors import UsageError
from axon.ledger import history
from axon.ledger.moves import step
from axon.ledger.records import Comment, Figure, Waiting
from axon.ledger.rows import COLUMNS, fetch, task_of
from axon.ledger.store import Tx
from axon.tasks import Priority, State, Task
from axon.tasks.text import clean, shortened

WAITING = """
    SELECT task.identifier, task.title, needed.identifier, needed.state, dependency.child
    FROM task JOIN dependency ON dependency.task = task.id
    JOIN task AS needed ON needed.id = dependency.needs
    WHERE task.state = 'todo' AND task.blocked > 0 AND needed.state <> 'done'
    AND NOT (dependency.child AND needed.state = 'canceled')
"""
# Whatever comes first, the age tells equals apart: the order is always the same.
ORDERS = {"age": "id", "priority": "priority, id", "updated": "updated_at DESC, id"}
STUCK_FIRST = " ORDER BY needed.state NOT IN ('failed', 'canceled', 'blocked'), task.id LIMIT ?"


def task(tx: Tx, identifier: str) -> Task:
    return fetch(tx, identifier).task


def tasks(
    tx: Tx,
    *,
    states: Sequence[State],
    priority: int | None,
    label: str,
    text: str,
    team: str,
    project: str,
    limit: int | None,
    offset: int,
    sort: str,
) -> list[Task]:
    tests: list[str] = ["1"]
    values: list[str | int] = []
    if states:
        tests.append(f"state IN ({', '.join('?' * len(states))})")
        values += [State(state).value for state in states]
    if priority is not None:
        tests.append("priority = ?")
        values.append(int(priority))
    for column, value in (("team", team), ("project", project)):
        if value:
            tests.append(f"{column} = ?")
            values.append(clean(value))
    if label:  # a label stands in the list as JSON writes it, quotes included
        tests.append("instr(labels, ?) > 0")
        values.append(json.dumps(clean(label)))
    if text:
        tests.append(
            "(instr(lower(identifier), lower(?)) OR instr(lower(title), lower(?))"
            " OR instr(lower(description), lower(?)))"
        )
        values += [clean(text)] * 3
    if sort not in ORDERS:
        raise UsageError(f"unknown order {sort!r}; use one of {', '.join(ORDERS)}")
    found = tx.db.execute(
        f"SELECT {COLUMNS} FROM task WHERE {' AND '.join(tests)} ORDER BY {ORDERS[sort]}"
        " LIMIT ? OFFSET ?",
        (*values, -1 if limit is None else max(0, limit), max(0, offset)),
    ).fetchall()
    return [task_of(values) for values in found]


def counts(tx: Tx) -> dict[str, int]:
    found = dict(tx.db.execute("SELECT state, count(*) FROM task GROUP BY state").fetchall())
    return {state.value: found.get(state.value, 0) for state in State}


def teams(tx: Tx) -> dict[str, int]:
    return dict(tx.db.execute("SELECT team, count(*) FROM task GROUP BY team").fetchall())


def figures(tx: Tx, *, team: str, project: str, since: float) -> list[Figure]:
    found = tx.db.execute(
        "SELECT state, priority, count(*), sum(updated_at >= ?), sum(cost_usd), sum(tokens),"
        " sum(seconds) FROM task WHERE (? = '' OR team = ?) AND (? = '' OR project = ?)"
        " GROUP BY state, priority ORDER BY state, priority",
        (since, *[clean(team)] * 2, *[clean(project)] * 2),
    ).fetchall()
    return [
        Figure(
            state=State(state),
            priority=Priority(priority),
            count=count,
            recent=recent,
            cost_usd=cost,
            tokens=tokens,
            seconds=seconds,
        )
        for state, priority, count, recent, cost, tokens, seconds in found
    ]


def waiting(tx: Tx, *, identifier: str, limit: int) -> list[Waiting]:
    one = " AND task.identifier = ?" if identifier else ""
    values = (clean(identifier), limit) if identifier else (limit,)
    found = tx.db.execute(WAITING + one + STUCK_FIRST, values).fetchall()
    return [
        Waiting(identifier=who, title=title, on=on, state=State(state), child=bool(child))
        for who, title, on, state, child in found
    ]


def change(tx: Tx, identifier: str, action: str, *, why: str, actor: str) -> Task:
    """A person's move."""
    row = fetch(tx, identifier)
    fresh = {"backoff_boot": "", "backoff_until": 0.0}
    if action == "retry":
        return step(
            tx, row, "retry", actor=actor, why=why, hidden=fresh, failures=0, losses=0, error=""
        )
    if action == "cancel":
        return step(tx, row, "cancel", actor=actor, why=why)
    if action == "reopen":
        return step(
            tx,
            row,
            "reopen",
            actor=actor,
            why=why,
            hidden=fresh,
            failures=0,
            losses=0,
            error="",
            landed_commit="",
            verified=None,
        )
    raise UsageError(f"{action!r} is no move of a person; use retry, cancel or reopen")


def comment(tx: Tx, identifier: str, body: str, *, actor: str) -> None:
    row = fetch(tx, identifier)
    body = clean(body).strip()
    if not body:
        raise UsageError("the comment is empty; say something")
    tx.db.execute(
        "INSERT INTO comment (identifier, at, actor, body) VALUES (?, ?, ?, ?)",
        (row.task.identifier, tx.now, clean(actor), body),
    )
    history.append(
        tx,
        "comment",
        actor=actor,
        identifier=row.task.identifier,
        run=row.run,
        attempt=row.task.token,
        why=shortened(body.splitlines()[0], 200),
    )


def comments(tx: Tx, identifier: str) -> list[Comment]:
    found = tx.db.execute(
        "SELECT at, actor, body FROM comment WHERE identifier = ? ORDER BY id",
        (fetch(tx, identifier).task.identifier,),
    ).fetchall()
    return [Comment(at=at, actor=actor, body=body) for at, actor, body in found]
