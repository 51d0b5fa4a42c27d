"""What is to be told to people and services outside, and how far others have been read."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from axon.facts import dataclass

T = TypeVar("T")


class Fate(StrEnum):
    """What has become of a letter."""

    PENDING = "pending"
    SENDING = "sending"  # it may have left: whoever finds it so was not the one to send it
    SENT = "sent"
    FAILED = "failed"  # refused, or given up
    UNKNOWN = "unknown"  # it may have arrived, and is not sent once more


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to be told on a channel; `key` names it there, and is told once."""

    key: str
    body: dict[str, Any]  # as the channel's notifier has rendered it
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A row of the outbox. Times are Unix seconds."""

    id: int
    channel: str
    key: str
    kind: str
    body: dict[str, Any]
    fate: Fate
    at: float  # when it was posted
    attempts: int = 0
    doubts: int = 0  # attempts after which nobody knows whether it arrived
    next_at: float = 0.0  # not before
    sent_at: float | None = None
    error: str = ""
    receipt: str = ""  # what the other side calls it


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of sending a letter once."""

    fate: Fate
    error: str = ""
    receipt: str = ""
    next_at: float = 0.0
    doubtful: bool = False  # nobody knows whether it arrived
    counted: bool = True  # False: it was no attempt, as when we are told to wait


class Outbox(Protocol):
    """The part of the Ledger that what leaves the house goes through."""

    def post(self, channel: str, letters: Sequence[Note]) -> int:
        """Add those whose key the channel has not seen, in this order; how many those were."""
        ...

    def open_letters(self, channel: str, *, limit: int = 20) -> list[Letter]:
        """Those that are pending or sending, in the order in which they were posted."""
        ...

    def letters(self, channel: str = "", *, key: str = "", limit: int = 100) -> list[Letter]:
        """The newest, oldest first."""
        ...

    def channels(self) -> dict[str, dict[str, int]]:
        """How many letters of each fate each channel has."""
        ...

    def begin_sending(self, letter: Letter) -> bool:
        """Before it leaves, durable. False: it is not pending any more."""
        ...

    def end_sending(self, letter: Letter, outcome: Outcome) -> None:
        """What has become of one that was sending."""
        ...

    def tidy_outbox(self, before: float) -> int:
        """Forget what was posted before that and is settled; how many letters."""
        ...

    def bookmark(self, name: str) -> str:
        """How far something has been read; "" when nothing is known."""
        ...

    def bookmarks(self, prefix: str) -> dict[str, str]: ...
    def set_bookmark(self, name: str, value: str) -> None:
        """An empty `value` takes the bookmark away."""
        ...

    def together(self, work: Callable[[], T]) -> T:
        """All that `work` does with this ledger, in one transaction: all of it, or nothing.

        It must be short and do nothing else. An error of a call in it must be its end, and the
        history is not to be read after a write.
        """
        ...
