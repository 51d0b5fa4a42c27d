"""One writer at a time among all processes, with a bounded wait that names who holds it."""

import fcntl
import os
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from axon.errors import LedgerError
from axon.ledger.holders import holder_of, record

PATIENCE_SECONDS = 0.5  # then a holder that was stopped is let go on
IDLE_SECONDS = 2.0  # a thread without anything to wait for ends after this

T = TypeVar("T")
WAITING_AT = 128  # where in the lock file the last who waits leaves a note
NOTE = struct.Struct("=d")
NOTE_SECONDS = 0.1  # how long it is taken to be true: a yield costs much where nobody waits

Work = Callable[[], Any]


class Lock:
    """An flock on a file beside the ledger: the kernel frees it when its holder dies.

    Who has to wait queues in the kernel, which is fair, but in a thread, which can be left
    behind; that thread does the work itself when its turn has come, so that nothing is locked
    while one thread wakes the other.
    """

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self._path = path
        self._wait_seconds = wait_seconds
        self._fd = -1
        self._queuer: _Queuer | None = None
        self._open()

    def alone(self, work: Callable[[], T], *, patient: bool = True) -> T:
        """Do `work`, one short transaction, while nobody else does theirs.

        LedgerError when the lock cannot be had in time. Not `patient`: where it cannot be had
        at once, do it all the same.
        """
        if self._fd < 0:
            self._open()
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._wait(work) if patient else work()
        return self._do(self._fd, work)

    def retire(self) -> None:
        """Take the lock's file away while it is held: who has it open must open the ledger anew."""
        self._path.unlink(missing_ok=True)

    def check(self, descriptor: int = -1) -> None:
        """LedgerError when the file was removed: others may hold another lock by now."""
        if os.fstat(self._fd if descriptor < 0 else descriptor).st_nlink == 0:
            raise LedgerError(
                f"{self._path} was removed while in use; stop every axon here and start again"
            )

    def close(self) -> None:
        if self._queuer:
            self._queuer.end()
            self._queuer = None
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

    def _do(self, descriptor: int, work: Callable[[], T]) -> T:
        try:
            self.check(descriptor)
            if sys.platform != "linux":
                record(descriptor)
            return work()
        finally:
            waited_for = _is_waited_for(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            if waited_for:  # let them have their turn before we may come back
                _let_others()

    def _wait(self, work: Callable[[], T]) -> T:
        job = _Job(work)
        _say_waiting(self._fd)
        while not (self._queuer and self._queuer.take(job)):
            self._queuer = _Queuer(self._fd, self._do)
        until = time.monotonic() + self._wait_seconds
        try:
            while not job.done.acquire(timeout=min(PATIENCE_SECONDS, self._wait_seconds)):
                holder = holder_of(self._fd)
                if not holder.go_on() and time.monotonic() >= until and job.leave():
                    self._abandon()
                    raise LedgerError(
                        f"the ledger has been locked by {holder} for {self._wait_seconds:g} s; let"
                        " that process go on, or end it"
                    )
        except BaseException:
            if job.leave():  # Ctrl-C
                self._abandon()
            raise
        if job.error is not None:
            raise job.error
        answer: T = job.answer
        return answer

    def _abandon(self) -> None:
        """The thread closes the descriptor when its turn comes."""
        self._fd = -1
        self._queuer = None


class _Job:
    """Something to be done alone; begun, left or done."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.answer: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()
        self._decided = threading.Lock()

    def begin(self) -> bool:
        """False: nobody waits for it any more."""
        return self._decided.acquire(blocking=False)

    def leave(self) -> bool:
        """Wait no longer. False: too late, it has begun."""
        return self._decided.acquire(blocking=False)

    def do(self, do: Callable[[], Any]) -> None:
        try:
            self.answer = do()
        except BaseException as error:
            self.error = error
        self.done.release()


class _Queuer(threading.Thread):
    """Blocks on `fd` for one job after another; ends when idle, or when it was left behind."""

    def __init__(self, fd: int, do: Callable[[int, Work], Any]) -> None:
        super().__init__(name="ledger-lock", daemon=True)
        self._fd = fd
        self._do = do
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._ending = threading.Lock()
        self._ended = False
        self.start()

    def take(self, job: _Job) -> bool:
        """False: it has ended meanwhile."""
        with self._ending:
            if not self._ended:
                self._jobs.put(job)
            return not self._ended

    def end(self) -> None:
        self._jobs.put(None)
        self.join()

    def run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._ending:
                    self._ended = self._jobs.empty()
                if self._ended:
                    return
                continue
            if job is None:
                return
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            if not job.begin():
                os.close(self._fd)
                return
            job.do(lambda work=job.work: self._do(self._fd, work))  # type: ignore[misc]


def _say_waiting(descriptor: int) -> None:
    """Leave a note that somebody waits; it is a courtesy and may be lost."""
    with suppress(OSError):
        os.pwrite(descriptor, NOTE.pack(time.monotonic()), WAITING_AT)


def _is_waited_for(descriptor: int) -> bool:
    raw = os.pread(descriptor, NOTE.size, WAITING_AT)
    return len(raw) == NOTE.size and abs(time.monotonic() - NOTE.unpack(raw)[0]) < NOTE_SECONDS


def _let_others() -> None:
    if sys.platform == "linux":
        os.sched_yield()
    else:
        time.sleep(0)
