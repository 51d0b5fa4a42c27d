"""One writer at a time among all processes, with a bounded wait that names who holds it."""

import fcntl
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from axon.errors import LedgerError

RECORD_BYTES = 128


class Lock:
    """An flock on a file beside the ledger: the kernel frees it when its holder dies."""

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self._path = path
        self._wait_seconds = wait_seconds
        self._fd = -1
        words = [Path(sys.argv[0]).name, *sys.argv[1:2]] if sys.argv else []
        holder = f"{os.getpid()} {' '.join(words) or 'python'}"
        self._record = holder.encode("utf-8", "replace")[:RECORD_BYTES].ljust(RECORD_BYTES)
        self._open()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for one short transaction. LedgerError when it cannot be had in time."""
        self._acquire()
        try:
            with suppress(OSError):  # a full disk must not stop a writer that can go on
                os.pwrite(self._fd, self._record, 0)
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            # let those who wait have their turn before we may come back
            if sys.platform == "linux":
                os.sched_yield()
            else:
                time.sleep(0)

    def retire(self) -> None:
        """Take the lock's file away while it is held: who has it open must open the ledger anew."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise LedgerError(
                f"cannot write {self._path}: {error.strerror}; the ledger and its folder must be"
                " writable"
            ) from None

    def _acquire(self) -> None:
        if self._fd < 0:
            self._open()
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._queue()
        if os.fstat(self._fd).st_nlink == 0:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            raise LedgerError(
                f"{self._path} was removed while in use; stop every axon here and start again"
            )

    def _queue(self) -> None:
        """Wait in the kernel's queue, which is fair, but in a thread, which can be left."""
        waiter = _Waiter(self._fd)
        waiter.start()
        try:
            if waiter.got.wait(self._wait_seconds):
                return
        except BaseException:  # Ctrl-C
            if not waiter.leave():
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            else:
                self._fd = -1
            raise
        holder = self._holder()
        if waiter.leave():
            self._fd = -1  # the waiter closes it when its turn comes
            raise LedgerError(
                f"the ledger has been locked by {holder} for {self._wait_seconds:g} s; let that"
                " process go on, or end it"
            )

    def _holder(self) -> str:
        with suppress(OSError):
            text = os.pread(self._fd, RECORD_BYTES, 0).decode("utf-8", "replace")
            pid, _, command = text.strip().partition(" ")
            if pid.isdigit():
                return f"process {pid} ({command})"
        return "another process"


class _Waiter(threading.Thread):
    """Blocks on `fd` until it has the lock; when it was left meanwhile, gives it up again."""

    def __init__(self, fd: int) -> None:
        super().__init__(name="ledger-lock", daemon=True)
        self.got = threading.Event()
        self._fd = fd
        self._left = False
        self._deciding = threading.Lock()

    def run(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        with self._deciding:
            if self._left:
                os.close(self._fd)
            else:
                self.got.set()

    def leave(self) -> bool:
        """Wait no longer. False: too late, the lock is held."""
        with self._deciding:
            self._left = not self.got.is_set()
            return self._left
