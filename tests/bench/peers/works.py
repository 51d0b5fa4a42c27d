"""One turn of work in each peer: end the task at hand and take the next, durable or not."""

import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axon.ledger import Limits
from axon.ledger.clock import system_clock
from axon.ledger.file import FileLedger
from axon.ledger.store import Store
from axon.tasks import Claim, Task

RUN = "bench"
LEASE_SECONDS = 3600.0
TABLES = """
CREATE TABLE task (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, state TEXT NOT NULL,
    priority INTEGER NOT NULL, owner TEXT NOT NULL
);
CREATE INDEX ready ON task (priority, id) WHERE state = 'todo';
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, task INTEGER NOT NULL,
    actor TEXT NOT NULL, action TEXT NOT NULL
);
"""

Turn = Callable[[], bool]  # False: there was nothing to do


class Lagging(Store):
    """A store that flushes nothing: what NORMAL is to SQLite. The product has no such switch."""

    write = Store.lag


def ledger(path: Path, *, durable: bool, create: bool = False) -> FileLedger:
    return FileLedger(
        (Store if durable else Lagging)(
            path, create=create, limits=Limits(), clock=system_clock(), wait_seconds=60.0
        )
    )


def axon(path: Path, durable: bool, name: str) -> Turn:
    return _cycles(ledger(path, durable=durable), name)


def inside(path: Path, durable: bool, name: str) -> Turn:
    """axon as it is not: each commit flushed by SQLite itself, within the lock."""
    books = ledger(path, durable=False)
    books._store.db.execute("PRAGMA synchronous = FULL")
    return _cycles(books, name)


def _cycles(books: FileLedger, name: str) -> Turn:
    task: Task | None = books.claim(worker=name, run=RUN, lease_seconds=LEASE_SECONDS)

    def turn() -> bool:
        nonlocal task
        if task is None:
            return False
        claim = Claim(identifier=task.identifier, token=task.token, worker=name, run=RUN)
        task = books.submit_and_claim(
            claim, commit="0" * 40, verified=True, lease_seconds=LEASE_SECONDS
        )
        return True

    return turn


def plain(path: Path, durable: bool, name: str) -> Turn:
    """SQLite's own lock: waiters sleep and try again, whoever comes at the right moment wins."""
    db = connect(path, durable)
    task = 0

    def turn() -> bool:
        nonlocal task
        db.execute("BEGIN IMMEDIATE")
        task = _end_and_take(db, task, name)
        db.execute("COMMIT")
        return task > 0

    return turn


def flocked(path: Path, durable: bool, name: str) -> Turn:
    """The same, one after the other by an flock that everybody blocks on."""
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    work = plain(path, durable, name)

    def turn() -> bool:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            return work()
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    return turn


def bare(path: Path, durable: bool, name: str) -> Turn:
    """Not a queue: one row changed per transaction, the least SQLite can do."""
    db = connect(path, durable)
    number = db.execute("SELECT min(id) FROM task WHERE state = 'todo'").fetchone()[0] - 1

    def turn() -> bool:
        nonlocal number
        number += 1
        db.execute("BEGIN IMMEDIATE")
        done = db.execute("UPDATE task SET state = 'review', owner = '' WHERE id = ?", (number,))
        db.execute("COMMIT")
        return done.rowcount == 1

    return turn


def huey(path: Path, durable: bool, name: str) -> Turn:
    books, _ = hive(path, durable)

    def turn() -> bool:
        task = books.dequeue()
        if task is None:
            return False
        books.execute(task)
        return True

    return turn


def hive(path: Path, durable: bool) -> tuple[Any, Any]:
    """A huey of that durability, and its task that does nothing; no result is kept."""
    from huey import SqliteHuey

    books = SqliteHuey(filename=str(path), fsync=durable, results=False, timeout=60)
    return books, books.task(name="nothing")(_nothing)


def _nothing() -> None:
    pass


def connect(path: Path, durable: bool) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=60)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    db.execute("PRAGMA wal_autocheckpoint = 4000")  # as axon has it
    return db


def _end_and_take(db: sqlite3.Connection, task: int, name: str) -> int:
    if task:
        db.execute("UPDATE task SET state = 'review', owner = '' WHERE id = ?", (task,))
        _tell(db, task, name, "submit")
    found = db.execute(
        "SELECT id FROM task WHERE state = 'todo' ORDER BY priority, id LIMIT 1"
    ).fetchone()
    if found is None:
        return 0
    db.execute("UPDATE task SET state = 'in_progress', owner = ? WHERE id = ?", (name, found[0]))
    _tell(db, found[0], name, "claim")
    return int(found[0])


def _tell(db: sqlite3.Connection, task: int, name: str, action: str) -> None:
    db.execute(
        "INSERT INTO event (at, task, actor, action) VALUES (julianday(), ?, ?, ?)",
        (task, name, action),
    )


WORKS: dict[str, Callable[[Path, bool, str], Turn]] = {
    "axon": axon,
    "inside": inside,
    "plain": plain,
    "flock": flocked,
    "bare": bare,
    "huey": huey,
}
