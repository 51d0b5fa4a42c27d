"""The one component that runs a team: it starts, watches and ends, and decides when it is over."""

import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from axon.errors import AxonError, EngineError, EngineFault, LedgerError, StaleClaim
from axon.ledger import Event, Ledger, Run
from axon.monitoring.heartbeat import Heartbeat, beat_or_log
from axon.tasks import Claim, State, Task
from axon.team import courier, landing
from axon.team.attempt import crowded, spent
from axon.team.landing.lander import to_land
from axon.team.pattern import SameFailure
from axon.team.screen import Reporter, Summary, View
from axon.team.supervisor import Exit, Role, Supervisor

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
LEADERSHIP_SECONDS = 20.0
LAST_WORDS_SECONDS = 20.0  # for the courier to tell how the run ended
PARK_SECONDS = 20.0  # for running agents to be interrupted and their work kept
LONGEST_WAIT_SECONDS = 600.0  # back-offs are shorter; a task with a later date is not waited for
SAME_FAILURE = "same_failure"
LEDGER_FAULT = "ledger"  # a run halted with this exits 6, with any engine fault 5


class Proposals(Protocol):
    """What is known of the pull requests that the courier makes."""

    def pending(self) -> bool:
        """Work still waits to become one, and will."""
        ...

    def made(self, task: Task) -> bool: ...


