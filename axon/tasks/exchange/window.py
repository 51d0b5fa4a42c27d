"""Values of JSON one after the other out of a file, without all of it in memory."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

from axon.errors import UsageError

CHUNK = 1 << 18
SPACE = " \t\n\r"
CUT = 16  # an error so close to the end of what was read may come from the cut


def refuse(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is no number")


DECODER = json.JSONDecoder(parse_constant=refuse)


class Window:
    """The part of the file that is looked at, and where in the file that is."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._lines = 0  # before the text
        self._columns = 0  # in the line in which the text begins

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if (found := self._text[self._at]) not in SPACE:
                    return found
                self._at += 1
            if not self._more(CHUNK):
                return ""

    def skip(self) -> None:
        self._at += 1

    def line(self) -> int:
        """The number of the line that is looked at."""
        return self._lines + self._text.count("\n", 0, self._at) + 1

    def value(self) -> Any:
        """The value that begins here. UsageError tells the line."""
        size = CHUNK
        while True:
            try:
                found, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - CUT
                if not (cut and self._more(size)):
                    raise self._error(error.msg, error.pos) from None
            except (ValueError, RecursionError) as error:
                raise UsageError(f"not acceptable JSON ({error})") from None
            else:
                if end < len(self._text) or not self._more(size):
                    self._at = end
                    return found
            size *= 2  # so that a long value is not read anew too often

    def wrong(self, what: str) -> UsageError:
        """What is wrong at this place."""
        return self._error(what, self._at)

    def _more(self, size: int) -> bool:
        piece = self._file.read(size)
        if not piece:
            return False
        gone = self._text[: self._at]
        if lines := gone.count("\n"):
            self._lines += lines
            self._columns = len(gone) - gone.rfind("\n") - 1
        else:
            self._columns += len(gone)
        self._text = self._text[self._at :] + piece
        self._at = 0
        return True

    def _error(self, what: str, place: int) -> UsageError:
        before = self._text[:place]
        line = self._lines + before.count("\n") + 1
        column = place - before.rfind("\n") + (0 if "\n" in before else self._columns)
        return UsageError(f"line {line}: not valid JSON ({what}, column {column})")


def items(file: TextIO) -> Iterator[Any]:
    """What the one list in the file holds."""
    window = Window(file)
    assert window.peek() == "["
    window.skip()
    if window.peek() == "]":
        window.skip()
    else:
        while True:
            window.peek()
            yield window.value()
            after = window.peek()
            if after not in (",", "]") or not after:
                raise window.wrong("Expecting ',' delimiter")
            window.skip()
            if after == "]":
                break
    if window.peek():
        raise window.wrong("Extra data")


def only(file: TextIO) -> tuple[Any, bool]:
    """The first value, and whether nothing comes after it."""
    window = Window(file)
    window.peek()
    return window.value(), not window.peek()
