"""The upstream's limits, seen once for all sessions: how long all wait, and whose turn it is."""

import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from axon.gateway.pace import Pace
from axon.gateway.wire import Hangup, Headers, header

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 16.0
LOOK_SECONDS = 0.02  # between two looks of those who wait
TOLD_SECONDS = 0.5  # a shorter wait is not worth telling
MOST_SESSIONS = 4096
RATE, OVERLOAD, PACE = "rate limit", "overload", "limits nearly reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is waited for now."""

    reason: str
    until: float  # monotonic
    count: int  # requests


Tell = Callable[[Waiting | None], None]


class Limits:
    """While one request is told to wait, all of them do; then each session in its turn."""

    def __init__(self, tell: Tell = lambda waiting: None) -> None:
        self._lock = threading.Lock()
        self._until = 0.0  # monotonic
        self._reason = RATE
        self._pace = Pace()
        self._numbers = itertools.count()
        self._queue: dict[int, tuple[str, str]] = {}  # session and model of who waits, by number
        self._served: dict[str, float] = {}
        self._tell = tell
        self._told = 0.0  # the end of the wait that was told
        self._telling = threading.Lock()

    def hold(self, seconds: float, reason: str = RATE) -> None:
        """Nobody sends for so long from now."""
        with self._lock:
            until = time.monotonic() + seconds
            if until > self._until:
                self._until, self._reason = until, reason

    def learn(self, model: str, headers: Headers, mark: int) -> None:
        """What an answer tells of the limits; `mark`: what `wait` gave for its request."""
        with self._lock:
            self._pace.learn(model, headers, mark, time.monotonic())

    def wait(self, session: str, model: str, tokens: int, deadline: float, hangup: Hangup) -> int:
        """Return when it is this session's turn, at `deadline` (monotonic) at the latest.

        Waits for the end of a hold, and until the limits that are known have room for a prompt
        of so many tokens. Of several sessions that wait, the one that was served longest ago
        comes first. ChildGone.
        """
        number = next(self._numbers)
        with self._lock:
            self._queue[number] = (session, model)
        try:
            while True:
                with self._lock:
                    seconds = self._seconds(number, model, tokens, deadline)
                    if seconds <= 0:
                        self._serve(number)
                        return self._pace.take(model, tokens, time.monotonic())
                    waiting = self._waiting(model, tokens)
                if waiting is not None:
                    self._say(waiting)
                hangup.wait(min(seconds, LOOK_SECONDS))
        finally:
            with self._lock:
                self._queue.pop(number, None)
                idle = not self._queue
            if idle and self._told:
                self._say(None)

    def _seconds(self, number: int, model: str, tokens: int, deadline: float) -> float:
        now = time.monotonic()
        if now >= deadline:
            return 0.0
        seconds = max(self._until - now, self._pace.seconds(model, tokens, now))
        if seconds <= 0 and self._next(model) != number:
            seconds = LOOK_SECONDS
        return min(seconds, deadline - now)

    def _next(self, model: str) -> int:
        """Of those who wait for the same model."""
        rivals = (one for one, (_, wanted) in self._queue.items() if wanted == model)
        return min(rivals, key=lambda one: (self._served.get(self._queue[one][0], 0.0), one))

    def _serve(self, number: int) -> None:
        session, _ = self._queue.pop(number)
        if len(self._served) >= MOST_SESSIONS:
            self._served.clear()
        self._served[session] = time.monotonic()

    def _waiting(self, model: str, tokens: int) -> Waiting | None:
        """None for a wait that is over soon."""
        now = time.monotonic()
        paced = now + self._pace.seconds(model, tokens, now)
        until, reason = max((self._until, self._reason), (paced, PACE))
        if until - now < TOLD_SECONDS and not self._told:
            return None
        return Waiting(reason=reason, until=until, count=len(self._queue))

    def _say(self, waiting: Waiting | None) -> None:
        """Once for each end that there is to be told."""
        until = waiting.until if waiting else 0.0
        with self._telling:
            if waiting is None and self._queue:
                return
            if abs(until - self._told) >= TOLD_SECONDS:
                self._told = until
                self._tell(waiting)


def backoff(tries: int) -> float:
    """Seconds to wait when the upstream does not say how long, after so many tries."""
    return min(FIRST_BACKOFF * 2.0 ** min(tries, 16), LONGEST_BACKOFF) * random.uniform(0.75, 1.25)


def reset_seconds(headers: Headers, now: float) -> float | None:
    """How long the upstream asks us to wait, or None when it does not say.

    Moments are compared with the upstream's own clock: ours may be wrong.
    """
    here = _moment(header(headers, "date")) or now
    told = header(headers, "retry-after")
    if told:
        wait = _number(told)
        moment = None if wait is not None else _moment(told)
        if wait is not None or moment is not None:
            return max(wait if wait is not None else (moment or 0) - here, 0.0)
    names = {key.lower(): value for key, value in headers}
    moments = [_moment(names.get("anthropic-ratelimit-unified-reset", ""))]
    for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
        if names.get(f"anthropic-ratelimit-{kind}-remaining") == "0":
            moments.append(_moment(names.get(f"anthropic-ratelimit-{kind}-reset", "")))
    known = [moment for moment in moments if moment is not None]
    return max(max(known) - here, 0.0) if known else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e10 else None  # neither nan nor inf


def _moment(text: str) -> float | None:
    """Unix seconds of an HTTP date, an RFC 3339 time or a number."""
    if (number := _number(text)) is not None:
        return number
    try:
        moment = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
