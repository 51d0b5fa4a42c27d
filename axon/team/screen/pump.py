"""Writing that never makes the writer wait: a stopped terminal must not stop the run."""

import os
import select
import threading
import time
from collections.abc import Callable
from typing import TextIO

MAX_PENDING = 16 << 20
DRAIN_SECONDS = 60.0  # without any progress: nobody reads any more

# For terminals that cannot show our own few glyphs.
_ASCII = str.maketrans({"…": "~", "·": "-", "━": "=", "─": "-", "•": "*"})


class Pump:
    """Hands text to a descriptor from a thread of its own, in order; bounded."""

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._pending: list[bytes] = []
        self._size = 0
        self._gone = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, text: str, *, must: bool = False) -> bool:
        """Queue `text`; False when too much is waiting (then nothing of it will be written)."""
        data = encoded(text, self._encoding)
        with self._changed:
            if self._gone:
                return True
            if self._size + len(data) > MAX_PENDING and not must:
                return False
            self._pending.append(data)
            self._size += len(data)
            self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
            self._thread.start()
        return True

    @property
    def idle(self) -> bool:
        """Whether all was written, or nobody is there to read it."""
        with self._changed:
            return self._gone or not self._size

    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Wait until all is written; give up after `seconds` without progress."""
        with self._changed:
            size, since = self._size, time.monotonic()
            while self._size and not self._gone and time.monotonic() - since < seconds:
                self._changed.wait(0.2)
                if self._size != size:
                    size, since = self._size, time.monotonic()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._pending:
                    self._changed.wait()
                data = self._pending.pop(0)
            try:
                self._write(data)
            except OSError:
                self._give_up()
                return

    def _write(self, data: bytes) -> None:
        while data:
            try:
                written = os.write(self._descriptor, data[:4096])
            except BlockingIOError:  # somebody who shares the terminal made it so
                select.select([], [self._descriptor], [], 1.0)
                continue
            data = data[written:]
            with self._changed:
                self._size -= written
                self._changed.notify_all()

    def _give_up(self) -> None:
        """The reader has gone. The run goes on; what is written later goes nowhere, quietly."""
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), self._descriptor)
        with self._changed:
            self._gone = True
            self._pending.clear()
            self._size = 0
            self._changed.notify_all()


class Direct:
    """The same for a stream without a descriptor: it cannot block."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self.idle = True

    def put(self, text: str, *, must: bool = False) -> bool:
        self._write(text)
        return True

    def drain(self, seconds: float = 0) -> None: ...


Output = Pump | Direct


def open_output(stream: TextIO) -> Output:
    """What `stream` had buffered goes first."""
    try:
        stream.flush()
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return Direct(stream.write)
    return Pump(descriptor, stream.encoding or "utf-8")


def encoded(text: str, encoding: str) -> bytes:
    """`text` for a terminal of `encoding`; a character it lacks still takes its one cell."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "replace")
