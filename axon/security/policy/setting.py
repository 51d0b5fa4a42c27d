"""Which variables a command sets, and what else of the shell itself it changes."""

import re

from axon.security.policy.tree import (
    Arithmetic,
    Command,
    Compute,
    Script,
    Simple,
    Text,
    Word,
    literal,
)
from axon.security.policy.walking import commands, words

DECLARING = frozenset({"export", "declare", "typeset", "local", "readonly"})
_SETTING = frozenset({"read", "mapfile", "readarray", "getopts", "unset", "printf", "let"})
_LISTS = frozenset({"mapfile", "readarray"})
MOVING = frozenset({"cd", "pushd", "popd"})
# What they do to the shell itself is followed by their name, which must therefore be seen.
STATEFUL = DECLARING | _SETTING | MOVING | {"eval", "source", ".", "set", "wait", "exec", "shift"}
_CHANGED = re.compile(
    r"([A-Za-z_]\w*)\s*(?:(?:<<|>>|[-+*/%&|^])?=(?!=)|\+\+|--)|(?:\+\+|--)\s*([A-Za-z_]\w*)",
    re.ASCII,
)

Value = tuple[Word, ...] | None  # what a variable may get; None: cannot be said


def surely_set(command: Simple) -> set[str]:
    """What it sets for the commands behind it."""
    if command.redirects:  # one that fails leaves it undone
        return set()
    if not command.words:
        return {assignment.name for assignment in command.assignments}
    if literal(command.words[0]) not in DECLARING:
        return set()
    return {_declared(word)[0] for word in command.words[1:]}


def set_by(command: Simple) -> list[tuple[str, Value]]:
    """What a builtin sets by its arguments."""
    name = literal(command.words[0]) if command.words else None
    if name in DECLARING:
        return [_declared(word) for word in command.words[1:]]
    if name in _SETTING:
        said = [literal(word) or "" for word in command.words[1:]]
        attached = [text[2:] for text in said if name == "printf" and text.startswith("-v")]
        unnamed = {"read": "REPLY", **dict.fromkeys(_LISTS, "MAPFILE")}.get(name, "")
        return [(text, None) for text in (*said, *attached, unnamed) if text]
    return []


def _declared(word: Word) -> tuple[str, Value]:
    first = word[0] if word else Text("")
    name, sign, rest = first.value.partition("=") if isinstance(first, Text) else ("", "", "")
    if not sign:
        return name, None
    if name.endswith("+"):
        return name.removesuffix("+"), None
    return name, ((Text(rest, bare=False), *word[1:]),)


def computed(command: Command) -> set[str]:
    """The variables that get what an expression comes to."""
    sources = [
        part.source for word in words(command) for part in word if isinstance(part, Arithmetic)
    ]
    if isinstance(command, Compute):
        sources.append(command.source)
    return {one or other for source in sources for one, other in _CHANGED.findall(source)}


def moves(script: Script) -> bool:
    """Whether a command of it may change the folder."""
    simple = (command for command in commands(script) if isinstance(command, Simple))
    return any(command.words and literal(command.words[0]) in MOVING for command in simple)
