"""One worker: claim a task, work one attempt at it, claim the next."""

import logging
import os
from multiprocessing.connection import Connection

from axon.errors import AxonError, Forbidden, LedgerError, StaleClaim
from axon.ledger import Ledger
from axon.security.secrets import redact_output
from axon.tasks import Claim, Task
from axon.team.attempt import Assignment, Attempt, may_claim, soon
from axon.team.crew import Crew
from axon.team.follow import Follower
from axon.team.leash import Leash
from axon.team.project import open_project
from axon.team.pulse import Pulse
from axon.team.workspace import NoRoom, check_room, hold

log = logging.getLogger(__name__)

POLL_SECONDS = 0.3  # between two looks for work when there is none


def serve(crew: Crew, name: str, pipe: Connection) -> None:
    """Serve the ledger until the coordinator says stop or is gone."""
    leash = Leash(pipe)
    redact_output(crew.secrets)
    pulse = Pulse(crew=crew, name=name, pid=os.getpid())
    pulse.start()
    project = open_project(crew.config, crew.sandbox)
    ledger = crew.open_ledger()
    follower = Follower(crew, ledger) if crew.order else None
    task: Task | None = None
    while not leash.stopping.is_set() and not leash.leaving.is_set():
        if task is None and may_claim(crew, ledger):
            task = _claim(crew, ledger, name, follower)
        if task is None:
            leash.stopping.wait(POLL_SECONDS)
            continue
        claim = Claim(identifier=task.identifier, token=task.token, worker=name, run=crew.run)
        project.reached("claimed")
        pulse.hold(claim)
        task = _work(Assignment(crew, project, ledger, leash, pulse, task, claim))
        pulse.hold(None)
    if task is not None:  # claimed with the last submit, not begun
        claim = Claim(identifier=task.identifier, token=task.token, worker=name, run=crew.run)
        ledger.release(claim, "its worker was told to leave", worked=False)
    pulse.stop()
    ledger.close()


def _claim(crew: Crew, ledger: Ledger, name: str, follower: Follower | None) -> Task | None:
    try:
        if follower is not None:
            return follower.claim(name)
        return ledger.claim(worker=name, run=crew.run, lease_seconds=crew.config.lease_seconds)
    except LedgerError as error:
        log.error("no claim reason=%r", str(error))
        raise SystemExit(error.exit_code) from None


def _work(at: Assignment) -> Task | None:
    """Work the attempt to its end; the next task, when it was claimed along with the end."""
    claim, ledger = at.claim, at.ledger
    try:
        with hold(at.project, claim.identifier):
            return Attempt(at).work()
    except StaleClaim:
        log.warning("claim lost task=%s token=%s", claim.identifier, claim.token)
    except NoRoom as error:
        _wait_for_room(ledger, claim, error)
    except Forbidden as error:  # its last holder has not quite gone
        ledger.release(claim, str(error), worked=False)
        at.leash.stopping.wait(1.0)
    except LedgerError as error:
        log.error("ledger failed task=%s reason=%r", claim.identifier, str(error))
        raise SystemExit(error.exit_code) from None
    except (AxonError, OSError):
        try:
            check_room(at.project)
        except NoRoom as error:  # then git and files cannot be written: nobody's failure
            _wait_for_room(ledger, claim, error)
        else:
            raise
    return None


def _wait_for_room(ledger: Ledger, claim: Claim, error: NoRoom) -> None:
    """Hold everybody until there is space again; looked at once a minute."""
    try:
        ledger.release(claim, str(error), worked=False)
        ledger.pause(str(error), until=soon(60), actor=claim.worker)
    except StaleClaim:
        log.warning("claim lost task=%s token=%s", claim.identifier, claim.token)
    except LedgerError as full:
        log.error("ledger failed task=%s reason=%r", claim.identifier, str(full))
        raise SystemExit(full.exit_code) from None
