"""What need not be worked out again: heads that were read, answers while nothing has changed."""

import time

from axon.dashboard.web.answer import Answer
from axon.dashboard.web.connection import Connection
from axon.dashboard.web.plan import Key, Work

HEADS, LARGEST_HEAD = 512, 2 << 10
ANSWERS, ANSWERS_BYTES = 256, 64 << 20


class Heads:
    """Who asks again says the same again: it is read once, and where it leads is found once.

    Only questions that always lead to the same are kept: reads whose answers are.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Work] = {}

    def find(self, data: bytes) -> Work | None:
        return self._known.get(data)

    def keep(self, data: bytes, work: Work) -> None:
        if work.key and len(data) <= LARGEST_HEAD:
            if len(self._known) >= HEADS:
                self._known.clear()
            self._known[data] = work


class Answers:
    """`pulse` is the ledger's when the question was asked: the answer may be newer, never older."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[int, float, Answer]] = {}
        self._bytes = 0
        self._asking: dict[tuple[Key, int], list[Connection]] = {}

    def find(self, key: Key, pulse: int) -> Answer | None:
        found = self._known.get(key)
        if found and pulse and found[0] == pulse and found[1] > time.monotonic():
            return found[2]
        return None

    def crowd(self, key: Key, pulse: int, connection: Connection) -> list[Connection] | None:
        """All who ask the same at once wait together; None when others have asked already."""
        others = self._asking.get((key, pulse))
        if others is not None:
            others.append(connection)
            return None
        crowd = [connection]
        if key:
            self._asking[key, pulse] = crowd
        return crowd

    def forget(self, key: Key, pulse: int) -> None:
        self._asking.pop((key, pulse), None)

    def keep(self, work: Work, pulse: int, answer: Answer) -> None:
        self.forget(work.key, pulse)
        if not (work.key and pulse and answer.status == 200):
            return
        size = len(answer.body) + len(answer.squeezed)
        if len(self._known) >= ANSWERS or self._bytes + size > ANSWERS_BYTES:
            self._known.clear()
            self._bytes = 0
        self._bytes += size
        self._known[work.key] = (pulse, time.monotonic() + work.fresh, answer)
