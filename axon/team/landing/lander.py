"""The landing process of a run: one task in review after the other, over all runs one at a time."""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

from axon.errors import AxonError, BadMove, Forbidden, LedgerError, StaleClaim
from axon.gateway.cassette import Kind
from axon.ledger import Lease, Ledger, WorkerStatus
from axon.security.secrets import Redactor
from axon.tasks import State, Task
from axon.team import tape
from axon.team.crew import Crew
from axon.team.follow import Follower
from axon.team.gate import GateResult
from axon.team.landing.batch import Batched, land_batch, next_batch, suspect, suspects
from axon.team.landing.land import Deferred, Landed, Rejected, land
from axon.team.landing.merge import gate_log
from axon.team.landing.sweep import Sweeper
from axon.team.landing.telling import conclude, why_nobody
from axon.team.leash import Leash
from axon.team.project import Project, hold, open_project

log = logging.getLogger(__name__)

NAME = "landing"
POLL_SECONDS = 0.2
LEASE_SECONDS = 15.0
MAX_TROUBLES = 5  # in a row; then the run is halted, for no task is to blame
HALT = "landing"
PERSON_SECONDS = 10.0  # that a person waits for a landing which is just moving the branch
PHASE = "land"
CLEAR_SECONDS = 2.0  # that a worker may take to leave a workspace when the run ends
PAUSE_SECONDS = 1.0  # after the first of them, doubled each time


def serve(crew: Crew, pipe: Connection) -> None:
    """Land until the coordinator says stop or is gone. The run is halted after trouble that does
    not go away; every step is found done or not done by the next lander."""
    leash = Leash(pipe)
    ledger = crew.open_ledger()
    project, stopping = open_project(crew.config, crew.sandbox), leash.stopping
    lander = Lander(crew=crew, project=project, ledger=ledger, stopping=stopping)
    try:
        while not stopping.is_set() and not leash.leaving.is_set():
            if not lander.turn():
                stopping.wait(POLL_SECONDS)
        lander.rest()
        if stopping.is_set():
            lander.clear()
        ledger.drop_worker(crew.run, NAME)
    except LedgerError as error:
        log.error("ledger failed reason=%r", str(error))
        raise SystemExit(error.exit_code) from None
    finally:
        ledger.close()


def to_land(ledger: Ledger) -> list[Task]:
    """Work that a worker handed in, oldest first. What was moved to review by hand has none of
    ours: another host, or a person, lands that."""
    return [task for task in ledger.tasks(states=[State.REVIEW]) if task.commit]


