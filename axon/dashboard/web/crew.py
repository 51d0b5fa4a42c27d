"""A bounded number of threads that answer requests, each with a desk of its own."""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from axon.dashboard.web.answer import Answer, Refusal, refusal
from axon.dashboard.web.plan import Work
from axon.errors import AxonError, Conflict, Forbidden, LedgerError, NotFound, UsageError

log = logging.getLogger(__name__)

MOST_WAITING = 1024
# Of an error's class, or the nearest one above it.
STATUS: dict[type[AxonError], tuple[int, str]] = {
    UsageError: (400, "bad_request"),
    NotFound: (404, "not_found"),
    Conflict: (412, "precondition_failed"),
    Forbidden: (409, "conflict"),
    LedgerError: (503, "unavailable"),
    AxonError: (409, "conflict"),
}

Done = Callable[[Answer], None]


class Crew:
    """`open_desk` is called in each thread, when there is something to do for it."""

    def __init__(self, open_desk: Callable[[], Any], threads: int) -> None:
        self._open_desk = open_desk
        self._most = threads
        self._jobs: SimpleQueue[tuple[Work, bytes, Done]] = SimpleQueue()
        self._busy = 0
        self._threads = 0
        self._lock = threading.Lock()

    def take(self, work: Work, body: bytes, done: Done) -> bool:
        """Have it done by the next thread that is free; False when too much waits already."""
        with self._lock:
            if self._busy >= MOST_WAITING:
                return False
            self._busy += 1
            more = self._threads < min(self._most, self._busy)
            self._threads += more
        self._jobs.put((work, body, done))
        if more:
            threading.Thread(target=self._serve, daemon=True, name="crew").start()
        return True

    def _serve(self) -> None:
        desk: Any = None
        while True:
            work, body, done = self._jobs.get()
            try:
                desk = desk or self._open_desk()
                answer = work.run(desk, body)
            except Exception as error:
                answer = answer_of(error)
            with self._lock:
                self._busy -= 1
            done(answer)


def answer_of(error: Exception) -> Answer:
    """What a person may do about it; the rest is a bug, whose traceback goes to the log."""
    if isinstance(error, Refusal):
        return error.answer
    if isinstance(error, AxonError):
        kinds = (kind for kind in type(error).__mro__ if kind in STATUS)
        status, code = STATUS[next(kinds)]
        answer = refusal(status, code, " ".join(str(error).split()))
        answer.close = False
        return answer
    log.error("request failed", exc_info=error)
    return refusal(500, "bug", "axon failed; its log says why")
