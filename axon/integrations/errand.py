"""What the courier does again and again: one errand for each service it looks after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from axon.config import Config
from axon.errors import AxonError
from axon.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What errands are given. No other process of a run has these tokens."""

    config: Config  # with the tokens of services; its `environ` is that of axon's own processes
    run: str  # "": outside of a run
    secrets: tuple[str, ...] = ()  # to be redacted wherever they turn up
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)  # proxies, the desktop


def courier_of(run: str) -> str:
    """Who holds a lease for the errands of a run: the next courier of it, too."""
    return f"courier of {run}"


class Errand(Protocol):
    """Runs in a thread of its own: what holds it up holds up no other."""

    @property
    def name(self) -> str:
        """For logs and events: a few plain words."""
        ...

    @property
    def final(self) -> bool:
        """Whether it is run once more when the run has ended."""
        ...

    def once(self, ledger: Ledger, now: float) -> float:
        """Do what is due, within bounds; seconds until it is wanted again.

        An error is told once, and the errand is tried again later and later. What is done must
        bear being cut off anywhere and done again. `ledger` is the thread's own.
        """
        ...


@runtime_checkable
class Duty(Errand, Protocol):
    """An errand that holds a lease."""

    def let_go(self, ledger: Ledger) -> None:
        """Give it up, after the last round."""
        ...


class Outage(AxonError):
    """The service cannot be used for now. `seconds`: when to try again, where that is known."""

    code = "outage"

    def __init__(self, message: str, *, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds
