"""What agents write while they work, and the messages that reach them there."""

from collections.abc import Sequence
from typing import Any, Protocol

from axon.facts import dataclass
from axon.tasks import Claim, Draft, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that the agent of task `identifier` has to be told, once."""

    id: int
    identifier: str
    at: float
    sender: str  # "person", or the identifier of the task whose agent sent it
    body: str
    read_at: float | None = None  # when an agent had it


class Messages(Protocol):
    """The part of the Ledger through which agents and people talk.

    A write that carries a claim raises StaleClaim once that was lost.
    """

    def send(
        self, identifier: str, body: str, *, sender: str = "person", claim: Claim | None = None
    ) -> Message:
        """Tell the agent of a task. NotFound; Forbidden: the task has ended, too many unread."""
        ...

    def unread(self, identifier: str) -> list[Message]:
        """Oldest first."""
        ...

    def acknowledge(self, ids: Sequence[int], claim: Claim) -> None:
        """The agent of this claim has them: no other attempt is told again."""
        ...

    def messages(self, identifier: str, *, limit: int = 100) -> list[Message]:
        """The newest, oldest first, read or not."""
        ...

    def remark(self, claim: Claim, body: str, *, on: str = "") -> None:
        """An agent's comment, on its own task or another."""
        ...

    def follow_up(self, claim: Claim, draft: Draft) -> Task:
        """Add a task that an agent found. Forbidden: too many of those wait already."""
        ...

    def report(self, claim: Claim, action: str, text: str, **data: Any) -> None:
        """An event about the claim's task, written only while the claim holds."""
        ...
