"""A place in a command line, and the small steps forward from it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from axon.security.policy.refusal import Refused
from axon.security.policy.tree import Redirect, Script

MAX_DEPTH = 25
MAX_COMMANDS = 200
MAX_PARTS = 1500

_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True, slots=True)
class Document:
    """A here-document whose body comes after the next newline."""

    end: str
    quoted: bool
    tabs: bool  # `<<-` takes the tabs away that lines begin with
    redirect: Redirect


@dataclass(slots=True)
class Cursor:
    """`read_script` reads up to a closing sign: words and commands hold each other."""

    text: str
    read_script: Callable[["Cursor", str], Script]
    at: int = 0
    depth: int = 0
    commands: int = 0
    parts: int = 0
    waiting: list[Document] = field(default_factory=list)

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def starts(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self, text: str) -> bool:
        if self.starts(text):
            self.at += len(text)
            return True
        return False

    def match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def at_end(self) -> bool:
        return self.at >= len(self.text)

    def skip_blank(self) -> None:
        """Blanks, joined lines and, at the start of a word, a comment."""
        start = self.at
        found = self.match(_BLANK)
        if found and found[0] == "\\" and found[-1] == "\n" and start and not self.at_end():
            before, after = self.text[start - 1], self.text[self.at]
            if before not in " \t\n" and after != "\n":
                raise Refused("lines are joined in the middle of a word; put a blank before the \\")
        self.match(_COMMENT)

    def count(self) -> None:
        """One command more."""
        self.commands += 1
        if self.commands > MAX_COMMANDS:
            raise Refused("too many commands at once; run them in steps")

    def count_part(self) -> None:
        """One quote, expansion or pattern more."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise Refused("too many quotes, variables and patterns at once; run it in steps")

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refused("the command is nested too deeply; run it in steps")

    def leave(self) -> None:
        self.depth -= 1


def refuse_unless_ended(cursor: Cursor) -> None:
    if cursor.waiting:
        raise Refused("a here-document has no body")
