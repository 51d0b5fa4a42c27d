"""Judge a script: every command, word and redirection in it has to be proven."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from axon.security.paths import Places, real
from axon.security.policy import files, programs
from axon.security.policy.assignments import check_assignment
from axon.security.policy.conditions import NUMERIC
from axon.security.policy.reading import parse
from axon.security.policy.refusal import Refused
from axon.security.policy.rendering import write_word
from axon.security.policy.tree import (
    Arithmetic,
    Block,
    Case,
    Command,
    Compute,
    Condition,
    For,
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
from axon.security.policy.values import Arg, Names, arg_of, is_sure, names_of

MAX_PATHS = 600
_LENGTH = re.compile(r"#[A-Za-z0-9_@*]*", re.ASCII)
_DOLLAR = re.compile(r"\$\{?([A-Za-z_]\w*)", re.ASCII)
_READING = frozenset({"read", "mapfile", "readarray"})


class Profile(StrEnum):
    """`contained`: inside a sandbox, where programs are free. `strict`: nothing else holds."""

    STRICT = "strict"
    CONTAINED = "contained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One simple command as it was judged, for whoever asks why."""

    words: tuple[str, ...]
    redirects: tuple[str, ...]
    why: str
    allowed: bool = True


@dataclass(slots=True)
class Judge:
    """Judges one script. `folders`: where its next command may run; None when nobody can say."""

    profile: Profile
    places: Places
    commands: tuple[str, ...]
    names: Names
    folders: list[str] | None
    visited: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    depth: int = 0
    found: dict[tuple[str, str], str] = field(default_factory=dict)

    def real(self, path: str, folder: str) -> str:
        """Where a path leads; the file system is asked a bounded number of times."""
        key = (path, folder)
        if key not in self.found:
            if len(self.found) >= MAX_PATHS:
                raise Refused("the command names too many files; run it in steps")
            self.found[key] = real(path, folder)
        return self.found[key]

    @property
    def strict(self) -> bool:
        return self.profile is Profile.STRICT

    def nested(self, text: str) -> Script:
        """A script inside an argument, as of `bash -c`, judged like any other."""
        if self.depth > 3:
            raise Refused("a shell in a shell in a shell; run it in steps")
        script = parse(text)
        names = names_of(script, self.names.fixed, inherits=True)
        inner = replace(self, names=names, depth=self.depth + 1)
        judged = inner.script(script)
        self.folders = _either(self.folders, inner.folders)
        return judged

    def script(self, script: Script) -> Script:
        items: list[tuple[Pipeline, str]] = []
        start = self.folders
        for pipeline, after in script.items:
            items.append((self._pipeline(pipeline), after))
            if after != "&&":  # whether a `cd` worked is known only behind &&
                self.folders = start = _either(start, self.folders)
        return Script(tuple(items))

    def _pipeline(self, pipeline: Pipeline) -> Pipeline:
        before = self.folders
        commands = tuple(self._command(command) for command in pipeline.commands)
        if len(commands) > 1 or pipeline.negated or not isinstance(commands[0], Simple):
            self.folders = _either(before, self.folders)
        return replace(pipeline, commands=commands)

    def _command(self, command: Command) -> Command:
        redirects = tuple(self._redirect(redirect) for redirect in command.redirects)
        match command:
            case Simple():
                return self._simple(command, redirects)
            case Block():
                return replace(command, body=self.script(command.body), redirects=redirects)
            case If():
                branches = [(self.script(c), self.script(b)) for c, b in command.branches]
                other = self.script(command.otherwise) if command.otherwise else None
                return If(tuple(branches), other, redirects)
            case While():
                condition = self.script(command.condition)
                return While(condition, self.script(command.body), command.until, redirects)
            case For():
                return self._for(command, redirects)
            case Case():
                subject = self.word(command.subject)
                cases = [
                    (tuple(map(self.word, found)), self.script(body), end)
                    for found, body, end in command.branches
                ]
                return Case(subject, tuple(cases), redirects)
            case Condition():
                return Condition(self._tokens(command), redirects)
            case Compute():
                self._check_sum(command)
                return replace(command, redirects=redirects)

    def _for(self, command: For, redirects: tuple[Redirect, ...]) -> For:
        check_assignment(command.name, Arg((), ("x",)), strict=False)
        words = None if command.words is None else tuple(map(self.word, command.words))
        return For(command.name, words, self.script(command.body), redirects)

    def _simple(self, command: Simple, redirects: tuple[Redirect, ...]) -> Simple:
        """Its words come back changed when one of them is a script of its own."""
        shown = tuple(map(write_word, command.words))
        targets = tuple(f"{r.fd}{r.operator} {write_word(r.target)}" for r in redirects)
        try:
            assignments = tuple(replace(a, value=self.word(a.value)) for a in command.assignments)
            words = tuple(map(self.word, command.words))
            reads = bool(words) and literal(words[0]) in _READING
            for assignment in assignments:
                value = arg_of(assignment.value, self.names)
                if not (reads and assignment.name == "IFS"):  # `while IFS= read -r line`
                    check_assignment(assignment.name, value, strict=self.strict)
            why = ""
            if words:
                args = [self.arg(word) for word in words]
                words, why = programs.judge(self, args, redirects)
        except Refused as refusal:
            self.steps.append(Step(words=shown, redirects=targets, why=str(refusal), allowed=False))
            raise
        self.steps.append(Step(words=shown, redirects=targets, why=why or "sets variables"))
        return Simple(assignments, words, redirects)

    def arg(self, word: Word) -> Arg:
        """The strict profile knows only words that say what they are."""
        found = arg_of(word, self.names)
        if self.strict and literal(word) is None:
            raise Refused(
                f"strict: {write_word(word)} is decided by bash only as it runs; spell it out"
                " (Glob and Grep find files), one command for each"
            )
        return found

    def word(self, word: Word) -> Word:
        """The word with what runs inside it judged."""
        return tuple(map(self._part, word))

    def _part(self, part: Part) -> Part:
        if isinstance(part, Arithmetic):
            self._check_sum(part)
        elif isinstance(part, Substitution):
            before = self.folders
            judged = replace(part, script=self.script(part.script))
            self.folders = before  # it was a process of its own
            return judged
        return part

    def _check_sum(self, found: Arithmetic | Compute) -> None:
        self._check_numbers(found.names)
        for name in _DOLLAR.findall(found.source):
            if self.names.is_empty(name):
                raise Refused(f"${name} may be empty where it is computed with; write {name}")

    def _check_numbers(self, names: tuple[str, ...]) -> None:
        """bash computes what a variable holds, and runs what is written there as an index."""
        for name in names:
            if not self.names.counts(name):
                raise Refused(
                    f"${name} is computed with, but may hold more than a number; use `expr`,"
                    " [ ] or python"
                )

    def _tokens(self, command: Condition) -> tuple[str | Word, ...]:
        tokens = tuple(t if isinstance(t, str) else self.word(t) for t in command.tokens)
        for position, token in enumerate(tokens):
            if token in NUMERIC:
                for operand in (tokens[position - 1], tokens[position + 1]):
                    self._check_operand(operand)
        return tokens

    def _check_operand(self, operand: str | Word) -> None:
        said = operand if isinstance(operand, str) else literal(operand)
        if said is not None:
            if not said.lstrip("-").isdecimal():
                raise Refused(f"{said!r} is compared as a number")
            return
        for part in operand:
            if isinstance(part, Variable) and part.source == part.name:
                self._check_numbers((part.name,))
            elif isinstance(part, Variable) and not _LENGTH.fullmatch(part.source):
                raise Refused(f"${{{part.source}}} is compared as a number; use [ ]")
            elif isinstance(part, Text) and not (part.value.lstrip("-") or "0").isdecimal():
                raise Refused(f"{part.value!r} is part of what is compared as a number; use [ ]")
            elif not isinstance(part, Arithmetic | Variable | Text):
                raise Refused("what a command says is compared as a number; use [ ]")

    def _redirect(self, redirect: Redirect) -> Redirect:
        target = self.word(redirect.target)
        if redirect.operator not in ("<<<", "<&", ">&"):
            found = self.arg(target)
            writes = redirect.operator != "<"
            for value in found.values:
                if writes and (found.many or not is_sure(value)):
                    files.check_unsure_target(self, value, found.many)
                files.check(self, value, writes=writes)
        elif redirect.operator == "<<<":
            self.arg(target)
        return replace(redirect, target=target)


def _either(some: list[str] | None, others: list[str] | None) -> list[str] | None:
    if some is None or others is None:
        return None
    return list(dict.fromkeys([*some, *others]))[:16]


def judge_of(
    profile: Profile,
    places: Places,
    commands: tuple[str, ...],
    script: Script,
    folder: str,
    environment: Mapping[str, str],
) -> Judge:
    return Judge(
        profile=profile,
        places=places,
        commands=commands,
        names=names_of(script, environment),
        folders=[folder],
        visited=[folder],
    )
