"""Sums over all that has happened and was spent, for whoever counts instead of reading."""

from collections.abc import Mapping

from axon.facts import dataclass
from axon.ledger import counts, history
from axon.ledger.proof import damaged
from axon.ledger.transaction import Tx

MOST_MODELS = 50  # an agent may ask for any; what is beyond that is summed up
OTHERS = "others"
EVENTS = "SELECT action, count(*) FROM event NOT INDEXED GROUP BY action"
# In JSON a quote inside of a text has a backslash before it: these can only be the keys.
GATES = """
    SELECT instr(data, '"where": "landing"') > 0, instr(data, '"passed": true') > 0, count(*)
    FROM event NOT INDEXED WHERE action = 'gate' GROUP BY 1, 2
"""
SESSIONS = """
    SELECT outcome, count(*), total(max(0.0, ended_at - started_at))
    FROM session NOT INDEXED WHERE ended_at IS NOT NULL GROUP BY outcome
"""
REQUESTS = """
    SELECT model, count(*), total(status >= 400 OR status = 0), total(input_tokens),
        total(output_tokens), total(cache_read_tokens), total(cache_write_tokens),
        total(cost_usd), total(cost_usd IS NULL), total(retries), total(seconds),
        count(first_token_seconds), total(first_token_seconds)
    FROM usage NOT INDEXED GROUP BY model ORDER BY 2 DESC, 1
"""
TOKENS = "SELECT total(tokens) FROM session NOT INDEXED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """All requests to one model."""

    model: str
    count: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0  # as far as prices are known
    unpriced: int = 0
    retries: int = 0
    seconds: float = 0.0
    begun: int = 0  # those whose first token came
    first_token_seconds: float = 0.0  # of all these together

    def plus(self, other: "Requests") -> "Requests":
        summed = {
            name: getattr(self, name) + getattr(other, name)
            for name in self.__slots__
            if name != "model"
        }
        return Requests(model=self.model, **summed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counted, not proved one by one; but none can be missing."""

    events: Mapping[str, int]  # by action
    gates: Mapping[tuple[str, bool], int]  # by place (workspace, landing) and whether it passed
    sessions: Mapping[str, int]  # those that have ended, by outcome
    session_seconds: float
    requests: tuple[Requests, ...]

    def event(self, *actions: str) -> int:
        return sum(self.events.get(action, 0) for action in actions)


def totals(tx: Tx) -> Totals:
    history.load(tx)
    events = {action: int(count) for action, count in tx.db.execute(EVENTS)}
    if sum(events.values()) != tx.seq:
        damaged("the history", f"{sum(events.values())} of {tx.seq} events are there")
    sessions = tx.db.execute(SESSIONS).fetchall()
    if sum(count for _, count, _ in sessions) > tx.counts[counts.SESSIONS]:
        damaged("the sessions", "there are more than were begun")
    return Totals(
        events=events,
        gates={
            ("landing" if landing else "workspace", bool(passed)): int(count)
            for landing, passed, count in tx.db.execute(GATES)
        },
        sessions={outcome or "unknown": int(count) for outcome, count, _ in sessions},
        session_seconds=sum(seconds for _, _, seconds in sessions),
        requests=_requests(tx),
    )


def _requests(tx: Tx) -> tuple[Requests, ...]:
    """By model, the one most asked first."""
    found = [_of_model(row) for row in tx.db.execute(REQUESTS)]
    tokens = sum(
        one.input_tokens + one.output_tokens + one.cache_read_tokens + one.cache_write_tokens
        for one in found
    )
    if tokens != int(tx.db.execute(TOKENS).fetchone()[0]):
        damaged("the usage", "some is missing")
    rest = Requests(model=OTHERS)
    for one in found[MOST_MODELS:]:
        rest = rest.plus(one)
    return (*found[:MOST_MODELS], *([rest] if rest.count else []))


def _of_model(row: tuple[str, *tuple[float, ...]]) -> Requests:
    model, *figures = row
    names = [name for name in Requests.__slots__ if name != "model"]
    whole = {
        name: figure if name in ("cost_usd", "seconds", "first_token_seconds") else int(figure)
        for name, figure in zip(names, figures, strict=True)
    }
    return Requests(model=model, **whole)  # type: ignore[arg-type]
