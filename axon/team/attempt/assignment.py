"""What an attempt works with: the task and its claim, the project, and the ways to be stopped."""

import time
from dataclasses import dataclass, field
from typing import Any

from axon.ledger import Ledger
from axon.security.secrets import Redactor
from axon.tasks import Claim, State, Task
from axon.team.crew import Crew
from axon.team.leash import Leash
from axon.team.project import Project
from axon.team.pulse import Pulse


@dataclass(slots=True)
class Assignment:
    """Shared by the parts of one attempt. `redactor` learns the token of each session."""

    crew: Crew
    project: Project
    ledger: Ledger
    leash: Leash
    pulse: Pulse
    task: Task
    claim: Claim
    redactor: Redactor = field(init=False)
    _phase: str = ""

    def __post_init__(self) -> None:
        self.redactor = Redactor(self.crew.secrets)

    def watch(self) -> str:
        """Why whatever runs for this attempt must end now, or nothing."""
        if self.pulse.lost.is_set():
            return "the claim was lost"
        return "the run is stopping" if self.leash.stopping.is_set() else ""

    def cut_short(self) -> bool:
        return bool(self.watch())

    def record(self, action: str, why: str = "", **data: Any) -> None:
        self.ledger.record(
            action,
            actor=self.claim.worker,
            identifier=self.task.identifier,
            run=self.crew.run,
            why=why,
            data={**data, "attempt": self.claim.token},
        )

    def enter(self, phase: str, **facts: Any) -> None:
        """Store that the work has come to `phase`, once each time it does; facts always."""
        if facts or phase != self._phase:
            self._phase = phase
            self.record("phase", phase=phase, **facts)


def crowded(ledger: Ledger, most: int) -> bool:
    """Whether so much finished work waits for its landing that none should be added."""
    return ledger.counts()[State.REVIEW] >= most


def may_claim(crew: Crew, ledger: Ledger) -> bool:
    """Whether a worker of the run may begin another attempt."""
    if spent(ledger, crew.run, crew.max_iterations):
        return False
    return not crowded(ledger, crew.config.max_review)


def spent(ledger: Ledger, run: str, max_iterations: int | None) -> bool:
    """Whether the run has made all the attempts it may make."""
    if max_iterations is None:
        return False
    events = ledger.events(run=run, limit=100_000)
    return sum(event.action == "claim" for event in events) >= max_iterations


def soon(seconds: float) -> float:
    return time.time() + seconds
