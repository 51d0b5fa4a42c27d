"""Where a replayed run stands in the order of its recording, by what its ledger says."""

from collections import Counter
from dataclasses import dataclass, field

from axon.gateway.cassette import Kind, Step
from axon.ledger import Event, Ledger
from axon.tasks import State, Task
from axon.team.attempt.assignment import may_claim
from axon.team.crew import Crew
from axon.team.order import Scene, Turn, paired, to_begin, to_land
from axon.team.tape import BEGUN

MISMATCH = "replay_mismatch"
LONGEST_WAIT_SECONDS = 600.0  # back-offs are shorter
SAID = {"begun": "an attempt at", "landed": "the landing of", "rejected": "the refusal of"}


@dataclass(slots=True)
class Follower:
    """One for each worker, and for the landing; what they know is in the ledger alone."""

    crew: Crew
    ledger: Ledger
    _seen: int = 0
    _begun: Counter[str] = field(default_factory=Counter)
    _decided: Counter[str] = field(default_factory=Counter)
    _told: str = ""

    def claim(self, worker: str) -> Task | None:
        """As `Ledger.claim`, of those whose turn it is."""
        names = to_begin(*self._look())
        task = self._claim(worker, names)
        if task is None and names is not None:
            steps, scene = self._look()
            if not scene.working and not to_land(steps, scene).names:  # nobody else goes on
                task = self._claim(worker, None)
        return task

    def landing(self, waiting: list[Task]) -> tuple[list[Task], str]:
        """Those of them that may land now, in this order; how that is not as it was recorded."""
        turn = to_land(*self._look())
        known = {task.identifier: task for task in waiting}
        return [known[name] for name in turn.names if name in known], _missed(turn)

    def differs(self, task: Task, kind: Kind) -> str:
        """How the end of this landing is not as it was recorded."""
        steps, _ = self._look()
        kinds = [s.kind for s in steps if s.task == task.identifier and s.kind != BEGUN]
        number = self._decided[task.identifier]
        then = kinds[number] if number < len(kinds) else kind
        return "" if then == kind else f"recorded: {then}; now: {kind}"

    def say(self, identifier: str, difference: str) -> None:
        """Once, and only where the replay is to be strict."""
        if difference and self.crew.strict and self._told != difference:
            self._told = difference
            self.ledger.record(
                MISMATCH, actor="landing", identifier=identifier, run=self.crew.run, why=difference
            )

    def _claim(self, worker: str, names: list[str] | None) -> Task | None:
        crew = self.crew
        lease = crew.config.lease_seconds
        return self.ledger.claim(worker=worker, run=crew.run, lease_seconds=lease, among=names)

    def _look(self) -> tuple[tuple[Step, ...], Scene]:
        """Where something moves meanwhile, the next look tells."""
        before = self._catch_up()
        tasks = self.ledger.tasks()
        working = bool(self.ledger.claims(self.crew.run))
        claimable = self._claimable()
        moved = self.ledger.last_seq() != before
        touched = {*self._begun, *self._decided}
        return paired(self.crew.order, tasks, touched), Scene(
            states={task.identifier: task.state for task in tasks},
            begun=self._begun,
            decided=self._decided,
            waiting=tuple(t.identifier for t in tasks if t.state is State.REVIEW and t.commit),
            working=working or moved,
            claimable=claimable,
        )

    def _catch_up(self) -> int:
        last = self.ledger.last_seq()
        while page := self.ledger.events(after=self._seen, run=self.crew.run):
            self._seen = page[-1].seq
            for event in page:
                if event.action == BEGUN:
                    self._begun[event.identifier] += 1
                elif _decides(event):
                    self._decided[event.identifier] += 1
        return last

    def _claimable(self) -> bool:
        ready = self.ledger.ready_in(self.crew.run)
        if ready is None or ready > LONGEST_WAIT_SECONDS:
            return False
        pause = self.ledger.paused()
        if pause is not None and pause[1] is None:
            return False  # a person has to end that
        return may_claim(self.crew, self.ledger)


def _decides(event: Event) -> bool:
    return event.action == "land" or (
        event.action in ("fail", "give_up") and event.before is State.REVIEW
    )


def _missed(turn: Turn) -> str:
    if not turn.passed:
        return ""
    steps = ", ".join(f"{SAID[step.kind]} {step.title!r}" for step in turn.passed)
    return f"landed out of the recorded order: before it came {steps}"
