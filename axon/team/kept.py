"""Output of any length in bounded memory, and its file, which holds no secret at any moment."""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from axon.security.secrets import Redactor
from axon.security.secrets.stream import HOLD, RedactedStream

LOG_HALF_BYTES = 512 << 10
OUTPUT_HEAD_BYTES = 16 << 10
OUTPUT_TAIL_BYTES = 47 << 10


class LogFile:
    """The file of one command; never in the way."""

    def __init__(self, path: Path | None) -> None:
        self._file: BinaryIO | None = None
        if path is None:
            return
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "wb", opener=_private)  # noqa: SIM115

    def write(self, text: str) -> None:
        try:
            if self._file is not None:
                self._file.write(text.encode("utf-8", "replace"))
                self._file.flush()
        except OSError:  # a full disk must not decide what the gate says
            self.close()

    def anew(self, text: str) -> None:
        """Have it hold this and nothing else."""
        with suppress(OSError):
            if self._file is not None:
                self._file.seek(0)
                self._file.truncate()
        self.write(text)

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


class Kept:
    """Head and tail of a stream.

    What is safe is written to the log as it comes, so that whoever is killed leaves no secret;
    when all has come, the log is written anew with its end.
    """

    def __init__(self, log: LogFile, redactor: Redactor) -> None:
        self._log, self._redactor = log, redactor
        self._live = RedactedStream(redactor)
        # What is around a cut is kept as well: there a secret may be cut in two.
        self._around = max(HOLD, 4 * redactor.longest())
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def add(self, chunk: bytes) -> None:
        if self._total < LOG_HALF_BYTES:
            self._log.write(self._live.feed(chunk))
        self._head += chunk[: max(0, LOG_HALF_BYTES + self._around - len(self._head))]
        self._total += len(chunk)
        self._tail += chunk
        if len(self._tail) > 2 * (LOG_HALF_BYTES + self._around):
            del self._tail[: -LOG_HALF_BYTES - self._around]

    def text(self) -> str:
        """What was kept for who must read it, with a word on what was not."""
        kept = OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES
        if self._total <= kept:
            return _text(bytes(self._head) + self._end(self._total - len(self._head)))
        cut = f"\n... {self._total - kept} bytes left out ...\n"
        head = bytes(self._head[:OUTPUT_HEAD_BYTES])
        return _text(head) + cut + _text(self._end(OUTPUT_TAIL_BYTES))

    def close(self) -> None:
        self._log.anew(self._whole())
        self._log.close()

    def _whole(self) -> str:
        if self._total <= 2 * LOG_HALF_BYTES:
            # the head may reach into the tail
            data = bytes(self._head[:LOG_HALF_BYTES]) + self._end(self._total - LOG_HALF_BYTES)
            return self._redactor.text(_text(data))
        left = self._total - 2 * LOG_HALF_BYTES
        head, tail = bytes(self._head), bytes(self._tail)
        ends = len(_text(head[:LOG_HALF_BYTES]))
        begins = len(_text(tail[:-LOG_HALF_BYTES]))
        first = cut_after(self._redactor, _text(head), ends)
        last = cut_before(self._redactor, _text(tail), begins)
        return f"{first}\n... {left} bytes left out ...\n{last}"

    def _end(self, size: int) -> bytes:
        return bytes(self._tail[-size:]) if size > 0 else b""


def cut_after(redactor: Redactor, text: str, size: int) -> str:
    """The first `size` characters without secrets, also without the half of one."""
    return redactor.text(text[: _outside(redactor, text, size, -1)])


def cut_before(redactor: Redactor, text: str, at: int) -> str:
    """The same for what comes from `at` on."""
    return redactor.text(text[_outside(redactor, text, at, 1) :])


def _outside(redactor: Redactor, text: str, at: int, way: int) -> int:
    """The place next to `at` that is inside of no secret."""
    for start, end in sorted(redactor.spans(text), reverse=way < 0):
        if start < at < end:
            at = start if way < 0 else end
    return at


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
