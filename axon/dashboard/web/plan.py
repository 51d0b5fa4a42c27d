"""What a request comes to once its head was read: an answer, work for a thread, or a stream."""

from collections.abc import Callable
from typing import Any, Protocol

from axon.dashboard.web.answer import Answer
from axon.dashboard.web.head import Head
from axon.facts import dataclass

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """`run` is called by a thread of the crew with its own desk and the body.

    `key` not empty: the answer serves everybody who asks the same while `fresh` seconds have not
    passed and nothing has changed.
    """

    head: Head
    run: Callable[[Any, bytes], Answer]
    key: Key = ()
    fresh: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The connection goes to the broadcaster. `after` None: from now on."""

    after: int | None = None
    identifier: str = ""
    run: str = ""


class Site(Protocol):
    """What the loop serves."""

    def plan(self, head: Head) -> Answer | Work | Stream:
        """Refusal where the request is turned away before its body is read."""
        ...

    def pulse(self) -> int:
        """Another number once anything was written; 0 when that cannot be told."""
        ...
