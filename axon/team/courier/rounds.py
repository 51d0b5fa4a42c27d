"""One errand again and again, in a thread: whatever happens to it stays there."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

from axon.errors import AxonError
from axon.integrations.errand import Duty, Errand, Outage
from axon.ledger import Ledger

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0  # after a failure, doubled each time
LEAST_PAUSE = 0.05  # an errand that is wanted at once must not keep a core busy


class Rounds:
    """Runs its errand when it is wanted; tells a failure once, and when that is over."""

    def __init__(self, errand: Errand, opened: Callable[[], Ledger], run: str = "") -> None:
        self.errand = errand
        self._opened = opened
        self._run = run
        self._ledger: Ledger | None = None
        self._stopping = threading.Event()
        self._failures = 0
        self._told = ""
        self._thread = threading.Thread(target=self._work, name=errand.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No more rounds, but one last where the errand wants it."""
        self._stopping.set()

    def join(self) -> None:
        self._thread.join()

    def let_go(self) -> None:
        """After the last round; from any thread, for its own may wait for an answer."""
        if isinstance(self.errand, Duty):
            with suppress(AxonError), closing(self._opened()) as ledger:  # else it runs out
                self.errand.let_go(ledger)

    def turn(self, now: float) -> float:
        """One round; seconds until the next."""
        try:
            if self._ledger is None:
                self._ledger = self._opened()
            pause = self.errand.once(self._ledger, now)
        except Exception as error:  # a bug of one errand must not end the others
            return self._failed(error)
        if self._told:
            self._tell("errand_mended", f"{self.errand.name}: works again")
        self._failures, self._told = 0, ""
        return max(LEAST_PAUSE, pause)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self.turn(time.time()))
        if self.errand.final:
            self.turn(time.time())

    def _failed(self, error: Exception) -> float:
        if not isinstance(error, AxonError):
            log.exception("errand failed name=%s", self.errand.name)
        reason = str(error) if isinstance(error, AxonError) else f"{type(error).__name__}: {error}"
        self._failures += 1
        if reason != self._told:
            self._told = reason
            self._tell("errand_failed", f"{self.errand.name}: {reason}")
        if isinstance(error, Outage) and error.seconds is not None:
            return max(LEAST_PAUSE, error.seconds)
        return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures - 1, 20)))

    def _tell(self, action: str, why: str) -> None:
        log.warning("%s why=%r", action, why)
        if self._ledger is None:
            return
        try:
            self._ledger.record(action, actor="courier", run=self._run, why=why)
        except Exception as error:  # a ledger that fails is the coordinator's to tell
            log.error("not recorded action=%s reason=%r", action, str(error))
