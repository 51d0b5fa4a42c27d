"""A file of tasks as text, read piece by piece and more than once."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TextIO

HEAD = 64 * 1024  # characters that tell what kind of file it is
MARK = "\ufeff"  # what some programs put before UTF-8


class Source:
    """Text that is there, or a file that can be wound back. What is no UTF-8 is replaced."""

    def __init__(self, content: str | IO[bytes]) -> None:
        self._content = content.removeprefix(MARK) if isinstance(content, str) else content

    @contextmanager
    def reading(self, newline: str = "\n") -> Iterator[TextIO]:
        """From its beginning. `newline`: as `open` has it."""
        if isinstance(self._content, str):
            yield io.StringIO(self._content, newline=newline)
            return
        self._content.seek(0)
        text = io.TextIOWrapper(self._content, "utf-8-sig", "replace", newline)
        try:
            yield text
        finally:
            if not self._content.closed:  # a reader that was left behind ends later than the file
                text.detach()

    def head(self) -> str:
        with self.reading() as file:
            return file.read(HEAD)

    def whole(self) -> str:
        with self.reading() as file:
            return file.read()
