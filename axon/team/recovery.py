"""Take back what a run held whose coordinator was killed, so that the next one goes on at once."""

import logging
import os
import socket
import time

from axon.errors import StaleClaim
from axon.ledger import Ledger, Run

log = logging.getLogger(__name__)

DEATH_SECONDS = 6.0  # its processes notice within this that it has gone


def recover(ledger: Ledger) -> None:
    """End dead runs of this host and release their claims; other hosts' leases run out."""
    for run in ledger.runs():
        if run.ended_at is None and run.host == socket.gethostname() and not _exists(run.pid):
            _take_back(ledger, run)
    ledger.expire()


def _take_back(ledger: Ledger, run: Run) -> None:
    deadline = time.monotonic() + DEATH_SECONDS
    pids = [worker.pid for worker in ledger.workers(run.id)]
    while any(_exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    if any(_exists(pid) for pid in pids):  # or others have their numbers now: leases decide
        log.warning("processes of a dead run may be alive run=%s", run.id)
        return
    for claim in ledger.claims(run.id):
        try:
            ledger.release(claim, "its run was killed")
        except StaleClaim:
            log.info("claim was gone already task=%s", claim.identifier)
    ledger.record("run_lost", actor="coordinator", run=run.id, why="its coordinator was killed")
    ledger.end_run(run.id)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0
