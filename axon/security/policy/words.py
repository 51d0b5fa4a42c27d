"""Read one word as bash does: quotes, escapes, expansions."""

import re

from axon.security.policy.cursor import Cursor
from axon.security.policy.expansions import (
    joined,
    read_backquoted,
    read_dollar,
    read_double,
    read_process,
)
from axon.security.policy.refusal import Refused
from axon.security.policy.screen import bare
from axon.security.policy.tree import Glob, Home, Part, Text, Word

_RUN = re.compile(r"[A-Za-z0-9_./,:@%+=^!\]-]+")
_BRACKET = re.compile(r"\[[!^]?[A-Za-z0-9_.-]+\]")
END = " \t\n|&;()<>"


def read_word(cursor: Cursor) -> Word:
    """The word that begins here; empty when none does."""
    if cursor.starts("<(") or cursor.starts(">("):
        return _whole(cursor, (read_process(cursor),))
    parts: list[Part] = []
    start = cursor.at
    while not cursor.at_end() and cursor.peek() not in END:
        if (run := cursor.match(_RUN)) is not None:
            parts.append(Text(run))
        else:
            parts += _piece(cursor, first=cursor.at == start)
    if cursor.starts("<(") or cursor.starts(">("):
        raise Refused("<(...) right behind a word; put a blank there")
    _check_tildes(parts)
    return tuple(joined(parts))


def _whole(cursor: Cursor, word: Word) -> Word:
    joined_on = cursor.peek(2) in ("<(", ">(")
    if joined_on or (not cursor.at_end() and cursor.peek() not in END):
        raise Refused("text right behind <(...); put a blank there")
    return word


def _piece(cursor: Cursor, *, first: bool) -> list[Part]:
    char = cursor.peek()
    cursor.count_part()
    if char == "'":
        return [_single(cursor)]
    if char == '"':
        cursor.at += 1
        return read_double(cursor, '"')
    if char == "\\":
        return [_escaped(cursor)]
    if char == "$":
        return read_dollar(cursor, quoted=False)
    if char == "`":
        return [read_backquoted(cursor, quoted=False)]
    if char in "*?[":
        return [_glob(cursor)]
    cursor.at += 1
    if char == "~" and first:
        return [_home(cursor)]
    if not bare(char):
        raise Refused(f"the character U+{ord(char):04X} outside quotes; quote it, or write ASCII")
    return [Text(char)]


def _single(cursor: Cursor) -> Text:
    end = cursor.text.find("'", cursor.at + 1)
    if end < 0:
        raise Refused("a single quote is not closed")
    value = cursor.text[cursor.at + 1 : end]
    cursor.at = end + 1
    return Text(value, bare=False)


def _escaped(cursor: Cursor) -> Text:
    char = cursor.peek(2)[1:]
    if char in ("", "\n"):
        raise Refused("a line ends in the middle of a word; put a blank before the \\")
    cursor.at += 2
    return Text(char, bare=False)


def _glob(cursor: Cursor) -> Part:
    if cursor.peek() != "[":
        cursor.at += 1
        return Glob(cursor.text[cursor.at - 1])
    if (bracket := cursor.match(_BRACKET)) is not None:
        return Glob(bracket)
    cursor.at += 1
    rest = re.match(r"[^\s|&;()<>]*", cursor.text[cursor.at : cursor.at + 4096])
    if rest is not None and "]" in rest[0]:
        raise Refused("square brackets outside quotes; quote them")
    return Text("[")


def _home(cursor: Cursor) -> Part:
    if cursor.at_end() or cursor.peek() in END or cursor.peek() == "/":
        return Home()
    raise Refused("~ with a name behind it; write the path out")


def _check_tildes(parts: list[Part]) -> None:
    """After `=` and `:` bash may replace a tilde or not; nobody should have to know."""
    before = ""
    for part in parts:
        said = part.value if isinstance(part, Text) and part.bare else ""
        if said.startswith("~") and before[-1:] in ("=", ":"):
            raise Refused("~ in the middle of a word; write the path out, or quote it")
        before = said
