"""What has happened and was spent, as plain rows for whoever adds it up: a history may be long."""

from typing import NamedTuple, Protocol

from axon.facts import dataclass
from axon.ledger import counts, history, links
from axon.ledger.proof import damaged
from axon.ledger.records import Event
from axon.ledger.rows import by_id, fetch, find
from axon.ledger.store import Store
from axon.ledger.tables import SESSION, USAGE, Known
from axon.ledger.totals import Totals, totals
from axon.ledger.transaction import Tx
from axon.tasks import Task
from axon.tasks.text import clean

MAX_SEQ = 2**62
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
TOKENS_SPENT = f"""
    SELECT (SELECT total(tokens) FROM session), (SELECT total({" + ".join(TOKENS)}) FROM usage)
"""
STORED = "SELECT count(*) FROM event NOT INDEXED WHERE identifier = ?"
WORKERS = """
    WHERE id IN (SELECT session FROM usage WHERE id > ? ORDER BY id LIMIT ?)
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

    def totals(self) -> Totals:
        """Counts of events, checks, sessions and requests over the whole history."""
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

    def totals(self) -> Totals:
        return self._store.read(totals)

    def pulse(self) -> int:
        return self._store.pulse()


def steps(tx: Tx, *, after: int, limit: int) -> list[Step]:
    """Proved by their digests, at half the cost of whole events."""
    found = [Step._make(values[: len(Step._fields)]) for values in history.chain(tx, after, limit)]
    if not found and after < history.last_seq(tx) and limit > 0:
        damaged(f"event {after + 1}", "it is missing")
    return found


def spending(tx: Tx, *, after: int, limit: int) -> list[Spending]:
    known = SESSION.select(tx, WORKERS, (after, limit))
    workers = {session["id"]: session["worker"] for session in known}
    found = USAGE.select(tx, "WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    last = len(found) < limit
    if found and (
        found[-1]["id"] - after != len(found)  # none is ever taken out
        or (last and len(set(tx.db.execute(TOKENS_SPENT).fetchone())) != 1)
    ):
        damaged("the usage", f"some after {after} is missing")
    if lost := {usage["session"] for usage in found} - workers.keys():
        damaged(f"session {min(lost)}", "it cannot be found")
    return [_spending(usage, usage["agent"] or workers[usage["session"]]) for usage in found]


def session_spending(tx: Tx, session: str, *, limit: int) -> list[Spending]:
    found = USAGE.select(tx, "WHERE session = ? ORDER BY id LIMIT ?", (clean(session), limit))
    return [_spending(usage, "") for usage in found]


def _spending(usage: Known, agent: str) -> Spending:
    return Spending(
        id=usage["id"],
        at=usage["at"],
        identifier=usage["identifier"],
        agent=agent,
        model=usage["model"],
        tokens=sum(usage[name] for name in TOKENS),
        cost_usd=usage["cost_usd"],
    )


def latest(
    tx: Tx, *, before: int, after: int, identifier: str, action: str, actor: str, limit: int
) -> list[Event]:
    """The newest between two events, oldest first; each is proved."""
    wanted = {"action": clean(action), "actor": clean(actor)}
    if identifier:
        found = [
            event
            for event in story(tx, identifier, after)
            if event.seq < before
            and wanted["action"] in ("", event.action)
            and wanted["actor"] in ("", event.actor)
        ]
        return found[-limit:] if limit > 0 else []
    conditions = [f"{name} = :{name}" for name, value in wanted.items() if value]
    where = " AND ".join(("seq < :before", "seq > :after", *conditions))
    sql = f"{history.SELECT} WHERE {where} ORDER BY seq DESC LIMIT :limit"
    known = {**wanted, "before": before, "after": after, "limit": limit}
    return [history.event_of(row) for row in tx.db.execute(sql, known)][::-1]


def events(tx: Tx, *, after: int, identifier: str, run: str, limit: int) -> list[Event]:
    if not identifier:
        return history.events(tx, after=after, run=run, limit=limit)
    found = story(tx, identifier, after)
    return [event for event in found if run in ("", event.run)][: limit if limit >= 0 else None]


def story(tx: Tx, identifier: str, after: int = 0) -> list[Event]:
    """All events of a task since then; none can be missing."""
    name = clean(identifier)
    if row := find(tx, name):
        return history.story(tx, name, after, row.known["events"])
    return history.story(tx, name, after, tx.db.execute(STORED, (name,)).fetchone()[0])


def session_count(tx: Tx, identifier: str) -> int:
    if not identifier:
        history.load(tx)
        return tx.counts[counts.SESSIONS]
    if row := find(tx, identifier):
        return int(row.known["sessions"])
    sql = "SELECT count(*) FROM session WHERE identifier = ?"
    return int(tx.db.execute(sql, (clean(identifier),)).fetchone()[0])


def related(tx: Tx, identifier: str) -> Related:
    row = fetch(tx, identifier)
    needs = [(by_id(tx, number).task, child) for number, child in links.all_needs(tx, row.id)]
    waiting = [(by_id(tx, number).task, child) for number, child in links.dependents(tx, row)]
    return Related(
        children=tuple(task for task, child in needs if child),
        needs=tuple(task for task, child in needs if not child),
        needed_by=tuple(task for task, child in waiting if not child),
    )
