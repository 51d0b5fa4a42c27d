"""Keep a ledger well: copies of it that are whole, space given back, and what it holds."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from axon.errors import LedgerError
from axon.ledger.audit import audit, findings
from axon.ledger.records import Finding
from axon.ledger.schema import MIGRATIONS
from axon.ledger.store import Store
from axon.ledger.transaction import Tx

COUNTED = ("task", "event", "comment", "run", "session", "usage")


class FileUpkeep:
    """The part of `axon.ledger.Ledger` that keeps the file well, for whoever has a store."""

    _store: Store

    def check(self) -> list[Finding]:
        return self._store.read(audit)

    def backup(self, path: Path) -> None:
        self._store.tend(lambda db, source: backup(db, source, path), alone=False)

    def compact(self) -> None:
        self._store.tend(compact, alone=True)

    def stats(self) -> dict[str, Any]:
        return self._store.read(stats, self._store.path)


def backup(db: sqlite3.Connection, source: Path, target: Path) -> None:
    """Copy what `db` shows now to `target`, which is replaced only by a sound copy."""
    target = Path(os.path.realpath(target))
    if target in (source, *(source.with_name(source.name + end) for end in ("-wal", "-shm"))):
        raise LedgerError(f"{target} is the ledger itself; name another file for the backup")
    with beside(target) as partial:
        with _explained(target), closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # the one file is then all of it
            damage = findings(copy)
        if damage:
            first = damage[0]
            raise LedgerError(
                f"{source} is damaged ({first.where}: {first.what}), so no backup was made;"
                " restore an older one"
            )


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A private new file that takes the place of `target`, flushed, when all went well."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    if target.exists() and not target.is_file():
        raise LedgerError(f"{target} is not a regular file; choose another path")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        try:
            yield partial
            flush(partial)
            os.replace(partial, target)
            flush(target.parent)
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()
    except OSError as error:
        raise LedgerError(f"cannot write {target}: {error.strerror}; choose another path") from None


def flush(path: Path) -> None:
    """Onto the disk: a file's bytes, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def compact(db: sqlite3.Connection, path: Path) -> None:
    """Rewrite the file without its unused pages, and empty its log."""
    db.execute("VACUUM")
    busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise LedgerError(f"another process reads {path}; try again when it has ended")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerError(
            f"cannot copy to {path}: {error}; free some space or choose another path"
        ) from None


def stats(tx: Tx, path: Path) -> dict[str, Any]:
    """Sizes in bytes and counts of rows."""
    pages, free, size = (
        int(tx.db.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    log = path.with_name(f"{path.name}-wal")
    counts = {
        f"{table}s": int(tx.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        for table in COUNTED
    }
    return {
        "path": str(path),
        "schema": len(MIGRATIONS),
        "bytes": pages * size,
        "unused_bytes": free * size,
        "log_bytes": log.stat().st_size if log.exists() else 0,
        **counts,
    }
