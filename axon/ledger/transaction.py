"""One transaction: its connection, the time at which it happens, and what it adds to history."""

import sqlite3
from typing import Any

from axon.ledger.records import Limits


class Tx:
    """Lives as long as one read or write. `seq`, `digest` and `counts` are history's."""

    __slots__ = (
        "boot",
        "boot_id",
        "counts",
        "db",
        "digest",
        "limits",
        "misses",
        "now",
        "pending",
        "recounted",
        "seq",
        "told",
        "written",
    )

    def __init__(
        self, *, db: sqlite3.Connection, now: float, boot: float, boot_id: str, limits: Limits
    ) -> None:
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