@dataclass(slots=True)
class Coordinator:
    """One run. `roles` are its children; the ledger says how far it is."""

    ledger: Ledger
    run: Run
    supervisor: Supervisor
    reporter: Reporter
    max_iterations: int | None = None  # attempts, over all tasks
    max_review: int = 20  # no task is begun while so many wait for their landing
    lands: bool = True  # else finished work waits in Review for a person
    proposals: Proposals | None = None  # finished work becomes pull requests
    stays: bool = False  # wait for new tasks when there are none
    leadership: float = LEADERSHIP_SECONDS
    waits: bool = True  # for a person to end a pause; else the run ends with it
    reread: Callable[[], list[Role]] | None = None  # the roles as the configuration has them now
    heartbeat: Heartbeat | None = None
    heartbeat_seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)
    signals: int = 0  # Ctrl-C or SIGTERM received so far
    hangups: int = 0  # not acted on yet
    reason: str = ""
    _held: bool = False  # a pause has ended the run
    _failing: SameFailure = field(default_factory=SameFailure)
    _seen: int = 0
    _renewed: float = 0.0
    _next_beat: float = 0.0

    def work(self, roles: list[Role]) -> int:
        """Run until nothing is left to do or the run must end; the exit code."""
        self._seen = self.ledger.last_seq()
        for role in roles:
            self.supervisor.add(role)
        try:
            while not self._over():
                self._tick()
            self._park()
        finally:
            self.supervisor.end(sparing=(courier.NAME,))
            self._release_all("the run ended")
        code = self._exit_code()
        self.ledger.end_run(self.run.id)
        self._show()
        self.reporter.finish(self._summary(code))
        self._last_words()
        return code

    def _last_words(self) -> None:
        """What the courier cannot tell in time stays in the outbox."""
        if courier.NAME in self.supervisor.children:
            before = self.signals
            self.supervisor.ask_to_stop(courier.NAME)
            names = [courier.NAME]
            self.supervisor.await_end(names, LAST_WORDS_SECONDS, lambda: self.signals > before)
        self.supervisor.end()

    def on_signal(self, number: int, frame: Any) -> None:
        """Only counts: the loop acts on it (a handler may interrupt anything)."""
        if number == signal.SIGHUP and self.reread is not None:
            self.hangups += 1
        else:
            self.signals += 1

    def _tick(self) -> None:
        for exit_ in self.supervisor.tick(TICK_SECONDS):
            self._died(exit_)
        if self.hangups:
            self.hangups = 0
            self._reread()
        if why := self._failing.reason:
            self.ledger.halt_run(self.run.id, SAME_FAILURE, why)
        now = time.monotonic()
        if now - self._renewed > self.leadership / 4:
            self._renewed = now
            self.ledger.renew_run(self.run.id, self.leadership)
            self.ledger.expire()
        if self.heartbeat is not None and now >= self._next_beat:
            self._next_beat = now + self.heartbeat_seconds
            beat_or_log(self.heartbeat, time.time())
        self._show()

    def _reread(self) -> None:
        """Have successors who go by the new configuration, or keep to the last good one."""
        assert self.reread is not None
        try:
            roles = self.reread()
        except AxonError as error:
            self._note("config_kept", f"the configuration in use is kept: {error}")
            return
        names = {role.name for role in roles}
        ours = [n for n in self.supervisor.children if n.startswith(("worker", courier.NAME))]
        gone = [name for name in ours if name not in names]
        self.supervisor.replace(roles, gone)
        self._note("config_reread", "each worker goes by it from its next task on")

    def _note(self, action: str, why: str) -> None:
        self.ledger.record(action, actor="coordinator", run=self.run.id, why=why)

    def _died(self, exit_: Exit) -> None:
        """A child has ended: what it held goes back, the supervisor has cleared the rest."""
        if exit_.asked:
            self.ledger.drop_worker(self.run.id, exit_.name)
            return
        held = [c for c in self.ledger.claims(self.run.id) if c.worker == exit_.name]
        self.ledger.record(
            "worker_died",
            actor="coordinator",
            run=self.run.id,
            identifier=held[0].identifier if held else "",
            why=f"{exit_.name} (pid {exit_.pid}) {exit_.how}",
        )
        for claim in held:
            self._release(claim, f"its worker {exit_.how}", lost=True)
        self.ledger.drop_worker(self.run.id, exit_.name)
        child = self.supervisor.children[exit_.name]
        others = [c for c in self.supervisor.children.values() if not c.given_up]
        workers_left = any(c.role.name.startswith("worker") for c in others)
        lost = not workers_left or not exit_.name.startswith("worker")
        if child.given_up and child.role.needed and lost:
            self.ledger.halt_run(
                self.run.id,
                LEDGER_FAULT if exit_.code == LedgerError.exit_code else EngineFault.BUG,
                f"{exit_.name} {exit_.how} again and again; .axon/axon.log says why",
            )

    def _release(self, claim: Claim, why: str, *, lost: bool = False) -> None:
        halted = bool(self.ledger.run(self.run.id).halt)  # then the engine could not work
        try:
            self.ledger.release(claim, why, worked=not halted, lost=lost)
        except StaleClaim:
            log.info("claim was gone already task=%s", claim.identifier)

    def _release_all(self, why: str) -> None:
        for claim in self.ledger.claims(self.run.id):
            self._release(claim, why)

    def _over(self) -> bool:
        run = self.ledger.run(self.run.id)
        if self.signals or run.stop_requested:
            self.reason = "interrupted" if self.signals else "stopped by a person"
            return True
        if run.halt:
            self.reason = run.halt_reason
            return True
        if self.ledger.claims(self.run.id) or (self.lands and to_land(self.ledger)):
            return False
        if self.proposals is not None and self.proposals.pending():
            return False
        if spent(self.ledger, self.run.id, self.max_iterations):
            self.reason = f"made {self.max_iterations} iterations"
            return True
        if not self.lands and crowded(self.ledger, self.max_review):
            how = "their pull requests" if self.proposals is not None else "axon land --all"
            self.reason = f"{self.max_review} tasks wait in Review: {how}"
            return not self.stays
        if self.stays:
            return False
        ready = self.ledger.ready_in(self.run.id)
        pause = self.ledger.paused()
        if ready is not None and not self.waits and pause and pause[1] is None:
            self.reason = f"paused: {pause[0]}; axon resume, then start again"
            self._held = True
            return True
        return ready is None or ready > LONGEST_WAIT_SECONDS

    def _park(self) -> None:
        """Let running agents be interrupted and their work kept; a second signal cuts it short."""
        before = self.signals
        names = [n for n, child in self.supervisor.children.items() if not child.role.lasts]
        self.supervisor.ask_to_stop(*names)
        self._show("parking what runs; Ctrl-C again stops it now" if self._busy() else "")
        self.supervisor.await_end(names, PARK_SECONDS, lambda: self.signals > max(before, 1))

    def _busy(self) -> bool:
        return bool(self.ledger.claims(self.run.id))

    def _show(self, notice: str = "") -> None:
        events = self.ledger.events(after=self._seen, limit=1000)
        if events:
            self._seen = events[-1].seq
            self._failing = self._failing.after(e for e in events if e.run == self.run.id)
        pause = self.ledger.paused()
        if pause and not notice:
            until = time.strftime(" until %H:%M:%S", time.localtime(pause[1])) if pause[1] else ""
            notice = f"paused{until}: {pause[0]}"
        workers = self.ledger.workers(self.run.id)
        names = {w.identifier for w in workers} | {e.identifier for e in events}
        self.reporter.update(
            View(
                run=self.ledger.run(self.run.id),
                workers=workers,
                counts=self.ledger.counts(),
                events=events,
                tasks={name: self.ledger.task(name) for name in names if name},
                now=time.time(),
                notice=notice,
            )
        )

    def _tasks(self) -> list[Task]:
        """The tasks this run has taken, and those it could not take."""
        touched = {e.identifier for e in self._events() if e.action == "claim"}
        return [t for t in self.ledger.tasks() if t.identifier in touched or t.state is State.TODO]

    def _events(self) -> list[Event]:
        found: list[Event] = []
        while page := self.ledger.events(after=found[-1].seq if found else 0, run=self.run.id):
            found += page
        return found

    def _exit_code(self) -> int:
        run = self.ledger.run(self.run.id)
        if self.signals or run.stop_requested:
            return 130
        if run.halt in (EngineFault.BUDGET, SAME_FAILURE, landing.NAME):  # it ran, for some time
            return AxonError.exit_code
        if run.halt:
            failed: type[AxonError] = LedgerError if run.halt == LEDGER_FAULT else EngineError
            return failed.exit_code
        return 0 if all(self._settled(t, run) for t in self._tasks()) else 1

    def _settled(self, task: Task, run: Run) -> bool:
        """Whether `task` is no reason to say that something asked for was not done."""
        if task.state in (State.DONE, State.CANCELED):
            return True
        if task.state is State.REVIEW and not self.lands:
            return self.proposals is None or self.proposals.made(task)
        later = task.not_before is not None and task.not_before > time.time()
        bounded = run.max_tasks is not None or self.max_iterations is not None
        return task.state is State.TODO and (later or (bounded and not self._held))

    def _summary(self, code: int) -> Summary:
        run = self.ledger.run(self.run.id)
        tasks = [t for t in self._tasks() if t.attempts or t.state is not State.TODO]
        return Summary(
            run=run.id,
            exit_code=code,
            reason=self.reason,
            seconds=time.monotonic() - self.started,
            cost_usd=run.cost_usd,
            tasks=tasks,
            proposes=self.proposals is not None,
        )


def watch_signals(handler: Callable[[int, Any], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)
