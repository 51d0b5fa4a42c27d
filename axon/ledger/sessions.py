"""Engine sessions and what each request to the model used and cost."""

import math

from axon.errors import NotFound
from axon.ledger import history
from axon.ledger.moves import held
from axon.ledger.records import Session, Usage
from axon.ledger.store import Tx
from axon.tasks import Claim
from axon.tasks.text import clean, shortened

FIELDS = (
    "id", "identifier", "attempt", "run", "worker", "engine", "model", "max_usd", "started_at",
    "ended_at", "outcome", "engine_session", "turns", "cost_usd", "tokens",
)  # fmt: skip
SESSION = f"SELECT {', '.join(FIELDS)} FROM session"
OPEN = " WHERE token_hash = ? AND ended_at IS NULL"
MOST = 10**12  # tokens of one request: figures come from elsewhere and are not to be trusted


def start(tx: Tx, session: Session, *, token_hash: str, claim: Claim) -> None:
    held(tx, claim)
    tx.db.execute(
        "INSERT INTO session (id, identifier, attempt, run, worker, engine, model, max_usd,"
        " started_at, token_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session.id,
            session.identifier,
            session.attempt,
            session.run,
            clean(session.worker),
            clean(session.engine),
            clean(session.model),
            session.max_usd,
            session.started_at or tx.now,
            token_hash,
        ),
    )
    history.append(
        tx,
        "session",
        actor=session.worker,
        identifier=session.identifier,
        run=session.run,
        attempt=claim.token,
        data={"session": session.id, "engine": session.engine, "model": session.model},
    )


def end(tx: Tx, session: str, *, outcome: str, engine_session: str, turns: int) -> None:
    before = find(tx, session)
    turns = max(turns, before.turns)
    tx.db.execute(
        "UPDATE session SET ended_at = coalesce(ended_at, ?), outcome = ?, engine_session = ?,"
        " turns = ? WHERE id = ?",
        (
            tx.now,
            clean(outcome),
            clean(engine_session) or before.engine_session,
            turns,
            session,
        ),
    )
    tx.db.execute(
        "UPDATE task SET turns = turns + ? WHERE identifier = ?",
        (turns - before.turns, before.identifier),
    )


def of_token(tx: Tx, token_hash: str) -> Session | None:
    found = tx.db.execute(SESSION + OPEN, (clean(token_hash),)).fetchone()
    return found and _session(found)


def sessions(tx: Tx, identifier: str, *, limit: int) -> list[Session]:
    """The newest `limit`, oldest first."""
    where = " WHERE identifier = ?" if identifier else ""
    values = (clean(identifier), limit) if identifier else (limit,)
    found = tx.db.execute(SESSION + where + " ORDER BY rowid DESC LIMIT ?", values).fetchall()
    return [_session(values) for values in reversed(found)]


def spend(tx: Tx, usage: Usage) -> None:
    session = find(tx, usage.session)
    figures = [
        max(0, min(int(figure), MOST))
        for figure in (
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
        )
    ]
    cost = usage.cost_usd
    if cost is not None and not (math.isfinite(cost) and cost >= 0):
        cost = None
    tx.db.execute(
        "INSERT INTO usage (at, session, identifier, run, model, status, input_tokens,"
        " output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, first_token_seconds,"
        " seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tx.now,
            session.id,
            session.identifier,
            session.run,
            shortened(clean(usage.model), 200),
            usage.status,
            *figures,
            cost,
            usage.first_token_seconds,
            usage.seconds,
        ),
    )
    _add(tx, session, sum(figures), cost)


def _add(tx: Tx, session: Session, tokens: int, cost: float | None) -> None:
    """A sum stays unknown until something known is added to it."""
    total = "cost_usd = CASE WHEN :cost IS NULL THEN cost_usd ELSE coalesce(cost_usd, 0.0) + :cost"
    values = {"cost": cost, "tokens": tokens, "id": session.id, "task": session.identifier}
    tx.db.execute(
        f"UPDATE session SET {total} END, tokens = tokens + :tokens WHERE id = :id", values
    )
    tx.db.execute(
        f"UPDATE task SET {total} END, tokens = tokens + :tokens WHERE identifier = :task", values
    )
    tx.db.execute(f"UPDATE run SET {total} END WHERE id = :run", {"cost": cost, "run": session.run})


def spent(tx: Tx, *, session: str, identifier: str, run: str) -> float:
    for table, column, value in (
        ("session", "id", session),
        ("task", "identifier", identifier),
        ("run", "id", run),
    ):
        if value:
            found = tx.db.execute(
                f"SELECT cost_usd FROM {table} WHERE {column} = ?", (clean(value),)
            ).fetchone()
            return float(found[0]) if found and found[0] is not None else 0.0
    return 0.0


def find(tx: Tx, session: str) -> Session:
    found = tx.db.execute(SESSION + " WHERE id = ?", (clean(session),)).fetchone()
    if found is None:
        raise NotFound(f"no session {session}; axon task show lists those of a task")
    return _session(found)


def _session(values: tuple[object, ...]) -> Session:
    return Session(**dict(zip(FIELDS, values, strict=True)))  # type: ignore[arg-type]
