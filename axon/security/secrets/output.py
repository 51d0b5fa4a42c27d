"""What a process says on its standard error or into its log, crashes too, without secrets."""

import io
import sys
from collections.abc import Iterable
from typing import TextIO

from axon.security.secrets.redactor import Redactor

MOST = 1 << 20  # characters of a line; a longer one is passed on in parts


class RedactedOutput(io.TextIOBase):
    """Stands for a text stream; passes on whole lines, so that nothing is cut in two."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""
        self.redactor = Redactor()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        self._line += text
        whole, newline, self._line = self._line.rpartition("\n")
        if newline:
            self._stream.write(self.redactor.text(whole) + newline)
        elif len(self._line) > MOST:
            self._pass_on()
        return len(text)

    def flush(self) -> None:
        """Called after each record of a log, and at the end: what is there is written."""
        self._pass_on()
        self._stream.flush()

    def _pass_on(self) -> None:
        line, self._line = self._line, ""
        self._stream.write(self.redactor.text(line))


def redact_output(values: Iterable[str] = ()) -> None:
    """From now on this process's output and log hold neither `values` nor what looks secret."""
    values = tuple(values)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, RedactedOutput):
            stream = RedactedOutput(stream)
            setattr(sys, name, stream)
        for value in values:
            stream.redactor.also(value)
