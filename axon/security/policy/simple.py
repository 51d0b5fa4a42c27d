"""Read a simple command: assignments, words, redirections."""

import re

from axon.security.policy.braces import expand
from axon.security.policy.cursor import Cursor
from axon.security.policy.documents import expect
from axon.security.policy.refusal import Refused
from axon.security.policy.tree import Assignment, Redirect, Simple, Text, Word, literal
from axon.security.policy.words import read_word

MAX_WORDS = 2000

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_REDIRECT = re.compile(r"([0-9]?)(<<<|<<-|<<|<>|<&|>>|>&|>\||&>>|&>|<(?!\()|>(?!\())")
_MANY_DIGITS = re.compile(r"[0-9]{2,}[<>]")
_DUPLICATE = re.compile(r"[0-9]|-")


def read_simple(cursor: Cursor) -> Simple:
    """What stands here; empty when nothing does."""
    assignments: list[Assignment] = []
    words: list[Word] = []
    redirects: list[Redirect] = []
    while True:
        cursor.skip_blank()
        if (redirect := read_redirect(cursor)) is not None:
            redirects.append(redirect)
            continue
        if not words and (assignment := _assignment(cursor)) is not None:
            assignments.append(assignment)
            continue
        start = cursor.at
        word = read_word(cursor)
        if cursor.at == start:
            return Simple(tuple(assignments), tuple(words), tuple(redirects))
        expanded = expand(word)
        if len(expanded) > 1 and _ASSIGNMENT.match(cursor.text, start):
            raise Refused("braces in what looks like an assignment; quote it")
        words += expanded
        if cursor.starts("("):
            raise Refused(
                "a ( right behind a word: functions, arrays and extended patterns are not followed;"
                " quote it, or write plain commands"
            )
        if cursor.peek() in ("<", ">") and cursor.text[start] == "{":
            raise Refused("a redirection right behind braces; put a blank there")
        if len(words) > MAX_WORDS:
            raise Refused(f"more than {MAX_WORDS} words")


def read_redirects(cursor: Cursor) -> tuple[Redirect, ...]:
    """Those behind a compound command."""
    found: list[Redirect] = []
    while True:
        cursor.skip_blank()
        redirect = read_redirect(cursor)
        if redirect is None:
            return tuple(found)
        found.append(redirect)


def read_redirect(cursor: Cursor) -> Redirect | None:
    if _MANY_DIGITS.match(cursor.text, cursor.at):
        raise Refused("a redirection of a descriptor above 9")
    found = _REDIRECT.match(cursor.text, cursor.at)
    if found is None or (found[1] and found[2].startswith("&")):
        return None
    cursor.at = found.end()
    fd, operator = found[1], found[2]
    cursor.skip_blank()
    closes = operator in ("<&", ">&") and cursor.peek() == "-"
    start = cursor.at
    target = read_word(cursor)
    if not target:
        raise Refused(f"nothing stands behind {operator}")
    if closes and literal(target) != "-":
        raise Refused(f"{operator}- with more right behind it; put a blank there")
    braced = cursor.text[start] == "{"
    if cursor.peek() in ("<", ">") and (braced or (literal(target) or "").isdecimal()):
        raise Refused(
            "a redirection to a number or braces, right before another one; put a blank there"
        )
    if len(expand(target)) > 1:
        raise Refused("a redirection to a word with braces; quote it")
    if operator in ("<<", "<<-"):
        redirect = Redirect(fd, "<<<", ())
        expect(cursor, redirect, target, tabs=operator == "<<-")
        return redirect
    if operator in ("<&", ">&"):
        return _duplicate(fd, operator, target)
    return Redirect(fd, operator, target)  # type: ignore[arg-type]  # the pattern's


def _duplicate(fd: str, operator: str, target: Word) -> Redirect:
    """`2>&1`, `<&-`; `>&file` is `&>file`."""
    said = literal(target)
    if said is not None and _DUPLICATE.fullmatch(said):
        return Redirect(fd, operator, target)  # type: ignore[arg-type]
    if operator == ">&" and not fd and said is not None and not said[:1].isdigit():
        return Redirect("", "&>", target)
    raise Refused(f"{operator} with something else than a descriptor")


def _assignment(cursor: Cursor) -> Assignment | None:
    found = _ASSIGNMENT.match(cursor.text, cursor.at)
    if found is None:
        return None
    cursor.at = found.end()
    if cursor.starts("("):
        raise Refused("arrays are not followed; use plain words")
    value = read_word(cursor)
    if value and isinstance(value[0], Text) and value[0].bare and value[0].value.startswith("~"):
        raise Refused("~ in an assignment; write the path out")
    return Assignment(found[1], value, append=bool(found[2]))
