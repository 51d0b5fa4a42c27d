"""Decide on one command by its program: refused, looked into, on the list, or free."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from axon.security.lists import names
from axon.security.policy import builtins, files, filters, git, searching, wrappers
from axon.security.policy.catalogue import COMMANDS, KNOWN
from axon.security.policy.operands import check_known, check_options
from axon.security.policy.refusal import Refused
from axon.security.policy.refusals import REFUSED_PROGRAMS
from axon.security.policy.setting import STATEFUL
from axon.security.policy.tree import Redirect, Word, literal
from axon.security.policy.values import Arg

if TYPE_CHECKING:
    from axon.security.policy.judging import Judge

_NAME = re.compile(r"[A-Za-z0-9_.+/@%:,~-]+|\[")
_RESERVED = names("if then elif else fi for while until do done case esac in function")
_SHIPPED = re.compile(r"(?:\./)?(?:\.?venv/bin|node_modules/\.bin)/([\w.-]+)")
_INTERPRETER = re.compile(r"(python|pypy|node|nodejs|perl|ruby|php|lua|deno|bun|osascript)[\d.]*")

Handler = Callable[["Judge", list[Arg], tuple[Redirect, ...]], list[Word]]
HANDLERS: dict[str, Handler] = {
    **builtins.HANDLERS,
    **wrappers.HANDLERS,
    **filters.HANDLERS,
    **searching.HANDLERS,
    "git": git.judge,
}


def judge(
    judge: "Judge", args: list[Arg], redirects: tuple[Redirect, ...]
) -> tuple[tuple[Word, ...], str]:
    """The command's words as they may run, and why; Refused says why not."""
    path, name = program_of(judge, args[0])
    if name in REFUSED_PROGRAMS:
        raise Refused(f"{name} is not for agents: {REFUSED_PROGRAMS[name]}")
    if name in STATEFUL and literal(args[0].word) is None:
        raise Refused(f"{name} by way of a variable; write it out")
    configured = _configured(judge, path, args)
    if (handler := HANDLERS.get(name)) is not None and not configured:
        words = handler(judge, args, redirects)
        return tuple(words), f"{name}: every word of it was followed"
    if configured:
        _check_mentioned(judge, args[1:])
        return tuple(arg.word for arg in args), "one of the project's own checks"
    check_options(name, args[1:])
    if (spec := KNOWN.get(name)) is not None:
        check_known(judge, name, args[1:], spec)
        return tuple(arg.word for arg in args), "on the list"
    if judge.strict:
        raise Refused(
            f"strict: {name} is not on the list; use another program or tool, or have it added to"
            " [policy] commands in axon.toml"
        )
    _free(judge, name, args, redirects)
    return tuple(arg.word for arg in args), "free inside the containment"


def program_of(judge: "Judge", arg: Arg) -> tuple[str, str]:
    """The program as it is called, and its plain name."""
    path = arg.text
    if path is None:
        raise Refused("the program's name is decided by bash only as it runs; write it out")
    if not _NAME.fullmatch(path) or path in _RESERVED or path[0] in "-%":
        raise Refused(f"{path[:60]!r} is no name of a program")
    name = path.rpartition("/")[2].lower()
    if not name:
        raise Refused(f"{path!r} is no program")
    if "/" in path:
        if not judge.strict:
            files.check(judge, path, writes=False)
        elif not _SHIPPED.fullmatch(path) and path not in judge.commands:
            _check_installed(judge, path)
    return path, name


def _check_installed(judge: "Judge", path: str) -> None:
    """Strict: a program of the workspace is code of the workspace."""
    own = files.inside(judge, path) or not path.startswith("/")
    if own and not any(line.split()[0] == path for line in (*COMMANDS, *judge.commands)):
        raise Refused(
            f"strict: {path} is a program of the workspace; have it added to [policy] commands"
        )


def _configured(judge: "Judge", path: str, args: list[Arg]) -> bool:
    """Whether the command is one of the project's checks: its first words say so."""
    shipped = _SHIPPED.fullmatch(path)
    name = shipped[1] if shipped else path if path.startswith(".") else path.rpartition("/")[2]
    first = "python" if re.fullmatch(r"python[\d.]*", name) else name
    for line in (*COMMANDS, *judge.commands):
        wanted = line.split()
        said = [arg.text for arg in args[1 : len(wanted)]]
        if wanted and wanted[0] in (first, path, name) and said == wanted[1:]:
            return True
    return False


def _check_mentioned(judge: "Judge", args: list[Arg]) -> None:
    before = ""
    for arg in args:
        text = arg.text or ""
        if not ("exclude" in text or "ignore" in text or "exclude" in before or "ignore" in before):
            for value in arg.values:
                files.check_mentions(judge, value)
        before = text


def _free(judge: "Judge", name: str, args: list[Arg], redirects: tuple[Redirect, ...]) -> None:
    """Inside a containment: what it names must be neither protected nor secret."""
    interpreter = _INTERPRETER.fullmatch(name)
    if interpreter:
        if len(args) == 1 and not any(r.operator == "<<<" for r in redirects):
            raise Refused(f"{name} would run whatever comes in; give it a file, or -c and the code")
        for redirect in redirects:
            if redirect.operator == "<<<":
                for value in judge.arg(redirect.target).values:
                    files.check_code(judge, value)
        for arg in args[1:]:
            for value in arg.values:
                files.check_code(judge, value)
    _check_mentioned(judge, args[1:])
