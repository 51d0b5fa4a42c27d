"""The upstream's limits, seen once for all sessions: how long everybody waits."""

import random
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from axon.gateway.wire import Hangup, Headers, header

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 16.0


class Limits:
    """While one request is told to wait, all of them do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0  # monotonic

    def hold(self, seconds: float) -> None:
        """Nobody sends for so long from now."""
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def wait(self, deadline: float, hangup: Hangup) -> None:
        """Return when sending is allowed, at `deadline` (monotonic) at the latest. ChildGone.

        Those who waited are spread a little, or they would all ask at once.
        """
        waited = False
        while (seconds := min(self._until, deadline) - time.monotonic()) > 0:
            hangup.wait(seconds)
            waited = True
        if waited:
            hangup.wait(random.uniform(0, 0.25))


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
