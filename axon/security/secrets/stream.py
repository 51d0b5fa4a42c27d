"""Take secrets out of a text that arrives in pieces, wherever it was cut."""

import codecs
from collections.abc import Iterable

from axon.security.secrets.redactor import REDACTED, Redactor

HOLD = 16 << 10  # characters kept back: a secret that is not told by its live value is shorter
MOST = 64 << 10  # of one that does not end, no more is kept
_BEGINNING = 80


class RedactedStream:
    """`feed` answers what is safe to pass on by now, `end` the rest."""

    def __init__(self, redactor: Redactor, hold: int = HOLD) -> None:
        self._redactor = redactor
        self._hold = max(hold, redactor.longest())
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: list[str] = []
        self._size = 0
        self._next = 2 * self._hold

    def feed(self, piece: str | bytes) -> str:
        text = self._decoder.decode(piece) if isinstance(piece, bytes) else piece
        self._pieces.append(text)
        self._size += len(text)
        if self._size < self._next:
            return ""
        passed = self._passed(last=False)
        # what cannot be cut yet is looked at again when it has grown well, not at each piece
        self._next = self._size + 2 * self._hold
        return passed

    def end(self) -> str:
        self._pieces.append(self._decoder.decode(b"", final=True))
        return self._passed(last=True)

    def _passed(self, *, last: bool) -> str:
        held = "".join(self._pieces)
        spans = _merged(self._redactor.spans(held))
        cut = len(held) if last else self._cut(held, spans)
        passed, at = [], 0
        for start, end in spans:
            if end <= cut:
                passed += [held[at:start], REDACTED]
                at = end
        passed.append(held[at:cut])
        kept = held[cut:]
        if not cut and len(kept) > MOST and spans and spans[0] == (0, len(kept)):
            kept = kept[:_BEGINNING]  # one secret without end: how it begins is enough to go on
        self._pieces, self._size = [kept], len(kept)
        return "".join(passed)

    def _cut(self, held: str, spans: list[tuple[int, int]]) -> int:
        """Where nothing is cut in two: what reaches the end may go on in the next piece."""
        cut = len(held) - self._hold
        for start, end in reversed(spans):
            if start < cut < end or (end == len(held) and start < cut):
                cut = start
        return cut


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, and none inside or across another."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
