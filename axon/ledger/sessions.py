"""Engine sessions and what each request to the model used and cost."""

import math
import time
from dataclasses import fields

from axon.errors import NotFound
from axon.ledger import counts, history, runs
from axon.ledger.moves import held
from axon.ledger.proof import damaged
from axon.ledger.records import Session, Usage, Used
from axon.ledger.rows import find, put
from axon.ledger.tables import RUN, SESSION, SPENT_DAY, USAGE, Known
from axon.ledger.transaction import Tx
from axon.tasks import Claim
from axon.tasks.text import clean, shortened

SHOWN = tuple(field.name for field in fields(Session))
ABSENT = "SELECT total(id = ?), count(*) FROM session NOT INDEXED"
OPEN = "WHERE token_hash = ? AND ended_at IS NULL"
MOST = 10**12  # tokens of one request: figures come from elsewhere and are not to be trusted


def start(tx: Tx, session: Session, *, token_hash: str, claim: Claim) -> None:
    row = held(tx, claim)
    history.append(
        tx,
        "session",
        actor=session.worker,
        identifier=session.identifier,
        run=session.run,
        attempt=claim.token,
        data={"session": session.id, "engine": session.engine, "model": session.model},
        counted=True,
    )
    tx.counts[counts.SESSIONS] += 1
    known = {name: getattr(session, name) for name in SHOWN}
    known |= {"ended_at": None, "outcome": "", "engine_session": "", "turns": 0, "tokens": 0}
    SESSION.insert(
        tx,
        **{name: clean(text) if isinstance(text, str) else text for name, text in known.items()}
        | {
            "number": tx.counts[counts.SESSIONS],
            "started_at": session.started_at or tx.now,
            "cost_usd": None,
            "token_hash": token_hash,
        },
    )
    put(tx, row, {"events": row.known["events"] + 1, "sessions": row.known["sessions"] + 1})


def end(tx: Tx, session: str, *, outcome: str, engine_session: str, turns: int) -> None:
    known = _known(tx, session)
    turns = max(turns, known["turns"])
    SESSION.update(
        tx,
        known,
        ended_at=tx.now if known["ended_at"] is None else known["ended_at"],
        outcome=clean(outcome),
        engine_session=clean(engine_session) or known["engine_session"],
        turns=turns,
    )
    if turns != known["turns"] and (row := find(tx, known["identifier"])):
        put(tx, row, {"turns": row.known["turns"] + turns - known["turns"]})


def of_token(tx: Tx, token_hash: str) -> Session | None:
    found = SESSION.select(tx, OPEN, (clean(token_hash),))
    if not found and SESSION.select(tx, f"NOT INDEXED {OPEN}", (clean(token_hash),)):
        damaged("the index of open sessions", "one is missing")
    return _session(found[0]) if found else None


def sessions(tx: Tx, identifier: str, *, limit: int) -> list[Session]:
    """The newest `limit`, oldest first."""
    history.load(tx)
    if identifier:
        tail = "WHERE identifier = ? ORDER BY number DESC LIMIT ?"
        found = SESSION.select(tx, tail, (clean(identifier), limit))
        row = find(tx, identifier)
        expected = row.known["sessions"] if row else None
    else:
        found = SESSION.select(tx, "ORDER BY number DESC LIMIT ?", (limit,))
        expected = tx.counts[counts.SESSIONS]
    if expected is not None and len(found) != min(max(0, limit), expected):
        damaged("the sessions", f"{len(found)} of {expected} are found")
    return [_session(known) for known in reversed(found)]


def spend(tx: Tx, usage: Usage) -> None:
    session = _known(tx, usage.session)
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
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    USAGE.insert(
        tx,
        id=USAGE.next(tx),
        at=tx.now,
        session=session["id"],
        identifier=session["identifier"],
        run=session["run"],
        model=shortened(clean(usage.model), 200),
        status=usage.status,
        **dict(zip(names, figures, strict=True)),
        cost_usd=cost,
        first_token_seconds=usage.first_token_seconds,
        seconds=usage.seconds,
        agent=shortened(clean(usage.agent), 100) or session["agent"],
        retries=max(0, usage.retries),
    )
    _add(tx, session, sum(figures), cost)
    _add_to_day(tx, sum(figures), cost)


def _add(tx: Tx, session: Known, tokens: int, cost: float | None) -> None:
    SESSION.update(tx, session, cost_usd=_sum(session, cost), tokens=session["tokens"] + tokens)
    if row := find(tx, session["identifier"]):
        known = row.known
        put(tx, row, {"cost_usd": _sum(known, cost), "tokens": known["tokens"] + tokens})
    if run := runs.find(tx, session["run"]):
        RUN.update(tx, run, cost_usd=_sum(run, cost), tokens=run["tokens"] + tokens)


def _add_to_day(tx: Tx, tokens: int, cost: float | None) -> None:
    day = _day(tx)
    known = _spent_on(tx, day) or {"cost_usd": 0.0, "tokens": 0}
    usd = known["cost_usd"] + (cost or 0.0)
    SPENT_DAY.put(tx, day=day, cost_usd=usd, tokens=known["tokens"] + tokens)


def _spent_on(tx: Tx, day: str) -> Known | None:
    """There are few days: all are read, so that none can be missed."""
    return next((known for known in SPENT_DAY.select(tx) if known["day"] == day), None)


def _day(tx: Tx) -> str:
    """By the clock of this host, as a person would say it."""
    return time.strftime("%Y-%m-%d", time.localtime(tx.now))


def _sum(known: Known, cost: float | None) -> float | None:
    """A sum stays unknown until something known is added to it."""
    before: float | None = known["cost_usd"]
    return before if cost is None else (before or 0.0) + cost


def spent(tx: Tx, *, session: str, identifier: str, run: str) -> float:
    known: Known | None = None
    if session:
        known = _find(tx, session)
    elif identifier:
        row = find(tx, identifier)
        known = row.known if row else None
    elif run:
        known = runs.find(tx, run)
    return float(known["cost_usd"] or 0.0) if known else 0.0


def used(tx: Tx, *, identifier: str, run: str) -> Used:
    known: Known | None
    if identifier:
        row = find(tx, identifier)
        known = row.known if row else None
    elif run:
        known = runs.find(tx, run)
    else:
        known = _spent_on(tx, _day(tx))
    if known is None:
        return Used()
    return Used(usd=float(known["cost_usd"] or 0.0), tokens=int(known["tokens"]))


def session_of(tx: Tx, session: str) -> Session:
    return _session(_known(tx, session))


def _known(tx: Tx, session: str) -> Known:
    known = _find(tx, session)
    if known is None:
        raise NotFound(f"no session {session}; axon task show lists those of a task")
    return known


def _find(tx: Tx, session: str) -> Known | None:
    """The session's row, or a proof that there is none."""
    session = clean(session)
    if found := SESSION.select(tx, "WHERE id = ?", (session,)):
        return found[0]
    history.load(tx)
    unlike, count = tx.db.execute(ABSENT, (session,)).fetchone()
    if unlike or count != tx.counts[counts.SESSIONS]:
        damaged(f"session {session}", "it cannot be found")
    return None


def _session(known: Known) -> Session:
    return Session(**{name: known[name] for name in SHOWN})
