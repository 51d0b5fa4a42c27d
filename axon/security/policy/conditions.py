"""Read `[[ ... ]]`, and say which of its operands bash would compute."""

import re
from collections.abc import Callable

from axon.security.lists import names
from axon.security.policy.cursor import Cursor
from axon.security.policy.refusal import Refused
from axon.security.policy.tree import Condition, Redirect, Text, Word, literal
from axon.security.policy.words import read_word

NUMERIC = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})

_BINARY = frozenset({"==", "=", "!=", "=~", "<", ">", "-nt", "-ot", "-ef"}) | NUMERIC
_UNARY = names("-a -b -c -d -e -f -g -h -k -n -p -r -s -t -u -w -x -z -G -L -N -O -S")
_SIGN = re.compile(r"&&|\|\||!(?=\s)|[()<>]")


def read_condition(
    cursor: Cursor, redirects: Callable[[Cursor], tuple[Redirect, ...]]
) -> Condition:
    """`cursor` stands behind `[[`."""
    tokens: list[str | Word] = []
    while True:
        cursor.skip_blank()
        while not cursor.waiting and cursor.take("\n"):
            cursor.skip_blank()
        if (sign := cursor.match(_SIGN)) is not None:
            tokens.append(sign)
            continue
        word = read_word(cursor)
        if not word:
            raise Refused(f"[[ ]] that cannot be followed at {cursor.peek(20)!r}")
        if (said := _bare(word)) == "]]":
            break
        tokens.append(said if said in _BINARY | _UNARY and said is not None else word)
        if tokens[-1] == "=~":
            raise Refused("[[ =~ ]] is not followed; use grep -E, or == with a pattern")
    found = Condition(tuple(_settled(tokens)), redirects(cursor))
    _check(found.tokens)
    return found


def _bare(word: Word) -> str | None:
    """The word, when nothing in it is quoted."""
    bare = all(isinstance(part, Text) and part.bare for part in word)
    return literal(word) if bare else None


def _settled(tokens: list[str | Word]) -> list[str | Word]:
    """An operator where an operand must stand is an operand: `[[ $x == -n ]]`."""
    settled: list[str | Word] = []
    for token in tokens:
        after_binary = bool(settled) and settled[-1] in _BINARY
        if isinstance(token, str) and token.startswith("-") and after_binary:
            raise Refused(f"quote {token} in [[ ]]")
        settled.append(token)
    return settled


def _check(tokens: tuple[str | Word, ...]) -> None:
    """Operand, or unary and operand, or operand, binary and operand; joined and grouped."""
    shape = "".join(map(_kind, tokens))
    before = None
    while shape != before:  # each pass makes one thing of what belongs together
        before = shape
        shape = re.sub(r"wbw|uw|\(e\)", "e", shape)
        shape = re.sub(r"(?<![ub])w(?![b])", "e", shape)
        shape = re.sub(r"!e|eje", "e", shape)
    if shape != "e":
        raise Refused("[[ ]] that cannot be followed; use [ ] with one test each")


def _kind(token: str | Word) -> str:
    if not isinstance(token, str):
        return "w"
    if token in _BINARY:
        return "b"
    return "u" if token in _UNARY else "j" if token in ("&&", "||") else token
