"""Those who are told what happens: one small interface, whoever they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from axon.errors import AxonError
from axon.ledger import Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that happened, in plain text. `key` makes it unlike all others."""

    key: str
    kind: str  # one of axon.config.services.KINDS, or "reply"
    title: str  # one line
    body: str = ""
    identifier: str = ""
    run: str = ""
    at: float = 0.0
    quiet: bool = False  # nobody need look at once
    facts: Mapping[str, Any] = field(default_factory=dict)


class Notifier(Protocol):
    """Who is told on one channel."""

    @property
    def channel(self) -> str:
        """Its name in the outbox: "telegram 123456", "webhook ops"."""
        ...

    @property
    def kinds(self) -> frozenset[str]:
        """Of what it is told."""
        ...

    @property
    def repeats(self) -> bool:
        """Whether what may have arrived is sent once more, and not rather left."""
        ...

    def render(self, notice: Notice) -> list[dict[str, Any]]:
        """The letters that tell of it, as they will be kept: JSON-able, already redacted."""
        ...

    def send(self, letter: Letter) -> str:
        """Send it; what the other side calls it. Undelivered: it did not arrive, or may not."""
        ...


class Undelivered(AxonError):
    """A letter was not, or not surely, taken."""

    code = "undelivered"

    def __init__(
        self,
        message: str,
        *,
        then: Literal["later", "never", "nobody"] = "later",
        seconds: float | None = None,
        doubtful: bool = False,
        counted: bool = True,
    ) -> None:
        """`then`: try again; give this one up; or nothing can be sent on this channel for now."""
        super().__init__(message)
        self.then = then
        self.seconds = seconds
        self.doubtful = doubtful
        self.counted = counted
