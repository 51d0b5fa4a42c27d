"""A file of tasks as text, read piece by piece and more than once."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TextIO

from axon.errors import UsageError

HEAD = 64 * 1024  # characters that tell what kind of file it is
MARK = "\ufeff"  # what some programs put before UTF-8


class Source:
    """Text that is there, or a file that can be wound back. What is no UTF-8 is replaced."""

    def __init__(self, content: str | IO[bytes], *, exact: bool = False) -> None:
        """`exact`: what is no UTF-8 is an error, a UsageError that names its line."""
        self._content = content.removeprefix(MARK) if isinstance(content, str) else content
        self._exact = exact

    @contextmanager
    def reading(self, newline: str = "\n") -> Iterator[TextIO]:
        """From its beginning. `newline`: as `open` has it."""
        if isinstance(self._content, str):
            yield io.StringIO(self._content, newline=newline)
            return
        self._content.seek(0)
        wrong = "strict" if self._exact else "replace"
        text = io.TextIOWrapper(self._content, "utf-8-sig", wrong, newline)
        try:
            yield text
        except UnicodeDecodeError:
            raise UsageError(f"line {self._wrong_line()}: it is no UTF-8; convert it") from None
        finally:
            if not self._content.closed:  # a reader that was left behind ends later than the file
                text.detach()

    def head(self) -> str:
        if isinstance(self._content, str):
            return self._content[:HEAD]
        self._content.seek(0)
        return self._content.read(HEAD).decode("utf-8-sig", "replace")

    def size(self) -> int:
        """In bytes, or in characters of a text."""
        if isinstance(self._content, str):
            return len(self._content)
        return self._content.seek(0, io.SEEK_END)

    def binary(self) -> IO[bytes]:
        return (
            io.BytesIO(self._content.encode()) if isinstance(self._content, str) else self._content
        )

    def _wrong_line(self) -> int:
        assert not isinstance(self._content, str)
        self._content.seek(0)
        for number, line in enumerate(self._content, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
        return 1

    def whole(self) -> str:
        with self.reading() as file:
            return file.read()
