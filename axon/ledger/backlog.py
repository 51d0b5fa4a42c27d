"""Tasks as people keep them: looked up, counted, commented, and moved by hand."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from axon.errors import UsageError
from axon.ledger import counts, history, links
from axon.ledger.columns import HELD, queues_of
from axon.ledger.moves import step
from axon.ledger.proof import damaged
from axon.ledger.records import Comment, Figure, Waiting
from axon.ledger.remarks import remark, remarks
from axon.ledger.rows import Row, by_id, everything, fetch, find, scan, select
from axon.ledger.transaction import Tx
from axon.tasks import Priority, State, Task
from axon.tasks.text import clean, shortened

WAITING = f"""
    SELECT task.id, needed.id, dependency.child
    FROM task INDEXED BY task_queue JOIN dependency ON dependency.task = task.id
    JOIN task AS needed ON needed.id = dependency.needs
    WHERE task.queue = {HELD} AND needed.state <> 'done'
    AND NOT (dependency.child AND needed.state = 'canceled')
    ORDER BY needed.state NOT IN ('failed', 'canceled', 'blocked'), task.id, needed.id LIMIT ?
"""
STUCK = ("failed", "canceled", "blocked")
# Whatever comes first, the age tells equals apart: the order is always the same.
ORDERS: dict[str, Callable[[Row], tuple[float, int]] | None] = {
    "age": None,
    "priority": lambda row: (row.known["priority"], row.id),
    "updated": lambda row: (-row.known["updated_at"], row.id),
}
IN_QUEUES = "WHERE queue IN ({}) ORDER BY task.id"


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
    offset: int = 0,
    sort: str = "age",
) -> list[Task]:
    if sort not in ORDERS:
        raise UsageError(f"unknown order {sort!r}; use one of {', '.join(ORDERS)}")
    wanted = {State(state).value for state in states}
    label, text = clean(label), clean(text).lower()
    end = None if limit is None else max(0, offset) + max(0, limit)
    order = ORDERS[sort]
    found: list[Row] = []
    for row in _candidates(tx, wanted):
        if order is None and end is not None and len(found) >= end:
            break
        known = row.known
        if (
            (not wanted or known["state"] in wanted)
            and (priority is None or known["priority"] == priority)
            and (not team or known["team"] == clean(team))
            and (not project or row.apart.get("project") == clean(project))
            and (not label or label in row.apart.get("labels", ()))
            and (not text or _says(row, text))
        ):
            found.append(row)
    if order is not None:
        found.sort(key=order)
    return [row.task for row in found[max(0, offset) : end]]


def _says(row: Row, text: str) -> bool:
    said = (row.known["identifier"], row.known["title"], row.apart.get("description", ""))
    return any(text in one.lower() for one in said)


def _candidates(tx: Tx, states: set[str]) -> Iterator[Row]:
    """In the order of their age; where few are in these states, without reading the others."""
    history.load(tx)
    expected = sum(tx.counts[counts.STATES[state]] for state in states)
    if not states or "done" in states or 10 * expected > tx.counts[counts.TASKS]:
        yield from everything(tx)
        return
    queues = {queue for state in states for queue in queues_of(state)}
    places = ", ".join(map(str, sorted(queues)))
    found = list(select(tx, IN_QUEUES.format(places)))
    if len(found) != expected:
        damaged("the index of states", f"{len(found)} of {expected} tasks are found in it")
    yield from found


def teams(tx: Tx) -> dict[str, int]:
    return dict(sorted(Counter(team for (team,) in scan(tx, "team")).items()))


def figures(tx: Tx, *, team: str, project: str, since: float) -> list[Figure]:
    sums: dict[tuple[str, int], list[Any]] = {}
    for row in everything(tx):
        known = row.known
        if (team and known["team"] != clean(team)) or (
            project and row.apart.get("project") != clean(project)
        ):
            continue
        found = sums.setdefault((known["state"], known["priority"]), [0, 0, None, 0, 0.0])
        cost = known["cost_usd"]
        found[0] += 1
        found[1] += known["updated_at"] >= since
        found[2] = found[2] if cost is None else (found[2] or 0.0) + cost
        found[3] += known["tokens"]
        found[4] += known["seconds"]
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
        for (state, priority), (count, recent, cost, tokens, seconds) in sorted(sums.items())
    ]


def summed(tx: Tx) -> dict[str, int]:
    """How many tasks are in each state."""
    history.load(tx)
    return {state.value: tx.counts[counts.STATES[state.value]] for state in State}


def waiting(tx: Tx, *, identifier: str, limit: int) -> list[Waiting]:
    history.load(tx)
    if identifier:
        row = find(tx, identifier)
        found = [(row, *pair) for pair in _holding(tx, row)] if row else []
        found.sort(key=lambda one: one[1].known["state"] not in STUCK)
        return [_waiting(*one) for one in found[:limit]]
    pairs = tx.db.execute(WAITING, (limit,)).fetchall()
    rows = {number: by_id(tx, number) for pair in pairs for number in pair[:2]}
    tasks, expected = len({pair[0] for pair in pairs}), tx.counts[counts.HELD]
    if tasks < expected and len(pairs) < limit:
        damaged("the dependencies", f"{tasks} of {expected} tasks are found that wait")
    return [_waiting(rows[task], rows[needs], bool(child)) for task, needs, child in pairs]


def _holding(tx: Tx, row: Row) -> list[tuple[Row, bool]]:
    """What holds the task up."""
    if row.known["queue"] != HELD:
        return []
    found = links.open_needs(tx, row.id)
    if len(found) != (expected := row.known["blocked"]):
        name = row.known["identifier"]
        damaged(f"task {name}", f"{len(found)} of {expected} tasks are found that it waits for")
    return found


def _waiting(row: Row, needed: Row, child: bool) -> Waiting:
    return Waiting(
        identifier=row.known["identifier"],
        title=row.known["title"],
        on=needed.known["identifier"],
        state=State(needed.known["state"]),
        child=child,
    )


def change(tx: Tx, identifier: str, action: str, *, why: str, actor: str) -> Task:
    """A person's move."""
    row = fetch(tx, identifier)
    fresh = {"backoff_boot": "", "backoff_until": 0.0}
    if action == "retry":
        return step(
            tx, row, "retry", actor=actor, why=why, hidden=fresh, failures=0, losses=0, error=""
        ).task
    if action == "cancel":
        return step(tx, row, "cancel", actor=actor, why=why).task
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
        ).task
    raise UsageError(f"{action!r} is no move of a person; use retry, cancel or reopen")


def comment(tx: Tx, identifier: str, body: str, *, actor: str) -> None:
    row = fetch(tx, identifier)
    body = clean(body).strip()
    if not body:
        raise UsageError("the comment is empty; say something")
    identifier = row.known["identifier"]
    remark(tx, identifier, at=tx.now, actor=actor, body=body)
    history.append(
        tx,
        "comment",
        actor=actor,
        identifier=identifier,
        run=row.run,
        attempt=row.known["token"],
        why=shortened(body.splitlines()[0], 200),
    )


def comments(tx: Tx, identifier: str) -> list[Comment]:
    return remarks(tx, fetch(tx, identifier))
