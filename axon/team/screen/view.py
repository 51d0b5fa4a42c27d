"""What a run looks like at one moment and at its end: all that a reporter is told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from axon.facts import dataclass
from axon.ledger import Event, Run, WorkerStatus
from axon.tasks import State, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A run now. `tasks` holds those that `events` or `workers` name, by identifier."""

    run: Run
    workers: Sequence[WorkerStatus]
    counts: Mapping[str, int]  # by state, of the whole ledger
    now: float  # Unix seconds
    events: Sequence[Event] = ()  # new since the last view
    tasks: Mapping[str, Task] = field(default_factory=dict)
    notice: str = ""  # what the whole team waits for: "paused until 14:05: rate limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a run ended. `reason` is one line: why it ended when not because all was done."""

    run: str
    exit_code: int
    reason: str = ""
    seconds: float = 0.0
    cost_usd: float | None = None
    tasks: Sequence[Task] = ()
    proposes: bool = False  # finished work waits for the merge of its pull request

    @property
    def counts(self) -> dict[str, int]:
        """Tasks of this run by state, every state named."""
        found = Counter(task.state for task in self.tasks)
        return {state.value: found[state] for state in State}

    @property
    def unverified(self) -> int:
        """Tasks that landed without any gate."""
        return sum(unverified(task) for task in self.tasks)


class Reporter(Protocol):
    """Shows a run to whoever watches; never blocks, and outlives a watcher that has gone."""

    def update(self, view: View) -> None: ...

    def finish(self, summary: Summary) -> None:
        """Show how it ended; returns when that has been written, or nobody takes it."""
        ...


def unverified(task: Task) -> bool:
    return task.state is State.DONE and task.verified is False
