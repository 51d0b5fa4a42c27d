"""What bash does itself: changing folders, variables and settings."""

import os
import re
from typing import TYPE_CHECKING

from axon.security.lists import names
from axon.security.policy import files
from axon.security.policy.assignments import check_assignment
from axon.security.policy.options import sure
from axon.security.policy.refusal import Refused
from axon.security.policy.tree import Glob, Redirect, Text, Variable, Word, literal
from axon.security.policy.values import ANY, WILD, Arg, is_sure

if TYPE_CHECKING:
    from axon.security.policy.judging import Judge

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SET = re.compile(r"[-+][euxvfC]*o?")
_SET_NAMES = names("pipefail errexit nounset xtrace noclobber noglob verbose")
_SIGNAL = re.compile(r"-(?:\d{1,2}|(?:SIG)?[A-Z]+\d?|[sn]|l)")
Redirects = tuple[Redirect, ...]


def _words(args: list[Arg]) -> list[Word]:
    return [arg.word for arg in args]


def change_folder(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`cd` and `pushd`: what follows runs somewhere else."""
    texts = [arg for arg in args[1:] if arg.text not in ("-L", "-P", "--", "-e")]
    if len(texts) > 1:
        raise Refused("cd with more than one folder")
    if not texts:
        values: tuple[str, ...] = (judge.names.fixed.get("HOME", ANY),)
    else:
        values = texts[0].values
    if values == ("-",):
        judge.folders = list(dict.fromkeys([*judge.visited, *(judge.folders or [])]))
        return _words(args)
    if (texts and texts[0].many) or not all(map(is_sure, values)):
        judge.folders = None
        return _words(args)
    _go(judge, values)
    return _words(args)


def _go(judge: "Judge", values: tuple[str, ...]) -> None:
    found: list[str] = []
    for value in values:
        if value.startswith("-"):
            raise Refused(f"cd {value} is not followed")
        files.check(judge, value, writes=judge.strict)
        for folder in judge.folders or ([] if not value.startswith("/") else ["/"]):
            # bash goes by the names it came by, programs by where those lead
            found += [os.path.normpath(os.path.join(folder, value)), judge.real(value, folder)]
    folders = list(dict.fromkeys(found))[:16]
    judge.folders = folders if judge.folders is not None or folders else None
    judge.visited += folders


def pop_folder(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    if len(args) > 1:
        raise Refused("popd with an argument")
    judge.folders = list(dict.fromkeys([*judge.visited, *(judge.folders or [])]))[:16]
    return _words(args)


def declare(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`export NAME=value` and its like."""
    named = False
    for arg in args[1:]:
        first = arg.word[0] if arg.word and isinstance(arg.word[0], Text) else None
        if first is None:
            raise Refused(f"{args[0].text} of a name that is decided as it runs")
        if first.value.startswith(("-", "+")):
            if named or not re.fullmatch(r"-[xrgp]+", first.value) or len(arg.word) > 1:
                raise Refused(f"{args[0].text} {first.value} is not followed")
            continue
        named = True
        name, sign, _ = (literal(arg.word) or first.value).partition("=")
        if not sign and len(arg.word) > 1:
            raise Refused(f"{args[0].text} of a name that is decided as it runs")
        if not _IDENTIFIER.fullmatch(name.removesuffix("+")):
            raise Refused(f"{name!r} is no name of a variable")
        if sign:
            values = tuple(value.partition("=")[2] for value in arg.values)
            plain = name.removesuffix("+")
            check_assignment(plain, Arg(arg.word, values, arg.many), strict=judge.strict)
    return _words(args)


def read(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`read -r name`: names only, for an index in one would be run."""
    _check_names(args, re.compile(r"-[rs]*(?:(?P<valued>[dntpuN])(?P<value>.*))?", re.DOTALL))
    return _words(args)


def read_lines(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`mapfile -t name`; with -C it would run something for each line."""
    _check_names(args, re.compile(r"-t*(?:(?P<valued>[dnsOu])(?P<value>.*))?", re.DOTALL))
    return _words(args)


def _check_names(args: list[Arg], options: re.Pattern[str]) -> None:
    """Options, then names as they are written: what is set is known by them."""
    valued = False
    for arg, text in zip(args[1:], sure(args[1:], args[0].text or ""), strict=True):
        if valued:
            valued = False
        elif text.startswith("-"):
            found = options.fullmatch(text)
            if found is None:
                raise Refused(f"{args[0].text} {text} is not followed")
            valued = bool(found["valued"]) and not found["value"]
        else:
            _check_written(arg)


def _check_written(arg: Arg) -> None:
    if literal(arg.word) is None:
        raise Refused("a name of a variable that another variable holds; write it out")
    _check_name(literal(arg.word) or "")


def _check_name(text: str) -> None:
    if not _IDENTIFIER.fullmatch(text):
        raise Refused(f"{text!r} is no name of a variable")
    check_assignment(text, Arg((), ("x",)), strict=False)


def unset(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    for arg in args[1:]:
        if arg.text != "-v":
            _check_written(arg)
    return _words(args)


def print_formatted(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    if len(args) > 1 and any(value.startswith("-v") for value in args[1].values):
        name = literal(args[1].word)
        if name is None or (name == "-v" and len(args) < 3):
            raise Refused("printf -v needs the name of a variable")
        if name == "-v":
            _check_written(args[2])
        else:
            _check_name(name[2:])
    elif len(args) > 1 and args[1].many and args[1].word != ():
        raise Refused("printf with a format that is decided as it runs; write printf '%s'")
    return _words(args)


def test(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`[ -v name ]` would run what stands in an index."""
    for position, arg in enumerate(args[1:], 1):
        named = any(value in ("-v", "-R") for value in arg.values) and position + 1 < len(args)
        if named and not _IDENTIFIER.fullmatch(args[position + 1].text or ""):
            raise Refused("[ -v ] of something else than a name")
    return _words(args)


def settings(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    for arg in args[1:]:
        if arg.text == "--":
            break
        text = sure([arg], "set")[0]
        if not _SET.fullmatch(text) and text not in _SET_NAMES:
            raise Refused(f"set {text} is not followed")
    return _words(args)


def wait(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`wait -p name` would run what stands in an index."""
    for arg in args[1:]:
        if any(ANY in v or (v[:1] == "-" and v not in ("-n", "-f", "--")) for v in arg.values):
            raise Refused("wait takes pids and jobs, -n and -f")
        if any(isinstance(part, Glob) for part in arg.word):
            raise Refused("wait with names of files")
    return _words(args)


def kill(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """Only processes of one's own: no groups, not the parent, not everything."""
    for position, arg in enumerate(args[1:]):
        if any(isinstance(p, Variable) and p.name in ("PPID", "-", "0") for p in arg.word):
            raise Refused("kill of a process that is not your own")
        for value in arg.values:
            number = value.strip(ANY + WILD)
            if value.startswith("-") and position == 0 and _SIGNAL.fullmatch(value):
                continue
            signal = position and args[position].text == "-s" and value.isalnum()
            if not signal and number and not re.fullmatch(r"%[\w+-]*|[1-9]\d{1,6}|[2-9]", number):
                raise Refused("kill takes a pid or %job of a process you started")
    return _words(args)


def forget(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`hash` may forget where programs lie, never say it."""
    if any(text != "-r" for text in sure(args[1:], "hash")):
        raise Refused("hash may say where programs lie; leave it out")
    return _words(args)


HANDLERS = {
    "cd": change_folder,
    "pushd": change_folder,
    "popd": pop_folder,
    **dict.fromkeys(("export", "declare", "local", "readonly", "typeset"), declare),
    "read": read,
    "mapfile": read_lines,
    "readarray": read_lines,
    "wait": wait,
    "unset": unset,
    "printf": print_formatted,
    "test": test,
    "[": test,
    "set": settings,
    "kill": kill,
    "hash": forget,
}
