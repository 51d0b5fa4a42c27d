"""Keep a claim alive and show what its worker is doing, from a thread of its own."""

import logging
import threading
import time
from dataclasses import dataclass, field, replace

from axon.errors import AxonError, StaleClaim
from axon.ledger import Ledger, WorkerStatus
from axon.tasks import Claim
from axon.team.crew import Crew

log = logging.getLogger(__name__)

SHOW_SECONDS = 0.5
AGAIN_SECONDS = 15.0  # also when nothing is new: who says nothing is taken to be stuck


@dataclass(slots=True)
class Pulse:
    """`doing` and `turns` are set by the worker's main thread; `lost` says the claim has gone."""

    crew: Crew
    name: str
    pid: int
    doing: str = "idle"
    turns: int = 0
    lost: threading.Event = field(default_factory=threading.Event)
    _claim: Claim | None = None
    _since: float = 0.0
    _left: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._left.set()
        if self._thread:
            self._thread.join(timeout=5)

    def hold(self, claim: Claim | None) -> None:
        """From now on renew this claim, or none."""
        self.lost.clear()
        self.turns, self._since = 0, time.time()
        self.doing = "idle" if claim is None else "preparing"
        self._claim = claim

    def _beat(self) -> None:
        ledger = self.crew.open_ledger()
        shown: WorkerStatus | None = None
        renewed = said = 0.0
        lease = self.crew.config.lease_seconds
        while not self._left.wait(SHOW_SECONDS):
            claim = self._claim
            try:
                if claim and time.monotonic() - renewed > min(lease / 4, 10):
                    ledger.renew(claim, lease)
                    renewed = time.monotonic()
                status = self._status(claim)
                if status != shown or time.monotonic() - said > AGAIN_SECONDS:
                    self._show(ledger, status)
                    shown, said = status, time.monotonic()
            except StaleClaim:
                if claim is self._claim:
                    self.lost.set()
            except AxonError as error:  # the ledger may be busy or full: the lease has its slack
                log.warning("pulse missed worker=%s reason=%r", self.name, str(error))
        ledger.close()

    def _status(self, claim: Claim | None) -> WorkerStatus:
        return WorkerStatus(
            name=self.name,
            run=self.crew.run,
            pid=self.pid,
            identifier=claim.identifier if claim else "",
            attempt=claim.token if claim else 0,
            doing=self.doing,
            turns=self.turns,
            since=self._since,
        )

    def _show(self, ledger: Ledger, status: WorkerStatus) -> None:
        spent = ledger.spent(identifier=status.identifier) if status.identifier else None
        ledger.set_worker(replace(status, cost_usd=spent, updated_at=time.time()))
