"""Read compound commands: groups, loops, conditions."""

import re
from collections.abc import Callable

from axon.security.policy.braces import expand
from axon.security.policy.conditions import read_condition
from axon.security.policy.cursor import Cursor
from axon.security.policy.expansions import read_sum
from axon.security.policy.refusal import Refused
from axon.security.policy.simple import read_redirects
from axon.security.policy.tree import (
    Block,
    Case,
    Command,
    Compute,
    For,
    If,
    Script,
    While,
    Word,
)
from axon.security.policy.words import read_word

COMPOUND = frozenset({"if", "for", "while", "until", "case", "{", "[["})

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?=[\s;])")
_WORD_END = re.compile(r"(?=[\s;&|()<>]|$)")


def read_compound(cursor: Cursor, word: str) -> Command:
    """The command that begins with the reserved `word`, or with a parenthesis."""
    cursor.enter()
    if cursor.take("(("):
        source, names = read_sum(cursor)
        found: Command = Compute(source, names, read_redirects(cursor))
    elif cursor.take("("):
        found = Block(_needed(cursor.read_script(cursor, ")")), True, read_redirects(cursor))
    else:
        cursor.at += len(word)
        found = _READERS[word](cursor)
    cursor.leave()
    return found


def _needed(script: Script) -> Script:
    if not script.items:
        raise Refused("a part of a compound command is empty")
    return script


def _part(cursor: Cursor) -> Script:
    return _needed(cursor.read_script(cursor, "word"))


def _expect(cursor: Cursor, word: str) -> None:
    _skip(cursor)
    if not cursor.take(word) or _WORD_END.match(cursor.text, cursor.at) is None:
        raise Refused(f"{word!r} is missing before {cursor.peek(20)!r}")


def _skip(cursor: Cursor) -> None:
    cursor.skip_blank()
    while not cursor.waiting and cursor.take("\n"):
        cursor.skip_blank()


def _group(cursor: Cursor) -> Block:
    body = _part(cursor)
    _expect(cursor, "}")
    return Block(body, False, read_redirects(cursor))


def _if(cursor: Cursor) -> If:
    branches: list[tuple[Script, Script]] = []
    otherwise: Script | None = None
    while True:
        condition = _part(cursor)
        _expect(cursor, "then")
        branches.append((condition, _part(cursor)))
        if not cursor.take("elif"):
            break
    if cursor.take("else"):
        otherwise = _part(cursor)
    _expect(cursor, "fi")
    return If(tuple(branches), otherwise, read_redirects(cursor))


def _while(cursor: Cursor) -> While:
    return _loop(cursor, until=False)


def _until(cursor: Cursor) -> While:
    return _loop(cursor, until=True)


def _loop(cursor: Cursor, *, until: bool) -> While:
    condition = _part(cursor)
    return While(condition, _body(cursor), until, read_redirects(cursor))


def _body(cursor: Cursor) -> Script:
    _expect(cursor, "do")
    body = _part(cursor)
    _expect(cursor, "done")
    return body


def _for(cursor: Cursor) -> For:
    cursor.skip_blank()
    name = cursor.match(_NAME)
    if name is None:
        raise Refused("a for loop that counts is not followed; write `for n in {1..9}`")
    _skip(cursor)
    words: list[Word] | None = None
    if cursor.take("in") and _WORD_END.match(cursor.text, cursor.at):
        words = []
        while True:
            cursor.skip_blank()
            word = read_word(cursor)
            if not word:
                break
            words += expand(word)
    elif not cursor.starts(";") and not cursor.starts("do"):
        raise Refused("a for loop without its list")
    if not cursor.take(";") and not cursor.starts("\n") and words is not None:
        raise Refused(f"a for loop's list ends at {cursor.peek(10)!r}")
    body = _body(cursor)
    return For(name, tuple(words) if words is not None else None, body, read_redirects(cursor))


def _case(cursor: Cursor) -> Case:
    cursor.skip_blank()
    subject = read_word(cursor)
    _expect(cursor, "in")
    branches: list[tuple[tuple[Word, ...], Script, str]] = []
    while True:
        _skip(cursor)
        if cursor.take("esac") and _WORD_END.match(cursor.text, cursor.at):
            return Case(subject, tuple(branches), read_redirects(cursor))
        patterns = _patterns(cursor)
        body = cursor.read_script(cursor, "word")
        end = next((sign for sign in (";;&", ";;", ";&") if cursor.take(sign)), "")
        branches.append((patterns, body, end or ";;"))
        _skip(cursor)
        if not end and not cursor.starts("esac"):
            raise Refused("a branch of a case has no end")


def _patterns(cursor: Cursor) -> tuple[Word, ...]:
    cursor.take("(")
    found: list[Word] = []
    while True:
        cursor.skip_blank()
        word = read_word(cursor)
        if not word:
            raise Refused(f"a pattern is missing at {cursor.peek(20)!r}")
        found.append(word)
        cursor.skip_blank()
        if cursor.take(")"):
            return tuple(found)
        if not cursor.take("|"):
            raise Refused(f"a pattern that cannot be followed at {cursor.peek(20)!r}")


def _condition(cursor: Cursor) -> Command:
    return read_condition(cursor, read_redirects)


_READERS: dict[str, Callable[[Cursor], Command]] = {
    "if": _if,
    "for": _for,
    "while": _while,
    "until": _until,
    "case": _case,
    "{": _group,
    "[[": _condition,
}