@dataclass(slots=True)
class Lander:
    """Looks for work in `turn`; what was decided is told to the ledger there and nowhere else."""

    crew: Crew
    project: Project
    ledger: Ledger
    stopping: threading.Event
    holder: str = ""  # of the duty, when that is no run
    _lease: Lease | None = None
    _renewed: float = 0.0
    _troubles: int = 0
    _not_before: float = 0.0
    _landing: Sequence[Task] = ()
    _known: dict[str, str] = field(default_factory=dict)  # commits whose landing has begun
    _redactor: Redactor = field(init=False)
    _sweeper: Sweeper = field(init=False)
    _follower: Follower | None = None  # of a recording

    def __post_init__(self) -> None:
        self._redactor = Redactor(self.crew.secrets)
        self.project = replace(self.project, redactor=self._redactor)
        self._sweeper = Sweeper(self.project, self.ledger, self._conclude)
        if self.crew.order:
            self._follower = Follower(self.crew, self.ledger)

    def turn(self) -> bool:
        """Land the oldest task in review, or whose turn it is; was there something to do?"""
        waiting = self._waiting()
        if not waiting or time.monotonic() < self._not_before:
            if not waiting:
                self.rest()
            self._sweep()
            return False
        try:
            if not self._on_duty():
                return False
            with hold(self.project, NAME):
                self._land(self._next(waiting))
        except LedgerError:
            raise
        except StaleClaim:
            self._lease = None
            return False
        except Forbidden:  # a person's axon land is at it
            return False
        except AxonError as error:
            self._trouble(waiting[0], str(error))
        return True

    def _waiting(self) -> list[Task]:
        waiting = to_land(self.ledger)
        if self._follower is None or not waiting:
            return waiting
        turn, difference = self._follower.landing(waiting)
        if turn:
            self._follower.say(turn[0].identifier, difference)
        return turn

    def land_now(self, task: Task) -> Task:
        """Land this one for a person; the task as it is then. Forbidden: another run is at it."""
        if not self._on_duty():
            raise Forbidden("another run is landing; wait until it is done, or stop it")
        with hold(self.project, NAME, wait_seconds=PERSON_SECONDS), self._entered([task]):
            outcome = land(self.project, task, self.watch)
            if isinstance(outcome, Deferred):
                gate_log(self.project).unlink(missing_ok=True)
                raise Forbidden(f"{task.identifier} cannot land now: {outcome.why}")
            self._tell(task, outcome)
        return self.ledger.task(task.identifier)

    def rest(self) -> None:
        """Leave the duty to others."""
        if self._lease is not None:
            self.ledger.drop_lease(self._lease)
            self._lease = None
            if self.crew.run:
                self._show("", "idle")

    def clear(self) -> None:
        """The last who sees to it: what landed last, or when another lander was killed."""
        self._sweeper.clear(CLEAR_SECONDS)

    def watch(self) -> str:
        """Called while a gate runs, and before the branch is moved."""
        if time.monotonic() - self._renewed > self._lease_seconds / 5 and not self._on_duty():
            return "the landing was taken over by another run"
        return "the run is stopping" if self.stopping.is_set() else self._called_off(self._landing)

    def _called_off(self, tasks: Sequence[Task]) -> str:
        """Which of them a person does not want to land any more, as it is."""
        for task in tasks:
            now = self.ledger.task(task.identifier)
            if now.state is not State.REVIEW or now.commit != task.commit:
                return f"{task.identifier} is {now.state.label} now"
        return ""

    @property
    def _lease_seconds(self) -> float:
        return min(LEASE_SECONDS, self.crew.config.lease_seconds)

    def _on_duty(self) -> bool:
        self._lease = self.ledger.lease(NAME, self.holder or self.crew.run, self._lease_seconds)
        self._renewed = time.monotonic()
        return self._lease is not None

    def _next(self, waiting: list[Task]) -> list[Task]:
        most = self.crew.config.land_batch
        return next_batch(waiting, suspects(self.project), most) if most > 1 else waiting[:1]

    def _land(self, tasks: list[Task]) -> None:
        """One alone, or several together."""
        task, alone = tasks[0], len(tasks) == 1
        self._show(task.identifier, "landing" if alone else f"landing {len(tasks)}")
        with self._entered(tasks):
            found: Batched | Landed | Rejected | Deferred = (
                land(self.project, task, self.watch)
                if alone
                else land_batch(self.project, tasks, self.watch)
            )
        if isinstance(found, Deferred):
            gate_log(self.project).unlink(missing_ok=True)
            if not self.stopping.is_set() and not self._called_off(tasks):
                self._trouble(task, found.why)
            return
        self._troubles = 0
        if isinstance(found, Batched):
            self._sort_out(tasks, found)
            return
        self._tell(task, found)
        if self.crew.config.land_batch > 1 and task.identifier in (left := suspects(self.project)):
            suspect(self.project, [name for name in left if name != task.identifier])

    def _sort_out(self, tasks: list[Task], batch: Batched) -> None:
        """Who has landed is told; among the others is who made the batch red, or conflicts."""
        names = [task.identifier for task in tasks]
        if batch.red:
            self._record("", "batch_red", f"{', '.join(names)}: halves are tried", batch=names)
            gate_log(self.project).unlink(missing_ok=True)
        for task, landed in batch.landed:
            self._tell(task, landed)
        done = {task.identifier for task, _ in batch.landed}
        before = suspects(self.project)
        now = names if batch.red else [*before, *batch.left_out]
        left = [name for name in dict.fromkeys(now) if name not in done]
        if left != before:
            suspect(self.project, left)

    def _tell(self, task: Task, outcome: Landed | Rejected) -> None:
        """Have the ledger know what was decided."""
        if self._lease is None:
            return  # the other lander finds what we did
        kind: Kind = "landed" if isinstance(outcome, Landed) else "rejected"
        if self._follower is not None:
            self._follower.say(task.identifier, self._follower.differs(task, kind))
        tape.keep(self.crew, kind, task)
        if outcome.gate is not None:
            self._record_gate(task, outcome.gate)
        try:
            if isinstance(outcome, Landed):
                self._landed(task, outcome, self._lease)
            else:
                self._rejected(task, outcome, self._lease)
        except BadMove as error:  # it was canceled while we were at it
            self._record(task.identifier, "landing_late", str(error))

    @contextmanager
    def _entered(self, tasks: Sequence[Task]) -> Iterator[None]:
        """Store that the work has come to this phase, once for each commit handed in."""
        for task in tasks:
            if self._known.get(task.identifier) != task.commit:
                self._known[task.identifier] = task.commit
                self._record(task.identifier, "phase", "", phase=PHASE, attempt=task.token)
        self._landing = tasks
        try:
            yield
        finally:
            self._landing = ()

    def _landed(self, task: Task, outcome: Landed, lease: Lease) -> None:
        self.ledger.landed(
            lease,
            task.identifier,
            commit=outcome.commit,
            target=outcome.target,
            verified=outcome.verified,
        )
        self.project.reached("landing.told")
        log.info("landed task=%s commit=%s on=%s", task.identifier, outcome.commit, outcome.target)
        if outcome.beside:
            why = f"{outcome.beside}; axon land brings it over"
            self._record(task.identifier, "landed_beside", why, target=outcome.target)
        self._conclude(task)
        self._sweeper.remove(task.identifier)

    def _conclude(self, task: Task) -> None:
        crew = self.crew
        conclude(self.ledger, task, run=crew.run, why_not=why_nobody(crew), by=crew.told)

    def _rejected(self, task: Task, outcome: Rejected, lease: Lease) -> None:
        clean = self._redactor.text
        log.info("rejected task=%s reason=%r", task.identifier, clean(outcome.why))
        self.ledger.reject(
            lease, task.identifier, clean(outcome.why), feedback=clean(outcome.feedback)
        )

    def _record_gate(self, task: Task, gate: GateResult) -> None:
        kept = self.project.state_dir / "logs" / f"{task.identifier}.landing.gate.log"
        found = gate_log(self.project)
        if found.exists():  # a batch has one for all; the next check writes it anew
            text = self._redactor.text(found.read_text("utf-8", "replace"))
            kept.write_text(text, "utf-8", "replace")
        self._record(
            task.identifier,
            "gate",
            self._redactor.text(gate.why),
            passed=gate.passed,
            code=gate.code,
            seconds=round(gate.seconds, 3),
            where="landing",
            log=str(Path("logs", kept.name)),
        )

    def _trouble(self, task: Task, why: str) -> None:
        """Nothing was decided: once more a little later, but not for ever."""
        self._troubles += 1
        self._not_before = time.monotonic() + PAUSE_SECONDS * 2 ** (self._troubles - 1)
        log.warning("landing deferred task=%s reason=%r", task.identifier, why)
        self._record(task.identifier, "landing_deferred", why, times=self._troubles)
        self._show(task.identifier, f"waiting: {why}")
        if self._troubles >= MAX_TROUBLES:
            self._not_before = float("inf")
            self.ledger.halt_run(self.crew.run, HALT, f"{task.identifier} cannot land: {why}")

    def _sweep(self) -> None:
        if commit := self._sweeper.sweep(self.watch):
            self._record("", "brought_over", f"{self.project.target} is at {commit[:7]}")

    def _record(self, identifier: str, action: str, why: str, **data: object) -> None:
        self.ledger.record(
            action, actor=NAME, identifier=identifier, run=self.crew.run, why=why, data=data
        )

    def _show(self, identifier: str, doing: str) -> None:
        now = time.time()
        self.ledger.set_worker(
            WorkerStatus(
                name=NAME,
                run=self.crew.run,
                pid=os.getpid(),
                identifier=identifier,
                doing=doing,
                since=now if identifier else 0.0,
                updated_at=now,
            )
        )
