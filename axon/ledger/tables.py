"""The small tables: every row carries a sum, proved whenever the row is read."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from axon.facts import dataclass
from axon.ledger.proof import damaged, row_sum
from axon.ledger.transaction import Tx

Known = dict[str, Any]


def plain(value: Any, real: bool) -> Any:
    """A value as SQLite will hand it back, so that its sum will be the same."""
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)  # of an enum's member, too
    return float(value) if real else int(value)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a column `sum` behind `columns`. The first `keys` of those identify a row."""

    name: str
    columns: tuple[str, ...]
    reals: tuple[str, ...] = ()  # the columns whose numbers SQLite hands back as float
    keys: int = 1

    def select(self, tx: Tx, tail: str = "", values: tuple[Any, ...] = ()) -> list[Known]:
        """The rows that `tail` (WHERE, ORDER BY, LIMIT) asks for."""
        return [self._proved(row) for row in tx.db.execute(f"{self._select} {tail}", values)]

    def newest(self, tx: Tx) -> Iterator[Known]:
        """All rows of a table that is numbered, the last first; read only as far as asked for."""
        sql = f"{self._select} NOT INDEXED ORDER BY {self.columns[0]} DESC"
        return map(self._proved, tx.db.execute(sql))

    def find(self, tx: Tx, *key: Any) -> Known | None:
        found = tx.db.execute(self._find, key).fetchone()
        return None if found is None else self._proved(found)

    def _proved(self, row: tuple[Any, ...]) -> Known:
        values = row[:-1]
        known = dict(zip(self.columns, values, strict=True))
        if row_sum(values) != row[-1]:
            damaged(self.where(known))
        return known

    def insert(self, tx: Tx, **known: Any) -> None:
        tx.db.execute(self._insert, self._summed(known))

    def put(self, tx: Tx, **known: Any) -> None:
        """Insert, or replace the row of the same key."""
        tx.db.execute(self._insert.replace("INSERT", "INSERT OR REPLACE", 1), self._summed(known))

    def update(self, tx: Tx, known: Known, **changes: Any) -> None:
        """Change a row that `select` or `find` has proved."""
        values = self._summed({**known, **changes})
        key = tuple(known[name] for name in self.columns[: self.keys])
        tx.db.execute(self._update, (*values, *key))

    def delete(self, tx: Tx, known: Known) -> None:
        key = tuple(known[name] for name in self.columns[: self.keys])
        tx.db.execute(f"DELETE FROM {self.name} {self._where}", key)

    def next(self, tx: Tx) -> int:
        """A number for a new row of a table that is numbered."""
        found = tx.db.execute(f"SELECT coalesce(max({self.columns[0]}), 0) + 1 FROM {self.name}")
        return int(found.fetchone()[0])

    def where(self, known: Known) -> str:
        return " ".join([self.name, *(str(known[name]) for name in self.columns[: self.keys])])

    def _summed(self, known: Known) -> tuple[Any, ...]:
        found = zip([known[name] for name in self.columns], self._kinds, strict=True)
        values = tuple(
            [
                value
                if value is None or type(value) in (str, kind)
                else plain(value, kind is float)
                for value, kind in found
            ]
        )
        return (*values, row_sum(values))

    @cached_property
    def _kinds(self) -> tuple[type, ...]:
        """What numbers of each column are."""
        return tuple(float if name in self.reals else int for name in self.columns)

    @cached_property
    def _select(self) -> str:
        return f"SELECT {', '.join((*self.columns, 'sum'))} FROM {self.name}"

    @cached_property
    def _where(self) -> str:
        return "WHERE " + " AND ".join(f"{name} = ?" for name in self.columns[: self.keys])

    @cached_property
    def _find(self) -> str:
        return f"{self._select} {self._where}"

    @cached_property
    def _insert(self) -> str:
        names = (*self.columns, "sum")
        places = ", ".join("?" * len(names))
        return f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({places})"

    @cached_property
    def _update(self) -> str:
        settings = ", ".join(f"{name} = ?" for name in (*self.columns, "sum"))
        return f"UPDATE {self.name} SET {settings} {self._where}"


TEAM = Table(name="team", columns=("key", "last"))
DEPENDENCY = Table(name="dependency", columns=("needs", "task", "child"), keys=3)
COMMENT = Table(name="comment", columns=("id", "identifier", "at", "actor", "body"), reals=("at",))
RUN = Table(
    name="run",
    columns=(
        "number", "id", "pid", "host", "target", "engine", "workers", "max_tasks", "max_usd",
        "started_at", "ended_at", "halt", "halt_reason", "stop_requested", "cost_usd",
        "lease_boot", "lease_until", "taken", "first_event", "max_tokens", "tokens",
    ),
    reals=("max_usd", "started_at", "ended_at", "cost_usd", "lease_until"),
)  # fmt: skip
RUN_TASK = Table(name="run_task", columns=("run", "task"), keys=2)
WORKER = Table(
    name="worker",
    columns=(
        "run", "name", "pid", "identifier", "attempt", "doing", "turns", "cost_usd", "since",
        "updated_at",
    ),
    reals=("cost_usd", "since", "updated_at"),
    keys=2,
)  # fmt: skip
SESSION = Table(
    name="session",
    columns=(
        "number", "id", "identifier", "attempt", "run", "worker", "engine", "model", "max_usd",
        "started_at", "ended_at", "outcome", "engine_session", "turns", "cost_usd", "tokens",
        "token_hash", "max_tokens", "agent",
    ),
    reals=("max_usd", "started_at", "ended_at", "cost_usd"),
)  # fmt: skip
USAGE = Table(
    name="usage",
    columns=(
        "id", "at", "session", "identifier", "run", "model", "status", "input_tokens",
        "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_usd",
        "first_token_seconds", "seconds", "agent", "retries",
    ),
    reals=("at", "cost_usd", "first_token_seconds", "seconds"),
)  # fmt: skip
SPENT_DAY = Table(name="spent_day", columns=("day", "cost_usd", "tokens"), reals=("cost_usd",))
LEASE = Table(name="lease", columns=("name", "holder", "token", "boot", "until"), reals=("until",))
PAUSE = Table(name="pause", columns=("id", "at", "actor", "reason", "until"), reals=("at", "until"))
CHANGE = Table(
    name="change",
    columns=("id", "at", "actor", "action", "since", "seq", "first", "last", "undone"),
    reals=("at",),
)
CHANGE_TASK = Table(name="change_task", columns=("id", "change", "task", "identifier", "before"))
MESSAGE = Table(
    name="message",
    columns=("id", "identifier", "at", "sender", "body", "read_at", "read_attempt"),
    reals=("at", "read_at"),
)
OUTBOX = Table(
    name="outbox",
    columns=(
        "id", "channel", "key", "kind", "body", "fate", "at", "attempts", "doubts", "next_at",
        "sent_at", "error", "receipt",
    ),
    reals=("at", "next_at", "sent_at"),
)  # fmt: skip
FLIGHT = Table(
    name="flight",
    columns=("run", "tokens", "usd", "most_tokens", "most_usd"),
    reals=("usd", "most_usd"),
)
BOOKMARK = Table(name="bookmark", columns=("name", "value"))
TABLES = (
    TEAM, DEPENDENCY, COMMENT, RUN, RUN_TASK, WORKER, SESSION, USAGE, LEASE, PAUSE, CHANGE,
    CHANGE_TASK, MESSAGE, SPENT_DAY, OUTBOX, BOOKMARK, FLIGHT,
)  # fmt: skip
