"""A thread with a ledger connection of its own, which never moves to another."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from axon.errors import LedgerError
from axon.ledger import Ledger

Job = Callable[[Ledger], Any]
IDLE_SECONDS = 0.5


class Clerk:
    """Does one job after the other; `idle` now and then in between, while it says it must."""

    def __init__(
        self, name: str, open_ledger: Callable[[], Ledger], idle: Callable[[Ledger], bool]
    ) -> None:
        self._idle = idle
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Any]] | None] = queue.SimpleQueue()
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._work, args=(open_ledger, ready), daemon=True, name=name
        )
        self._thread.start()
        ready.result()

    def do(self, job: Job) -> Any:
        """What `job` returns or raises. LedgerError: too late."""
        future: Future[Any] = Future()
        self._jobs.put((job, future))
        while not future.done() and self._thread.is_alive():
            wait([future], timeout=1.0)
        if not future.done():
            raise LedgerError("the gateway is closing; ask its successor")
        return future.result()

    def close(self, seconds: float) -> None:
        """Let it end what it has begun, if that takes no longer."""
        self._jobs.put(None)
        self._thread.join(seconds)

    def _work(self, open_ledger: Callable[[], Ledger], ready: Future[None]) -> None:
        try:
            ledger = open_ledger()
        except Exception as error:
            ready.set_exception(error)
            return
        ready.set_result(None)
        busy = False
        while True:
            try:
                entry = self._jobs.get(timeout=IDLE_SECONDS if busy else None)
            except queue.Empty:
                busy = self._idle(ledger)
                continue
            if entry is None:
                break
            job, future = entry
            try:
                future.set_result(job(ledger))
            except Exception as error:
                future.set_exception(error)
            busy = self._idle(ledger)
        ledger.close()
