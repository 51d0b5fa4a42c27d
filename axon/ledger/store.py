"""The database file of a ledger: opened with suspicion, written one short transaction at a time."""

import os
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from axon.errors import LedgerError
from axon.ledger.clock import Clock
from axon.ledger.lock import Lock
from axon.ledger.mounts import refuse_network
from axon.ledger.records import Limits
from axon.ledger.schema import APPLICATION_ID, MIGRATIONS, migrate

P = ParamSpec("P")
T = TypeVar("T")

WAL_BYTES = 64 * 1024 * 1024  # what a checkpoint leaves of the write-ahead log at most
FULL_BYTES = 1024 * 1024  # with less than this free, an I/O error means a full disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Tx:
    """One transaction, and the time at which it happens."""

    db: sqlite3.Connection
    now: float  # Unix seconds, for people
    boot: float  # seconds since boot, for leases
    boot_id: str
    limits: Limits


class Store:
    """One connection, its lock and its clock; for the process and thread that opened it."""

    def __init__(
        self, path: Path, *, create: bool, limits: Limits, clock: Clock, wait_seconds: float
    ) -> None:
        self.path = path
        self._limits = limits
        self._clock = clock
        self._pid = os.getpid()
        self._synchronous = ""
        check_place(path, create)
        self._lock = Lock(path.with_name(path.name + ".lock"), wait_seconds)
        try:
            with self._explained():
                self._db = _connect(path, create, wait_seconds)
        except BaseException:
            self._lock.close()
            raise
        try:
            with self._explained():
                self._prepare(create)
        except BaseException:
            self.close()
            raise

    def read(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one consistent view, which is given up at once."""
        with self._explained(), self._transaction("BEGIN") as tx:
            return work(tx, *args, **kwargs)

    def write(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` alone among all processes; it survives power loss once this returns."""
        with self._explained(), self._alone("FULL") as tx:
            return work(tx, *args, **kwargs)

    def lag(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `write`, but power loss may take it back; the death of the process may not."""
        with self._explained(), self._alone("NORMAL") as tx:
            return work(tx, *args, **kwargs)

    def tend(self, work: Callable[[sqlite3.Connection, Path], T], *, alone: bool) -> T:
        """Run `work` on the connection outside any transaction; `alone`: among all writers."""
        with self._explained():
            if not alone:
                return work(self._db, self.path)
            with self._lock.held():
                return work(self._db, self.path)

    def close(self) -> None:
        if os.getpid() == self._pid:  # a forked child must not touch its parent's files
            self._db.close()
            self._lock.close()

    @contextmanager
    def _alone(self, synchronous: str) -> Iterator[Tx]:
        with self._lock.held():
            if synchronous != self._synchronous:
                self._db.execute(f"PRAGMA synchronous = {synchronous}")
                self._synchronous = synchronous
            with self._transaction("BEGIN IMMEDIATE") as tx:
                yield tx

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Tx]:
        if os.getpid() != self._pid:
            raise RuntimeError("a ledger was carried over a fork; each process opens its own")
        clock = self._clock
        self._db.execute(begin)
        try:
            yield Tx(
                db=self._db,
                now=clock.wall(),
                boot=clock.boot(),
                boot_id=clock.boot_id,
                limits=self._limits,
            )
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            raise

    def _prepare(self, create: bool) -> None:
        """Make the file a ledger of the newest schema, or say why it cannot be."""
        version = self._version()
        if version == 0 and not create:
            raise LedgerError(f"no ledger at {self.path}; run axon init")
        if version < len(MIGRATIONS):
            with self._lock.held():
                mode = self._db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
                if mode != "wal":
                    raise LedgerError(
                        f"{self.path.parent} cannot hold a write-ahead log; use a local disk"
                    )
                with self._transaction("BEGIN IMMEDIATE") as tx:
                    migrate(tx.db, self._version())
        self._db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        if sys.platform == "darwin":  # its fsync alone does not reach the disk
            self._db.execute("PRAGMA fullfsync = 1")

    def _version(self) -> int:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        owner = int(self._db.execute("PRAGMA application_id").fetchone()[0])
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != APPLICATION_ID and (owner or version or tables):
            raise LedgerError(f"{self.path} is a database of another program; choose another path")
        if version > len(MIGRATIONS):
            raise LedgerError(
                f"{self.path} was written by a newer axon (schema {version}, this one knows"
                f" {len(MIGRATIONS)}); use that version"
            )
        return version

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = explain(error, self.path)
            if not reason:
                raise  # a bug of ours
            raise LedgerError(reason) from error


def place_of(address: str) -> Path:
    """The file that what follows `file:` names; one path, whatever names the file has."""
    path = address
    if address.startswith("//"):
        path = address[2:]  # file:///absolute
        if not path.startswith("/"):
            raise LedgerError(f"cannot read file:{address}; write file:PATH")
    if not path or "\0" in path:
        raise LedgerError("the ledger's address names no file; write file:PATH")
    return Path(os.path.realpath(path))


def check_place(path: Path, create: bool) -> None:
    """Refuse what can be told without opening the file; make its folder when `create`."""
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        if not create:
            raise LedgerError(f"no ledger at {path}; run axon init") from None
        kind = stat.S_IFREG
    except OSError as error:
        raise LedgerError(f"cannot open {path}: {error.strerror}; choose another path") from None
    if stat.S_ISDIR(kind):
        raise LedgerError(f"{path} is a directory; name the ledger file itself")
    if not stat.S_ISREG(kind):
        raise LedgerError(f"{path} is not a regular file; choose another path")
    if create:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"cannot make {path.parent}: {error.strerror}; choose another path"
            ) from None
    refuse_network(path.parent)
    if create:
        _reserve(path)


def _reserve(path: Path) -> None:
    """Make the file private before SQLite makes it readable; one that is there is not opened."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise LedgerError(f"cannot make {path}: {error.strerror}; choose another path") from None


def _connect(path: Path, create: bool, wait_seconds: float) -> sqlite3.Connection:
    """`mode=rw`: a ledger that was removed meanwhile is not made anew by accident."""
    uri = f"file:{quote(os.fsencode(path))}?mode={'rwc' if create else 'rw'}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=wait_seconds, cached_statements=256
    )


def explain(error: sqlite3.Error, path: Path) -> str:
    """One line a person can act on; empty when the error is no fault of the file or disk."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _full(path.parent):
        code = sqlite3.SQLITE_FULL
    match code:
        case sqlite3.SQLITE_FULL:
            return f"no space left for {path}; free some and try again, nothing was lost"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return f"cannot write {path}: it is read-only; make it and its folder writable"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return f"{path} is damaged or no ledger ({error}); move it away or restore a backup"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return f"another program keeps {path} locked; end it and try again"
        case sqlite3.SQLITE_CANTOPEN:
            return f"cannot open {path}; it and its folder must be readable and writable"
        case sqlite3.SQLITE_IOERR:
            return f"the disk failed under {path} ({error}); check it, nothing was acknowledged"
        case sqlite3.SQLITE_NOMEM | sqlite3.SQLITE_TOOBIG:
            return f"too much data for {path} ({error}); nothing was written"
    return ""


def _full(folder: Path) -> bool:
    try:
        space = os.statvfs(folder)
    except OSError:
        return False
    return space.f_bavail * space.f_frsize < FULL_BYTES
