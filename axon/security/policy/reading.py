"""Read a whole command line into a script; what cannot be read is refused."""

import re

from axon.security.policy.compound import COMPOUND, read_compound
from axon.security.policy.cursor import Cursor, refuse_unless_ended
from axon.security.policy.documents import read_bodies
from axon.security.policy.refusal import Refused
from axon.security.policy.screen import screen
from axon.security.policy.simple import read_simple
from axon.security.policy.tree import Command, Pipeline, Script, Simple

_AFTER = re.compile(r"&&|\|\||;(?!;|&)|&(?![&>])|\n")
_PIPE = re.compile(r"\|&|\|(?!\|)")
_RESERVED = re.compile(
    r"(?:if|then|elif|else|fi|for|while|until|do|done|case|esac|in|function|select|coproc|time"
    r"|\{|\}|!|\[\[|\]\])(?=[\s;&|()<>]|$)"
)
_CLOSING = frozenset({"then", "elif", "else", "fi", "do", "done", "esac", "}"})


def parse(command: str) -> Script:
    """The script that bash would run. Refused says what cannot be followed."""
    screen(command)
    cursor = Cursor(command, read_script)
    script = read_script(cursor, "")
    refuse_unless_ended(cursor)
    if not script.items:
        raise Refused("the command is empty")
    return script


def read_script(cursor: Cursor, end: str) -> Script:
    """Up to the sign `end`, which is taken; up to the end of the text for ""; for "word" up to
    a word that closes something, which is left there."""
    items: list[tuple[Pipeline, str]] = []
    cursor.enter()
    while True:
        _skip_lines(cursor)
        if _closes(cursor, end):
            break
        pipeline = _pipeline(cursor)
        cursor.skip_blank()
        after = cursor.match(_AFTER) or ""
        if after == "\n":
            read_bodies(cursor)
        items.append((pipeline, after))
        if not after and not _ends_here(cursor, end):
            raise Refused(f"cannot follow the command from {cursor.peek(20)!r} on")
        if after in ("&&", "||"):
            _skip_lines(cursor)
    cursor.leave()
    if items and items[-1][1] in ("&&", "||"):
        raise Refused(f"nothing stands behind {items[-1][1]}")
    return Script(tuple(items))


def _skip_lines(cursor: Cursor) -> None:
    cursor.skip_blank()
    while cursor.take("\n"):
        read_bodies(cursor)
        cursor.skip_blank()


def _closes(cursor: Cursor, end: str) -> bool:
    if cursor.at_end():
        if end:
            raise Refused(f"{'a )' if end == ')' else 'a closing word'} is missing")
        return True
    if end == ")":
        return cursor.take(")")
    return end == "word" and _ends_here(cursor, end)


def _ends_here(cursor: Cursor, end: str) -> bool:
    if end == "word":
        return reserved(cursor) in _CLOSING or cursor.starts(";;") or cursor.starts(";&")
    return cursor.at_end() or (end == ")" and cursor.starts(")"))


def reserved(cursor: Cursor) -> str:
    """The reserved word that stands here, if one does."""
    found = _RESERVED.match(cursor.text, cursor.at)
    return found[0] if found else ""


def _pipeline(cursor: Cursor) -> Pipeline:
    timed = negated = False
    while (word := reserved(cursor)) in ("!", "time"):
        if (word == "time" and (timed or negated)) or (word == "!" and negated):
            raise Refused(f"{word!r} at an unusual place")
        timed, negated = timed or word == "time", negated or word == "!"
        cursor.at += len(word)
        cursor.skip_blank()
    commands = [_command(cursor)]
    pipes: list[str] = []
    while True:
        cursor.skip_blank()
        pipe = cursor.match(_PIPE)
        if pipe is None:
            return Pipeline(tuple(commands), tuple(pipes), negated, timed)
        _skip_lines(cursor)
        pipes.append(pipe)
        commands.append(_command(cursor))


def _command(cursor: Cursor) -> Command:
    cursor.count()
    word = reserved(cursor)
    if word in COMPOUND or cursor.starts("("):
        return read_compound(cursor, word)
    if word:
        raise Refused(f"{word!r} at a place where the policy cannot follow it; use plain commands")
    found = read_simple(cursor)
    if found == Simple():
        raise Refused(f"no command stands at {cursor.peek(20)!r}")
    return found
