"""What is left to do, and what a run held whose coordinator was killed: the next goes on there."""

import logging
import os
import socket
import time

from axon.config import Config
from axon.errors import StaleClaim
from axon.integrations.errand import courier_of
from axon.ledger import Ledger, Run
from axon.tasks import State, Task
from axon.team.processes import start_time

log = logging.getLogger(__name__)

DEATH_SECONDS = 6.0  # its processes notice within this that it has gone


def recover(ledger: Ledger, seconds: float = DEATH_SECONDS) -> None:
    """End dead runs of this host and release their claims; other hosts' leases run out.

    `seconds`: for processes of a run that has just died to notice it.
    """
    for run in ledger.runs():
        if run.ended_at is None and run.host == socket.gethostname() and not exists(run.pid):
            _take_back(ledger, run, seconds)
    ledger.expire()


def _take_back(ledger: Ledger, run: Run, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    pids = [worker.pid for worker in ledger.workers(run.id)]
    while any(exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    if any(exists(pid) for pid in pids):  # or others have their numbers now: leases decide
        log.warning("processes of a dead run may be alive run=%s", run.id)
        return
    for claim in ledger.claims(run.id):
        try:
            ledger.release(claim, "its run was killed")
        except StaleClaim:
            log.info("claim was gone already task=%s", claim.identifier)
    ledger.record("run_lost", actor="coordinator", run=run.id, why="its coordinator was killed")
    ledger.end_run(run.id)
    ledger.drop_leases(courier_of(run.id))


def exists(pid: int) -> bool:
    """Whether there is a living process of that number, whosever it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0 and start_time(pid) is not None  # a zombie waits for its parent, not for us


def nothing_to_do(ledger: Ledger, config: Config) -> str:
    """Why a run would end at once, or nothing."""
    counts = ledger.counts()
    if not any(counts.values()):
        return (
            'the ledger is empty; add tasks with axon task add "TITLE", axon task import FILE, '
            "or axon team TASKS.md"
        )
    if counts[State.IN_PROGRESS] or ledger.ready_in() is not None:
        return ""
    if counts[State.REVIEW] and config.land == "auto":
        return ""
    left = ", ".join(f"{n} {State(s).label}" for s, n in counts.items() if n)
    return f"nothing to do ({left}); axon task list shows the tasks"


def continued(ledger: Ledger) -> list[str]:
    """A line for each task that is taken up where it was left."""
    begun = [
        task
        for task in ledger.tasks(states=(State.TODO, State.IN_PROGRESS, State.REVIEW))
        if task.attempts or task.state is not State.TODO
    ]
    if not begun:
        return ["nothing was begun before; all tasks start anew"]
    return [f"goes on with {task.identifier} ({_where(ledger, task)})" for task in begun]


def _where(ledger: Ledger, task: Task) -> str:
    """How far it had come, as its events tell."""
    if task.state is State.REVIEW:
        return "finished, to be landed"
    phases = [
        e for e in ledger.events(identifier=task.identifier, limit=100_000) if e.action == "phase"
    ]
    phase = str(phases[-1].data.get("phase")) if phases else ""
    parts = [
        f"attempt {task.attempts}",
        phase and f"was at {phase}",
        "its session is resumed" if task.engine_session else "",
    ]
    return ", ".join(part for part in parts if part)
