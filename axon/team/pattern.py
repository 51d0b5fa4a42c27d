"""Tell a fault of the surroundings from one of the tasks: it fails one after the other alike."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from axon.errors import EngineFault
from axon.ledger import Event

MOST_TASKS = 3  # that may fail alike, one after the other, before the run ends
GOES_WELL = frozenset({"submit", "land", "ask"})
FAILS = frozenset({"fail", "give_up"})
# A task's own: its agent took too long, cost too much, or did not do what its check asks for.
OWN = ("gate: exit ", "review: ", f"{EngineFault.TURNS}: ", f"{EngineFault.BUDGET}: ")
NO_GATE = ("gate: exit 126", "gate: exit 127")  # it cannot even be run


@dataclass(frozen=True, slots=True)
class SameFailure:
    """What the latest tasks failed of, as far as it is the same."""

    why: str = ""
    tasks: frozenset[str] = frozenset()

    def after(self, events: Iterable[Event]) -> "SameFailure":
        found = self
        for event in events:
            if event.action in GOES_WELL:
                found = SameFailure()
            elif event.action in FAILS and event.actor != "landing":
                found = found._failed(event)
        return found

    def _failed(self, event: Event) -> "SameFailure":
        if event.why.startswith(OWN) and not event.why.startswith(NO_GATE):
            return SameFailure()
        if event.why != self.why:
            return SameFailure(event.why, frozenset({event.identifier}))
        return replace(self, tasks=self.tasks | {event.identifier})

    @property
    def reason(self) -> str:
        """Why the run must end, or nothing."""
        if len(self.tasks) < MOST_TASKS:
            return ""
        return f"{len(self.tasks)} tasks in a row failed alike, so no task is to blame: {self.why}"
