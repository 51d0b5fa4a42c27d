"""Text for a terminal: other people's made harmless, ours measured, cut, wrapped and coloured."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Escape sequences as a terminal would swallow them. A string sequence (title, clipboard) counts
# only when it is closed on the same line, else one stray byte could hide all that follows it.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f\n]{0,2000}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
)
# Characters that draw nothing but reorder, join or mark: they hide what a text really says.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PAINT = re.compile(r"\x1b\[[0-9;]*m")
_COLORS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_ONE_LINE = 4000  # characters looked at: nobody reads more in one line


def plain(text: str) -> str:
    """`text` without power over a terminal: tabs and newlines stay, controls become visible."""
    text = _SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub(_escaped, _INVISIBLE.sub("", text))


def one_line(text: str) -> str:
    """`plain`, with every run of white space as one blank."""
    return " ".join(plain(text[:_ONE_LINE]).split())


def width(text: str) -> int:
    """The cells `text` (plain) takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def fit(text: str, columns: int, *, keep_end: bool = False) -> str:
    """`text` in at most `columns` cells; what was cut is marked by an ellipsis."""
    if width(text) <= columns and len(text) <= columns * 4:
        return text
    if columns < 2:
        return "…"[:columns]
    if keep_end:
        return "…" + text[len(text) - _room(reversed(text), columns - 1) :]
    return text[: _room(text, columns - 1)].rstrip() + "…"


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """`text` filled with blanks to `columns` cells; `right` puts it at the right edge."""
    blanks = " " * (columns - width(text))
    return blanks + text if right else text + blanks


def wrap(text: str, columns: int) -> list[str]:
    """The lines of `text` (plain), each at most `columns` cells, broken between words."""
    lines: list[str] = []
    for line in text.expandtabs(4).split("\n"):
        while len(line) > columns * 4 or width(line) > columns:
            cut = max(1, _room(line, columns))
            blank = line.rfind(" ", cut // 2, cut + 1)
            cut = blank if blank > 0 else cut
            lines.append(line[:cut].rstrip())
            line = line[cut:].lstrip(" ")
        lines.append(line.rstrip())
    return lines


def paint(text: str, color: str, on: bool = True) -> str:
    """`text` in a colour; apply it last, painted text cannot be measured any more."""
    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if on and text else text


def unpainted(text: str) -> str:
    return _PAINT.sub("", text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


@lru_cache(maxsize=4096)
def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    if unicodedata.east_asian_width(char) in "WF":
        return 2
    # an emoji newer than this Python's tables: too wide a guess cannot wrap a line
    newer = "\U0001f300" <= char <= "\U0001faff" and unicodedata.category(char) == "Cn"
    return 2 if newer else 1


def _room(text: Iterable[str], columns: int) -> int:
    """How many leading characters fit; four a cell at most, marks could be piled up for ever."""
    cells = 0
    count = 0
    for char in text:
        cells += _cells(char)
        if cells > columns or count >= columns * 4:
            break
        count += 1
    return count
