"""Acknowledge nothing before it is on the disk, and let those who wait share one flush.

A transaction is committed inside the lock without a flush (SQLite's synchronous = NORMAL), and
its write-ahead log is flushed after the lock was given up: others commit meanwhile, and one
fdatasync then covers all of them. Measured against SQLite's own flush inside the lock
(synchronous = FULL): the same for one process, several times as much for many.

Why nothing acknowledged can be lost: the log is replayed from its start to the first frame that
is not whole, so that flushing its file makes all commits up to then durable. A checkpoint may
move commits into the database before they were flushed here; SQLite then flushes the log before
it writes there, and the database before it begins the log anew, in NORMAL as in FULL.

Opening and closing the log beside SQLite is safe: it takes POSIX locks on the database and on
the shared memory, never on the log.
"""

import fcntl
import os
import struct
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from axon.errors import LedgerError

AT = 256  # where in the lock file the mark stands
MARK = struct.Struct(">Q16sI")
PATIENCE_SECONDS = 0.05  # for another's flush; then everybody flushes for himself
PAUSE_SECONDS = 0.0002  # before it is looked again, at first
MOST_PAUSE_SECONDS = 0.002  # about what a flush takes: many who wait must not keep a core busy

Head = tuple[int, bytes]  # the number of an event and its digest


class Flusher:
    """Makes commits durable, and keeps a mark of the last event known to be."""

    def __init__(self, path: Path, lock_path: Path, head: Callable[[], Head]) -> None:
        self._log = path.with_name(f"{path.name}-wal")
        self._lock_path = lock_path
        self._head = head
        self._fd = -1
        self._mark_fd = -1

    def mark(self) -> Head:
        """The last event that was flushed by anybody; (0, b"") where none is known."""
        raw = os.pread(self._marks(), MARK.size, AT)
        if len(raw) == MARK.size:
            seq, digest, total = MARK.unpack(raw)
            if total == _total(seq, digest):
                return seq, digest
        return 0, b""

    def flush(self, seq: int) -> None:
        """Return when event `seq` and all before it are on the disk. 0: whatever is committed."""
        if seq and self.mark()[0] >= seq:
            return
        try:
            self._share(seq)
        except OSError as error:
            raise LedgerError(
                f"the disk failed under {self._log} ({error.strerror}); check it, what was done"
                " last may be lost"
            ) from None

    def close(self) -> None:
        for descriptor in (self._fd, self._mark_fd):
            if descriptor >= 0:
                os.close(descriptor)
        self._fd = self._mark_fd = -1

    def _share(self, seq: int) -> None:
        descriptor = self._logs()
        until = time.monotonic() + PATIENCE_SECONDS
        pause = PAUSE_SECONDS
        while not _try_lock(descriptor):
            # who holds it may have begun to flush before our commit, or may have been stopped
            time.sleep(pause)
            pause = min(2 * pause, MOST_PAUSE_SECONDS)
            if seq and self.mark()[0] >= seq:
                return
            if time.monotonic() >= until:
                _sync(descriptor)
                return
        try:
            if not seq or self.mark()[0] < seq:
                head = self._head()
                _sync(descriptor)
                self._set(head)
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _set(self, head: Head) -> None:
        seq, digest = head
        if digest:
            os.pwrite(self._marks(), MARK.pack(seq, digest, _total(seq, digest)), AT)

    def _logs(self) -> int:
        if self._fd < 0:
            self._fd = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        return self._fd

    def _marks(self) -> int:
        if self._mark_fd < 0:
            self._mark_fd = os.open(self._lock_path, os.O_RDWR | os.O_CLOEXEC)
        return self._mark_fd


def _total(seq: int, digest: bytes) -> int:
    return zlib.crc32(digest, seq & 0xFFFFFFFF)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":  # its fsync alone does not reach the disk
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)
