"""One transaction: its connection, the time at which it happens, and what it adds to history."""

import sqlite3
from dataclasses import field
from typing import Any

from axon.facts import dataclass
from axon.ledger.records import Limits

MOST_SEEN = 8


@dataclass(slots=True)
class Seen:
    """What one connection has proved or written last; used again only while the sums are the same.

    A row in which a bit has flipped since is not looked at, and found when it is.
    """

    head: tuple[Any, ...] = ()  # of history: the last event and its counts as they are stored
    counts: list[int] = field(default_factory=list)
    rows: dict[str, Any] = field(default_factory=dict)  # by identifier
    runs: dict[str, Any] = field(default_factory=dict)  # by id
    collisions: dict[int, str] = field(default_factory=dict)  # see ready.py
    edited: int = 0  # the last event that was looked at for a change of paths

    def keep(self, tx: "Tx") -> None:
        """What a transaction wrote, once that was committed; a worker holds few tasks."""
        if tx.wrote:
            if len(self.rows) >= MOST_SEEN:
                self.rows.clear()
            self.rows.update(tx.wrote)
        if tx.head:
            self.head, self.counts = tx.head, tx.counts


class Tx:
    """Lives as long as one read or write. `seq`, `digest` and `counts` are history's."""

    __slots__ = (
        "boot",
        "boot_id",
        "counts",
        "db",
        "digest",
        "head",
        "limits",
        "misses",
        "now",
        "pending",
        "recounted",
        "seen",
        "seq",
        "told",
        "written",
        "wrote",
    )

    def __init__(
        self,
        *,
        db: sqlite3.Connection,
        now: float,
        boot: float,
        boot_id: str,
        limits: Limits,
        seen: Seen | None = None,
    ) -> None:
        self.seen = seen or Seen()
        self.head: tuple[Any, ...] = ()  # as it was written
        self.wrote: dict[str, Any] = {}  # rows that are worth being kept in `seen`
        self.db = db
        self.now = now  # Unix seconds, for people
        self.boot = boot  # seconds since boot, for leases
        self.boot_id = boot_id
        self.limits = limits
        self.seq = -1  # of the last event; -1: not looked up yet
        self.digest = b""
        self.counts: list[int] = []
        self.written = 0  # the last event this transaction has written
        self.told: dict[str, list[int]] = {}  # events and comments not yet counted on their task
        self.misses = 0  # names that were looked up in vain
        self.recounted = False  # are `counts` other than those of the last event?
        self.pending: list[tuple[Any, ...]] = []  # events that are written with the commit
