"""The database file of a ledger: opened with suspicion, written one short transaction at a time."""

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from axon.errors import LedgerError
from axon.ledger import history, rows
from axon.ledger.clock import Clock
from axon.ledger.flush import Flusher, Head
from axon.ledger.lock import Lock
from axon.ledger.place import check_place, explain
from axon.ledger.records import Limits
from axon.ledger.schema import APPLICATION_ID, MIGRATIONS, migrate
from axon.ledger.shape import MISSHAPEN, misshapen
from axon.ledger.transaction import Seen, Tx

P = ParamSpec("P")
T = TypeVar("T")

WAL_BYTES = 64 * 1024 * 1024  # what a checkpoint leaves of the write-ahead log at most
GLANCE_SECONDS = 0.2  # how long opening waits without asking who has the ledger
WAL_PAGES = 4000  # when a writer moves it into the database: seldom, for pages are written often


class Store:
    """One connection, its lock and its clock; for the process and thread that opened it."""

    def __init__(
        self, path: Path, *, create: bool, limits: Limits, clock: Clock, wait_seconds: float
    ) -> None:
        self.path = path
        self._limits = limits
        self._clock = clock
        self._pid = os.getpid()
        self._wait_seconds = wait_seconds
        self._db: sqlite3.Connection | None = None
        self._seen = Seen()
        self._open: Tx | None = None  # while `together` runs
        check_place(path, create)
        lock_path = path.with_name(f"{path.name}.lock")
        self._lock = Lock(lock_path, wait_seconds)
        self._flusher = Flusher(path, lock_path, self._head)
        try:
            self._explained(lambda: self._prepare(create))
        except BaseException:
            self.close()
            raise

    def read(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one consistent view, which is given up at once."""
        if self._open is not None:
            return work(self._open, *args, **kwargs)
        _, answer = self._explained(lambda: self._transact("BEGIN", work, args, kwargs))
        return answer

    def write(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` alone among all processes; it survives power loss once this returns."""
        if self._open is not None:
            return work(self._open, *args, **kwargs)
        changes = self.db.total_changes
        tx, answer = self._alone(lambda: self._transact("BEGIN IMMEDIATE", work, args, kwargs))
        if self.db.total_changes != changes:
            self._flusher.flush(tx.written)
        return answer

    def lag(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `write`, but power loss may take it back; the death of the process may not."""
        if self._open is not None:
            return work(self._open, *args, **kwargs)
        return self._alone(lambda: self._transact("BEGIN IMMEDIATE", work, args, kwargs))[1]

    def together(self, work: Callable[[], T]) -> T:
        """Whatever `work` reads and writes here is one transaction: all of it, or nothing."""

        def joined(tx: Tx) -> T:
            self._open = tx
            try:
                return work()
            finally:
                self._open = None

        return self.write(joined)

    def tend(self, work: Callable[[sqlite3.Connection, Path], T], *, alone: bool) -> T:
        """Run `work` on the connection outside any transaction; `alone`: among all writers."""
        if alone:
            return self._alone(lambda: work(self.db, self.path))
        return self._explained(lambda: work(self.db, self.path))

    def pulse(self) -> int:
        """Another number once anybody has written; no view is opened for it."""
        found = self._explained(lambda: self.db.execute("PRAGMA data_version").fetchone())
        return (int(found[0]) << 40) + self.db.total_changes

    @property
    def db(self) -> sqlite3.Connection:
        if self._db is None:
            raise RuntimeError("the ledger was closed")
        if os.getpid() != self._pid:
            raise RuntimeError("a ledger was carried over a fork; each process opens its own")
        return self._db

    def close(self) -> None:
        if os.getpid() != self._pid:  # a forked child must not touch its parent's files
            return
        db, self._db = self._db, None
        if db is not None:
            # whoever closes last empties the log: not while others write
            with suppress(LedgerError, sqlite3.Error):
                self._lock.alone(db.close, patient=False)
        self._flusher.close()
        self._lock.close()

    def _transact(
        self, begin: str, work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Tx, T]:
        db, clock = self.db, self._clock
        db.execute(begin)
        try:
            tx = Tx(
                db=db,
                now=clock.wall(),
                boot=clock.boot(),
                boot_id=clock.boot_id,
                limits=self._limits,
                seen=self._seen,
            )
            answer = work(tx, *args, **kwargs)
            if tx.told:
                rows.settle(tx)
            if tx.pending or tx.recounted:
                history.flush(tx)
            db.execute("COMMIT")
            self._seen.keep(tx)
        except BaseException:
            with suppress(sqlite3.Error):
                if db.in_transaction:
                    db.execute("ROLLBACK")
            raise
        return tx, answer

    def _head(self) -> Head:
        found = self.db.execute(history.HEAD).fetchone()
        return (found[0], found[1]) if found else (0, b"")

    def _prepare(self, create: bool) -> None:
        """Make the file a ledger of the newest schema, or say why it cannot be."""
        try:
            self._lock.alone(lambda: self._connect(create, GLANCE_SECONDS), patient=False)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            # who closes last or tidies up has it all; the lock knows whether he was stopped
            self._lock.alone(lambda: self._connect(create, self._wait_seconds))
        self.db.execute(f"PRAGMA busy_timeout = {int(self._wait_seconds * 1000)}")
        version = self._version()
        if version == 0 and not create:
            raise LedgerError(f"no ledger at {self.path}; run axon init")
        if version < len(MIGRATIONS):
            self._lock.alone(lambda: self._migrate(create))
        self._refuse_loss()

    def _connect(self, create: bool, seconds: float) -> None:
        """`mode=rw`: a ledger that was removed meanwhile is not made anew by accident."""
        if self._db is not None:
            self._db.close()
        uri = f"file:{quote(os.fsencode(self.path))}?mode={'rwc' if create else 'rw'}"
        self._db = sqlite3.connect(
            uri,
            uri=True,
            isolation_level=None,
            timeout=seconds,
            cached_statements=256,
            check_same_thread=False,  # who waits for the lock may have a thread write for him
        )
        for setting in (
            "synchronous = NORMAL",
            f"journal_size_limit = {WAL_BYTES}",
            f"wal_autocheckpoint = {WAL_PAGES}",
            "cell_size_check = ON",
        ):
            self._db.execute(f"PRAGMA {setting}")
        if sys.platform == "darwin":  # its fsync alone does not reach the disk
            self._db.execute("PRAGMA checkpoint_fullfsync = 1")
        self._version()  # a log that a crash has left is read in now

    def _migrate(self, create: bool) -> None:
        """Alone: an older axon that has the ledger open would write what no longer fits."""
        version = self._version()
        if version == len(MIGRATIONS):
            return
        if version:
            self._refuse_others(create)
        mode = self.db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise LedgerError(f"{self.path.parent} cannot hold a write-ahead log; use a local disk")
        try:
            self._transact("BEGIN IMMEDIATE", lambda tx: migrate(tx.db, version), (), {})
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
                raise
            raise LedgerError(
                f"{self.path} is damaged: it says schema {version}, but its tables are others"
                f" ({error}); restore a backup"
            ) from None

    def _refuse_others(self, create: bool) -> None:
        """Leaving WAL mode is possible only while no other connection is open."""
        try:
            self.db.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise LedgerError(
                f"{self.path} is in use by an older axon and must be converted for this one; stop"
                " every axon that uses it and try again"
            ) from None

    def _version(self) -> int:
        version = int(self.db.execute("PRAGMA user_version").fetchone()[0])
        owner = int(self.db.execute("PRAGMA application_id").fetchone()[0])
        tables = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != APPLICATION_ID and (owner or version or tables):
            raise LedgerError(f"{self.path} is a database of another program; choose another path")
        if version > len(MIGRATIONS):
            raise LedgerError(
                f"{self.path} was written by a newer axon (schema {version}, this one knows"
                f" {len(MIGRATIONS)}); use that version"
            )
        return version

    def _refuse_loss(self) -> None:
        """What was once on the disk must be there: a log cut short loses its end in silence."""
        seq, digest = self._flusher.mark()
        if not seq:
            return
        found = self.db.execute("SELECT digest FROM event WHERE seq = ?", (seq,)).fetchone()
        if found is None or found[0] != digest:
            last = self._head()[0]
            what = (
                f"its events after {last} are gone" if found is None else "its history is another"
            )
            raise LedgerError(
                f"{self.path} is not what it was: {what}; put its -wal file back, restore a"
                f" backup, or delete {self.path.name}.lock to go on with what is there"
            )

    def _alone(self, work: Callable[[], T]) -> T:
        return self._explained(lambda: self._lock.alone(work))

    def _explained(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            reason = explain(error, self.path)
            if not reason and self._db and (name := misshapen(self._db)):
                reason = f"{self.path} is damaged at {name}: {MISSHAPEN}; restore a backup"
            if not reason:
                raise  # a bug of ours
            raise LedgerError(reason) from error
