"""Write a script down again so that bash can read it in one way only."""

import re
from collections.abc import Callable
from typing import Any

from axon.security.lists import names
from axon.security.policy.refusal import Refused
from axon.security.policy.screen import concealed
from axon.security.policy.tree import (
    Arithmetic,
    Block,
    Case,
    Command,
    Compute,
    Condition,
    For,
    Glob,
    Home,
    If,
    Part,
    Pipeline,
    Redirect,
    Script,
    Simple,
    Substitution,
    Text,
    Variable,
    While,
    Word,
    literal,
)

_SAFE = re.compile(r"[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*", re.ASCII)
_WITHIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+", re.ASCII)
_RESERVED = names(
    "if then elif else fi for while until do done case esac in function select coproc time"
)


def render(script: Script) -> str:
    """The whole script, on lines of its own where it had them."""
    written = ""
    for pipeline, after in script.items:
        written += _pipeline(pipeline) + _AFTER[after]
    return written.rstrip(" \n;") if not written.endswith("& ") else written.rstrip()


_AFTER = {"&&": " && ", "||": " || ", ";": "; ", "\n": "\n", "&": " & ", "": ""}


def _body(script: Script) -> str:
    """As a part of a compound command, closed by a separator."""
    written = render(script)
    return f"{written} " if written.endswith("&") else f"{written}; "


def _pipeline(pipeline: Pipeline) -> str:
    written = ("time " if pipeline.timed else "") + ("! " if pipeline.negated else "")
    for command, pipe in zip(pipeline.commands, (*pipeline.pipes, ""), strict=True):
        written += _command(command) + (f" {pipe} " if pipe else "")
    return written


def _command(command: Command) -> str:
    written = _WRITERS[type(command)](command)
    return " ".join([written, *map(_redirect, command.redirects)]).strip()


def _simple(command: Simple) -> str:
    pieces = [
        f"{a.name}{'+' if a.append else ''}={write_word(a.value) if a.value else ''}"
        for a in command.assignments
    ]
    return " ".join([*pieces, *map(write_word, command.words)])


def _block(command: Block) -> str:
    if command.subshell:
        return f"( {render(command.body)} )"
    return f"{{ {_body(command.body)}}}"


def _if(command: If) -> str:
    written = ""
    for number, (condition, body) in enumerate(command.branches):
        word = "elif" if number else "if"
        written += f"{word} {_body(condition)}then {_body(body)}"
    if command.otherwise is not None:
        written += f"else {_body(command.otherwise)}"
    return f"{written}fi"


def _while(command: While) -> str:
    word = "until" if command.until else "while"
    return f"{word} {_body(command.condition)}do {_body(command.body)}done"


def _for(command: For) -> str:
    over = ""
    if command.words is not None:
        over = " in" + "".join(f" {write_word(word)}" for word in command.words)
    return f"for {command.name}{over}; do {_body(command.body)}done"


def _case(command: Case) -> str:
    written = f"case {write_word(command.subject)} in\n"
    for patterns, body, end in command.branches:
        written += f"({' | '.join(map(write_word, patterns))}) {render(body)} {end}\n"
    return f"{written}esac"


def _condition(command: Condition) -> str:
    tokens = [t if isinstance(t, str) else write_word(t) for t in command.tokens]
    return f"[[ {' '.join(tokens)} ]]"


def _compute(command: Compute) -> str:
    return f"(({command.source}))"


def _redirect(redirect: Redirect) -> str:
    return f"{redirect.fd}{redirect.operator} {write_word(redirect.target)}"


_WRITERS: dict[type, Callable[[Any], str]] = {
    Simple: _simple,
    Block: _block,
    If: _if,
    While: _while,
    For: _for,
    Case: _case,
    Condition: _condition,
    Compute: _compute,
}


# ── words ──


def write_word(word: Word) -> str:
    """One word for bash, whatever it holds."""
    if (said := literal(word)) is not None:
        return quoted(said)
    if len(word) > 1 and isinstance(word[0], Home) and isinstance(word[1], Text):
        # with the slash in quotes, the tilde would be a tilde
        return "~/" + write_word((Text(word[1].value[1:], bare=False), *word[2:])).removesuffix(
            "''"
        )
    written = "".join(_part(part, first=not n) for n, part in enumerate(word))
    return written or "''"


def quoted(text: str) -> str:
    """`text` as a word that can only mean itself."""
    if text in ("[", "]") or (_SAFE.fullmatch(text) and text not in _RESERVED):
        return text
    if concealed(text):  # it came from $'..', and is written as it may be written
        return "$'" + "".join(map(_escaped, text)) + "'"
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    if concealed(char):
        return f"\\x{ord(char):02x}" if char.isascii() else f"\\u{ord(char):04x}"
    return char


def _part(part: Part, *, first: bool) -> str:
    if isinstance(part, Text):
        plain = _WITHIN.fullmatch(part.value) and not (first and part.value.startswith("="))
        return part.value if plain else quoted(part.value) if part.value else ""
    if isinstance(part, Glob):
        return part.value
    if isinstance(part, Home):
        return "~"
    if isinstance(part, Variable):
        written = f"${{{part.source}}}"
    elif isinstance(part, Arithmetic):
        written = f"$(({part.source}))"
    elif isinstance(part, Substitution):
        if part.direction:
            return f"{part.direction}({render(part.script)})"
        written = f"$( {render(part.script)} )"
    else:
        raise Refused("a word that cannot be written down")
    return f'"{written}"' if part.quoted else written
