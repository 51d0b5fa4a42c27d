"""A thread with a ledger connection of its own, which never moves to another."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from axon.errors import LedgerError
from axon.ledger import Ledger

Job = Callable[[Ledger], Any]
IDLE_SECONDS = 0.5


@dataclass(slots=True)
class _Errand:
    """A job, and whoever waits for it: on a bare lock, for this is on every request's way."""

    job: Job
    answer: Any = None
    error: Exception | None = None
    _done: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._done.acquire()

    def run(self, ledger: Ledger) -> None:
        try:
            self.answer = self.job(ledger)
        except Exception as error:
            self.error = error
        self._done.release()

    def ended(self, seconds: float) -> bool:
        """Whether it has run; waits no longer than that."""
        if not self._done.acquire(timeout=seconds):
            return False
        self._done.release()
        return True


class Clerk:
    """Does one job after the other; `idle` now and then in between, while it says it must."""

    def __init__(
        self, name: str, open_ledger: Callable[[], Ledger], idle: Callable[[Ledger], bool]
    ) -> None:
        self._idle = idle
        self._jobs: queue.SimpleQueue[_Errand | None] = queue.SimpleQueue()
        self._opened: Exception | None = None
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._work, args=(open_ledger, ready), daemon=True, name=name
        )
        self._thread.start()
        ready.wait()
        if self._opened is not None:
            raise self._opened

    def do(self, job: Job) -> Any:
        """What `job` returns or raises. LedgerError: too late."""
        errand = _Errand(job)
        self._jobs.put(errand)
        while not errand.ended(1.0):
            if not self._thread.is_alive() and not errand.ended(0):
                raise LedgerError("the gateway is closing; ask its successor")
        if errand.error is not None:
            raise errand.error
        return errand.answer

    def close(self, seconds: float) -> None:
        """Let it end what it has begun, if that takes no longer."""
        self._jobs.put(None)
        self._thread.join(seconds)

    def _work(self, open_ledger: Callable[[], Ledger], ready: threading.Event) -> None:
        try:
            ledger = open_ledger()
        except Exception as error:
            self._opened = error
            return
        finally:
            ready.set()
        busy = False
        while True:
            try:
                errand = self._jobs.get(timeout=IDLE_SECONDS if busy else None)
            except queue.Empty:
                busy = self._idle(ledger)
                continue
            if errand is None:
                break
            errand.run(ledger)
            busy = self._idle(ledger)
        ledger.close()
