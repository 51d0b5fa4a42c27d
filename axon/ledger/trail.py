"""What has happened and was spent, as plain rows for whoever adds it up: a history may be long.

These rows are not proved one by one as those of `history` are; `axon ledger check` proves all.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from axon.ledger import counts, history, links
from axon.ledger.proof import damaged
from axon.ledger.records import Event
from axon.ledger.rows import by_id, fetch
from axon.ledger.store import Store
from axon.ledger.transaction import Tx
from axon.tasks import Task
from axon.tasks.text import clean

MAX_SEQ = 2**62
STEPS = """
    SELECT seq, at, identifier, run, actor, action, before, after, attempt, why
    FROM event WHERE seq > ? ORDER BY seq LIMIT ?
"""
OF_SESSION = """
    SELECT id, at, identifier, '', model,
        input_tokens + output_tokens + cache_read_tokens + cache_write_tokens, cost_usd
    FROM usage WHERE session = ? ORDER BY id LIMIT ?
"""
SPENDING = """
    SELECT usage.id, usage.at, usage.identifier,
        coalesce(nullif(usage.agent, ''), session.worker, ''), usage.model,
        input_tokens + output_tokens + cache_read_tokens + cache_write_tokens, usage.cost_usd
    FROM usage LEFT JOIN session ON session.id = usage.session
    WHERE usage.id > ? ORDER BY usage.id LIMIT ?
"""


class Step(NamedTuple):
    """An event without its data."""

    seq: int
    at: float
    identifier: str
    run: str
    actor: str
    action: str
    before: str | None
    after: str | None
    attempt: int
    why: str


class Spending(NamedTuple):
    """One request to the model."""

    id: int
    at: float
    identifier: str
    agent: str  # who asked: an agent's name, or a worker's where that is not known
    model: str
    tokens: int
    cost_usd: float | None  # None: price unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Tasks that are tied to a task."""

    children: tuple[Task, ...]
    needs: tuple[Task, ...]
    needed_by: tuple[Task, ...]


class Trail(Protocol):
    """The part of the Ledger that tells what has happened."""

    def latest(
        self,
        *,
        before: int = MAX_SEQ,
        after: int = 0,
        identifier: str = "",
        action: str = "",
        actor: str = "",
        limit: int = 1000,
    ) -> list[Event]:
        """The newest events between those two numbers, oldest first."""
        ...

    def steps(self, *, after: int = 0, limit: int = 10_000) -> list[Step]:
        """Events in their order as plain rows, to add them up."""
        ...

    def spending(self, *, after: int = 0, limit: int = 10_000) -> list[Spending]:
        """Requests to the model in their order, by id."""
        ...

    def session_spending(self, session: str, *, limit: int = 10_000) -> list[Spending]: ...
    def session_count(self, identifier: str = "") -> int: ...
    def related(self, identifier: str) -> Related:
        """The task's children, what it waits for, and what waits for it."""
        ...

    def pulse(self) -> int:
        """Another number once anything was written, by whomever; costs next to nothing."""
        ...


class FileTrail:
    """The same for whoever has a store."""

    _store: Store

    def latest(
        self,
        *,
        before: int = MAX_SEQ,
        after: int = 0,
        identifier: str = "",
        action: str = "",
        actor: str = "",
        limit: int = 1000,
    ) -> list[Event]:
        return self._store.read(
            latest,
            before=before,
            after=after,
            identifier=identifier,
            action=action,
            actor=actor,
            limit=limit,
        )

    def steps(self, *, after: int = 0, limit: int = 10_000) -> list[Step]:
        return self._store.read(steps, after=after, limit=limit)

    def spending(self, *, after: int = 0, limit: int = 10_000) -> list[Spending]:
        return self._store.read(spending, after=after, limit=limit)

    def session_spending(self, session: str, *, limit: int = 10_000) -> list[Spending]:
        return self._store.read(session_spending, session, limit=limit)

    def session_count(self, identifier: str = "") -> int:
        return self._store.read(session_count, identifier)

    def related(self, identifier: str) -> Related:
        return self._store.read(related, identifier)

    def pulse(self) -> int:
        return self._store.pulse()


def steps(tx: Tx, *, after: int, limit: int) -> list[Step]:
    found = [Step._make(row) for row in tx.db.execute(STEPS, (after, limit))]
    if found and found[-1].seq - after != len(found):
        damaged("the events", f"some after {after} are missing")
    return found


def spending(tx: Tx, *, after: int, limit: int) -> list[Spending]:
    return [Spending._make(row) for row in tx.db.execute(SPENDING, (after, limit))]


def session_spending(tx: Tx, session: str, *, limit: int) -> list[Spending]:
    return [Spending._make(row) for row in tx.db.execute(OF_SESSION, (clean(session), limit))]


def latest(
    tx: Tx, *, before: int, after: int, identifier: str, action: str, actor: str, limit: int
) -> list[Event]:
    """The newest between two events, oldest first; each is proved."""
    wanted = {"identifier": clean(identifier), "action": clean(action), "actor": clean(actor)}
    conditions = [f"{name} = :{name}" for name, value in wanted.items() if value]
    if identifier:
        conditions.append("identifier <> ''")  # for the index that has only those
    where = " AND ".join(("seq < :before", "seq > :after", *conditions))
    sql = f"{history.SELECT} WHERE {where} ORDER BY seq DESC LIMIT :limit"
    known = {**wanted, "before": before, "after": after, "limit": limit}
    return [history.event_of(row) for row in tx.db.execute(sql, known)][::-1]


def session_count(tx: Tx, identifier: str) -> int:
    if not identifier:
        history.load(tx)
        return tx.counts[counts.SESSIONS]
    sql = "SELECT count(*) FROM session WHERE identifier = ?"
    return int(tx.db.execute(sql, (clean(identifier),)).fetchone()[0])


def related(tx: Tx, identifier: str) -> Related:
    row = fetch(tx, identifier)
    needs = [(by_id(tx, number).task, child) for number, child in links.needs(tx, row.id)]
    waiting = [(by_id(tx, number).task, child) for number, child in links.dependents(tx, row)]
    return Related(
        children=tuple(task for task, child in needs if child),
        needs=tuple(task for task, child in needs if not child),
        needed_by=tuple(task for task, child in waiting if not child),
    )
