"""What passes between a child, the gateway and an upstream: requests, replies, hang-ups."""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from axon.ledger import Session

Headers = tuple[tuple[str, str], ...]

# Each says something about one connection only, or about a body that is passed on unpacked.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


FOLD = re.compile(r"[\r\n]+[ \t]*")
MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,200})"')


class ChildGone(Exception):
    """The child has hung up: whatever is done for it can stop."""


class NoReply(Exception):
    """The upstream gave no answer. `again`: nothing says that another try would be in vain."""

    def __init__(self, reason: str, *, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again


class Cut(Exception):
    """The upstream's answer ended before its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of a child, whole."""

    method: str
    target: str  # path and query
    headers: Headers
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def metered(self) -> bool:
        """Only these cost tokens; counting them is free."""
        return self.method == "POST" and self.path == "/v1/messages"

    @property
    def model(self) -> str:
        """As far as it shows without reading the body whole: the CLI names it first."""
        found = MODEL.search(self.body, 0, 4096)
        return found[1].decode("utf-8", "replace") if found else ""

    def header(self, name: str) -> str:
        return header(self.headers, name)

    def document(self) -> dict[str, Any]:
        """The body as JSON; empty when it is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An upstream's answer, its body still to come. `pieces` raises Cut."""

    status: int
    headers: Headers
    pieces: Iterator[bytes]
    length: int | None = None  # of the body, when known before
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer whose body is at hand."""

    status: int
    headers: Headers
    body: bytes = b""


class Hangup:
    """Tells whoever works for a child that it has gone, and wakes them from waiting."""

    def __init__(self) -> None:
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._wake: Callable[[], None] | None = None

    def set(self) -> None:
        with self._lock:
            self._gone.set()
            wake = self._wake
        if wake:
            wake()

    def wakes(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called at a hang-up, at once if that was before; None: no longer."""
        with self._lock:
            self._wake = wake
            gone = self._gone.is_set()
        if gone and wake:
            wake()

    @property
    def gone(self) -> bool:
        return self._gone.is_set()

    def wait(self, seconds: float) -> None:
        """Let time pass. ChildGone as soon as the child hangs up."""
        if self._gone.wait(max(seconds, 0)):
            raise ChildGone


class Child(Protocol):
    """The way back to the child. Its methods raise ChildGone."""

    hangup: Hangup

    def start(self, status: int, headers: Headers, length: int | None) -> None: ...
    def write(self, piece: bytes) -> None: ...
    def end(self) -> None: ...
    def answer(self, answer: Answer) -> None: ...


class Upstream(Protocol):
    """Where the model's answers come from."""

    def send(self, request: Request, session: Session, hangup: Hangup) -> Reply:
        """NoReply when there is none; ChildGone."""
        ...

    def close(self) -> None:
        """No more requests will come."""
        ...


def header(headers: Iterable[tuple[str, str]], name: str) -> str:
    """The first value of that header, or ""."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return ""


def passed_on(headers: Headers, *, without: frozenset[str] = frozenset()) -> Headers:
    """The headers that go further: all but those of this connection."""
    named = header(headers, "connection").lower().replace(",", " ").split()
    dropped = HOP_BY_HOP | without | set(named)
    return tuple((key, value) for key, value in headers if key.lower() not in dropped)


def unfolded(value: str) -> str:
    """A header's value on one line: nothing in it may start another header."""
    return FOLD.sub(" ", value)


def problem(status: int, kind: str, message: str, *, again: bool = False) -> Answer:
    """An error as the Messages API tells it; without `again` the CLI ends instead of retrying."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
    headers: Headers = (("content-type", "application/json"),)
    return Answer(status=status, headers=headers if again else (*headers, NO_RETRY), body=body)


def whole(answer: Answer) -> Reply:
    """An answer at hand as one that comes."""
    body = iter([answer.body])
    return Reply(status=answer.status, headers=answer.headers, pieces=body, length=len(answer.body))


NO_RETRY = ("x-should-retry", "false")  # Claude Code obeys it for every status
