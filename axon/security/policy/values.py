"""What a word may become: its text where that is sure, marks where it is not."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from axon.security.policy.setting import computed, moves, set_by, surely_set
from axon.security.policy.tree import (
    Arithmetic,
    Command,
    Compute,
    For,
    Glob,
    Home,
    Part,
    Script,
    Simple,
    Substitution,
    Text,
    Variable,
    Word,
    literal,
)
from axon.security.policy.walking import commands, scripts, words

ANY = "\ue000"  # any text
WILD = "\ue001"  # any part of a file's name
MOST = 16  # alternatives followed; more are any text

_COUNTING = frozenset("#?$!") | {"RANDOM", "SECONDS", "LINENO", "OPTIND"}
# Set by bash, or by who calls a script, to whatever was written somewhere.
_FOREIGN = re.compile(
    r"\d+|[@*_-]|REPLY|MAPFILE|OPTARG|DIRSTACK|FUNCNAME|BASH.*|COMP_.*|READLINE_.*|COPROC.*"
)


@dataclass(frozen=True, slots=True)
class Arg:
    """One word of a command. `many`: it may become several words, or none."""

    word: Word
    values: tuple[str, ...]
    many: bool = False

    @property
    def text(self) -> str | None:
        """What it says, when that is sure."""
        sure = len(self.values) == 1 and not self.many
        return self.values[0] if sure and is_sure(self.values[0]) else None


def is_sure(value: str) -> bool:
    return ANY not in value and WILD not in value


@dataclass(slots=True)
class _Order:
    """Which variables are set for sure whenever they are used."""

    sure: set[str] = field(default_factory=set)
    early: set[str] = field(default_factory=set)

    def script(self, script: Script) -> None:
        chained: set[str] = set()  # set for sure only as long as && goes on
        before = ";"
        for pipeline, after in script.items:
            command = pipeline.commands[0]
            alone = len(pipeline.commands) == 1 and not pipeline.negated and after != "&"
            for one in pipeline.commands:
                self._uses(one)
            if alone and isinstance(command, Simple) and before != "||":
                names = surely_set(command)
                chained |= names - self.sure if before == "&&" else set()
                self.sure |= names
            if after != "&&":
                self.sure -= chained
                chained = set()
            before = after

    def _uses(self, command: Command) -> None:
        for word in words(command):
            self._word(word)
        if isinstance(command, Compute):
            self.early |= set(command.names) - self.sure
        known = set(self.sure)
        if isinstance(command, For):
            self.sure.add(command.name)
            known.add(command.name)
        for inner in scripts(command):
            self.script(inner)
            self.sure = set(known)

    def _word(self, word: Word) -> None:
        for part in word:
            if isinstance(part, Variable) and part.name not in self.sure:
                self.early.add(part.name)
            elif isinstance(part, Arithmetic):
                self.early |= set(part.names) - self.sure
            elif isinstance(part, Substitution):
                known = set(self.sure)
                self.script(part.script)
                self.sure = known


@dataclass(slots=True)
class Names:
    """What the variables of a script may hold. None: cannot be said."""

    held: dict[str, tuple[Word, ...] | None]
    numbers: frozenset[str]  # hold numbers whatever happens: safe to compute with
    early: frozenset[str]  # used before they are set for sure
    fixed: Mapping[str, str]  # of the session's environment
    inherits: bool = False  # variables of a script around this one, which nobody knows here

    def is_empty(self, name: str) -> bool:
        """Whether nothing may stand where it is written with a dollar sign."""
        return name not in _COUNTING and (name not in self.held or name in self.early)

    def counts(self, name: str) -> bool:
        """Whether it holds a number for sure: bash would run an index that stands in another."""
        if name in self.held or name in _COUNTING:
            return name in self.numbers or name not in self.held
        return not self.inherits and not _FOREIGN.fullmatch(name)


def names_of(script: Script, fixed: Mapping[str, str], *, inherits: bool = False) -> Names:
    """Everything any command of the script may put into a variable."""
    held: dict[str, tuple[Word, ...] | None] = {}

    def put(name: str, more: tuple[Word, ...] | None) -> None:
        known = held.get(name, ())
        held[name] = None if more is None or known is None else (*known, *more)

    for command in commands(script):
        if isinstance(command, For):
            put(command.name, command.words)
        elif isinstance(command, Simple):
            for assignment in command.assignments:
                put(assignment.name, None if assignment.append else (assignment.value,))
            for name, value in set_by(command):
                put(name, value)
        for name in computed(command):
            put(name, ((Arithmetic("0", (), True),),))
    order = _Order()
    order.script(script)
    for name in order.early & set(held):
        put(name, None if inherits else ((),))  # it may be empty
    numbers = frozenset(
        name for name, found in held.items() if found is not None and all(map(_counts, found))
    )
    lost = {*held, *(("PWD",) if moves(script) else ())}
    known = {name: value for name, value in fixed.items() if name not in lost}
    return Names(held, numbers, frozenset(order.early), known, inherits)


def _counts(word: Word) -> bool:
    """Whether the word is a number for sure; nothing counts as 0."""
    if not word:
        return True
    if len(word) != 1:
        return False
    part = word[0]
    if isinstance(part, Text):
        return part.value.lstrip("-").isdecimal() and part.value.isascii()
    if isinstance(part, Arithmetic):
        return True
    if isinstance(part, Substitution) and len(part.script.items) == 1:
        last = part.script.items[0][0].commands[-1]
        said = [literal(w) or "" for w in last.words] if isinstance(last, Simple) else []
        # a file's name among what `wc` says would be computed with
        return said == ["nproc"] or (said[:1] == ["wc"] and all(s[:1] == "-" for s in said[1:]))
    return False


def arg_of(word: Word, names: Names) -> Arg:
    """What `word` may become."""
    options = [_values(part, names, 0) for part in word]
    many = any(_splits(part, values) for part, values in zip(word, options, strict=True))
    count = 1
    for values in options:
        count *= len(values)
    if count > MOST:
        return Arg(word, (ANY,), many)
    return Arg(word, tuple("".join(choice) for choice in itertools.product(*options)), many)


def _splits(part: Part, values: tuple[str, ...]) -> bool:
    if isinstance(part, Variable) and part.name == "@":
        return True
    if isinstance(part, Variable | Substitution) and not getattr(part, "direction", ""):
        if part.quoted or (isinstance(part, Variable) and part.name in "#?$"):
            return False
        return any(not is_sure(v) or not v or set(v) & set(" \t\n*?[\\") for v in values)
    return False


def _values(part: Part, names: Names, depth: int) -> tuple[str, ...]:
    match part:
        case Text(value):
            return (value,)
        case Glob():
            return (WILD,)
        case Home():
            return (names.fixed.get("HOME", ANY),)
        case Variable("#" | "?" | "$" | "!" as name, source) if name == source:
            return (WILD,)
        case Variable(name, source):
            return _held(name, names, depth) if name == source else (ANY,)
        case Substitution():
            return (_told(part, names),)
        case Arithmetic():
            return (WILD,)  # a number
    return (ANY,)


def _held(name: str, names: Names, depth: int) -> tuple[str, ...]:
    if name in names.fixed:
        return (names.fixed[name],)
    held = names.held.get(name)
    if not held or depth > 4:
        return (ANY,)
    found: list[str] = []
    for word in held:
        options = [_values(part, names, depth + 1) for part in word]
        found += map("".join, itertools.islice(itertools.product(*options), MOST + 1))
    return tuple(dict.fromkeys(found)) if len(found) <= MOST else (ANY,)


def _told(part: Substitution, names: Names) -> str:
    """A few commands answer what is known before."""
    if part.direction:
        return ANY  # a name below /dev/fd
    if len(part.script.items) == 1 and len(part.script.items[0][0].commands) == 1:
        command = part.script.items[0][0].commands[0]
        quiet = all(r.fd == "2" and literal(r.target) == "/dev/null" for r in command.redirects)
        if isinstance(command, Simple) and not command.assignments and quiet:
            said = [literal(word) for word in command.words]
            if said[:1] == ["mktemp"] and all(s in ("-d", "-q", "-t") for s in said[1:]):
                return f"{names.fixed.get('TMPDIR', ANY)}/tmp.made"
            if said == ["pwd"]:
                return names.fixed.get("PWD", ANY)
            if said == ["git", "rev-parse", "--show-toplevel"]:
                return names.fixed.get("PWD", ANY)
    return ANY
