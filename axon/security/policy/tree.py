"""A shell script as bash understands it: words of parts, commands, and how they are joined."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves. `bare`: nothing quoted them."""

    value: str
    bare: bool = True


@dataclass(frozen=True, slots=True)
class Glob:
    """An unquoted `*`, `?` or `[...]`: bash replaces the word by names of files, if some match."""

    value: str


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name` or `${name...}`; `source` is its checked text between the braces."""

    name: str
    source: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`$((...))`."""

    source: str
    names: tuple[str, ...]
    quoted: bool


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(...)`, or with a direction `<(...)` and `>(...)`."""

    script: "Script"
    quoted: bool
    direction: Literal["", "<", ">"] = ""


@dataclass(frozen=True, slots=True)
class Home:
    """An unquoted `~` that bash replaces by the home directory."""


Part = Text | Glob | Variable | Arithmetic | Substitution | Home
Word = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    name: str
    value: Word
    append: bool = False


@dataclass(slots=True)
class Redirect:
    """`fd` is "" where the operator's own default holds. A here-document is a `<<<`.

    Not frozen: the body of a here-document comes lines after its operator.
    """

    fd: str
    operator: Literal["<", ">", ">>", ">|", "<>", "<&", ">&", "&>", "&>>", "<<<"]
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    assignments: tuple[Assignment, ...] = ()
    words: tuple[Word, ...] = ()
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """`( ... )` or `{ ...; }`."""

    body: "Script"
    subshell: bool
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with their bodies, in order; `otherwise` is None without `else`."""

    branches: tuple[tuple["Script", "Script"], ...]
    otherwise: "Script | None"
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class While:
    condition: "Script"
    body: "Script"
    until: bool
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """`words` is None for `for name; do`, which goes over the arguments."""

    name: str
    words: tuple[Word, ...] | None
    body: "Script"
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    subject: Word
    branches: tuple[tuple[tuple[Word, ...], "Script", str], ...]  # patterns, body, ";;"
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """`[[ ... ]]`: operators are strings, operands words."""

    tokens: tuple[str | Word, ...]
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Compute:
    """`(( ... ))`."""

    source: str
    names: tuple[str, ...]
    redirects: tuple[Redirect, ...] = ()


Command = Simple | Block | If | While | For | Case | Condition | Compute


@dataclass(frozen=True, slots=True)
class Pipeline:
    commands: tuple[Command, ...]
    pipes: tuple[str, ...] = ()  # "|" or "|&" between them
    negated: bool = False
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """Pipelines, each with what follows it: `&&`, `||`, `;`, `&`, a newline, or nothing."""

    items: tuple[tuple[Pipeline, str], ...] = ()


def literal(word: Word) -> str | None:
    """What the word says, when it says the same whatever surrounds it."""
    said = ""
    for part in word:
        if not isinstance(part, Text):
            return None
        said += part.value
    return said
