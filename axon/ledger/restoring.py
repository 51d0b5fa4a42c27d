"""Put a backup in the place of a ledger: verified first, the old one kept, nobody surprised."""

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from axon.errors import LedgerError
from axon.ledger.audit import findings
from axon.ledger.lock import Lock
from axon.ledger.place import check_place
from axon.ledger.schema import APPLICATION_ID, MIGRATIONS
from axon.ledger.upkeep import beside, flush

WAIT_SECONDS = 5.0


def restore(source: Path, target: Path) -> Path | None:
    source, target = Path(os.path.realpath(source)), Path(os.path.realpath(target))
    if source == target:
        raise LedgerError(f"{source} is the ledger itself; name a backup")
    check_place(source, create=False)
    check_place(target, create=True)
    lock = Lock(target.with_name(target.name + ".lock"), WAIT_SECONDS)
    try:
        return lock.alone(lambda: _replace(source, target, lock))
    finally:
        lock.close()


def _replace(source: Path, target: Path, lock: Lock) -> Path | None:
    _refuse_used(target)
    try:
        with beside(target) as partial:
            _copy(source, partial)
            kept = _set_aside(target)
    except BaseException:
        _keep_log(target)
        raise
    lock.retire()
    return kept


def _refuse_used(target: Path) -> None:
    """LedgerError while another process has the ledger open. A damaged one cannot tell."""
    if not target.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(target, isolation_level=None, timeout=1)) as db:
            db.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise LedgerError(
                f"{target} is in use; stop every axon that uses it and try again"
            ) from None
    except sqlite3.DatabaseError:
        pass


def _keep_log(target: Path) -> None:
    """It stays as it is: with the write-ahead log that the question whether it is used took off."""
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(target, isolation_level=None, timeout=1)) as db,
    ):
        db.execute("PRAGMA journal_mode = WAL").fetchone()


def _copy(source: Path, partial: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as backup,
            closing(sqlite3.connect(partial, isolation_level=None)) as copy,
        ):
            backup.backup(copy)
            _judge(copy, source)
            copy.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as error:
        raise LedgerError(f"cannot restore {source}: {error}; use another backup") from None


def _judge(copy: sqlite3.Connection, source: Path) -> None:
    version = int(copy.execute("PRAGMA user_version").fetchone()[0])
    if copy.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise LedgerError(f"{source} is no ledger; name a file made by axon ledger backup")
    if version > len(MIGRATIONS):
        raise LedgerError(f"{source} was written by a newer axon; use that version")
    damage = findings(copy) if version == len(MIGRATIONS) else []
    if damage:
        raise LedgerError(
            f"{source} is damaged ({damage[0].where}: {damage[0].what}); use another backup"
        )


def _set_aside(target: Path) -> Path | None:
    """Keep the old ledger, log and all, under another name; then take its log away.

    A log that stayed would be played into the file that comes in its place.
    """
    log = target.with_name(f"{target.name}-wal")
    kept = None
    if target.stat().st_size:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        kept = target.with_name(f"{target.name}.before-{stamp}")
        os.link(target, kept)
        if log.exists():
            os.link(log, kept.with_name(f"{kept.name}-wal"))
        flush(target.parent)
    for end in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            target.with_name(target.name + end).unlink()
    return kept
