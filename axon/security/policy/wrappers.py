"""Commands that run another one: what they run is judged in their place."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from axon.security.policy import files, programs
from axon.security.policy.assignments import check_assignment
from axon.security.policy.options import Spec, spec_of, sure
from axon.security.policy.refusal import Refused
from axon.security.policy.rendering import render
from axon.security.policy.setting import STATEFUL, moves
from axon.security.policy.tree import Condition, Redirect, Script, Text, Word
from axon.security.policy.values import Arg, names_of
from axon.security.policy.walking import commands

if TYPE_CHECKING:
    from axon.security.policy.judging import Judge

Redirects = tuple[Redirect, ...]
# name, how many operands stand before the command, options
_LINES = """
timeout 1 -fpv -k=t -s=t --foreground --preserve-status --verbose --kill-after=t --signal=t
nice 0 -n=t --adjustment=t
nohup 0
setsid 0 -cfw --wait --fork
stdbuf 0 -i=t -o=t -e=t --output=t --input=t --error=t
ionice 0 -t -c=t -n=t
taskset 1 -ac
chrt 1 -bfior
time 0 -pv -f=t
command 0 -p
builtin 0
exec 0 -c
catchsegv 0
"""
PREFIXES = dict(spec_of(line) for line in _LINES.strip().splitlines())
_OPERAND = re.compile(r"[A-Za-z0-9.,:+-]+")
_ENVIRONMENT = spec_of(
    "env 0 -i0v -u=t -C=r --ignore-environment --unset=t --chdir=r --null --debug"
)[1]
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL | re.ASCII)
_SHELL_OPTIONS = re.compile(r"-[eulxvf]*|--norc|--noprofile|--login|--posix")
_SHELL_SCRIPT = re.compile(r"-[eulxvf]*c")
PLAIN_SHELLS = frozenset({"sh", "dash", "ash", "ksh", "zsh", "mksh"})


def prefix(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`timeout 5 COMMAND`, `nice COMMAND` and their like."""
    name = _called(args)
    if name == "command" and len(args) > 1 and args[1].text in ("-v", "-V"):
        sure(args[2:], "command -v")
        return [arg.word for arg in args]
    start = _options_end(judge, args, PREFIXES[name])
    for arg in args[start : start + int(PREFIXES[name].operands)]:
        if not _OPERAND.fullmatch(arg.text or ""):
            raise Refused(f"{name} needs a plain value before the command")
    start += int(PREFIXES[name].operands)
    if name in ("command", "builtin") and start < len(args) and _called(args[start:]) in STATEFUL:
        raise Refused(f"{name} before {args[start].text}; leave {name} out")
    if name == "exec" and start >= len(args):
        return [arg.word for arg in args]  # its redirections were checked
    return _with_inner(judge, args, start, redirects)


def _called(args: list[Arg]) -> str:
    return (args[0].text or "").rpartition("/")[2].lower()


def _with_inner(judge: "Judge", args: list[Arg], start: int, redirects: Redirects) -> list[Word]:
    if start >= len(args):
        raise Refused(f"{args[0].text} without a command")
    inner, _ = programs.judge(judge, args[start:], redirects)
    return [*(arg.word for arg in args[:start]), *inner]


def _options_end(judge: "Judge", args: list[Arg], spec: Spec) -> int:
    """Where the options of a wrapper end; each must be known."""
    position = 1
    while position < len(args):
        text = args[position].text
        if text == "--":
            return position + 1
        if text is None or not text.startswith("-") or text == "-":
            return position
        if spec.flags == "" and re.fullmatch(r"-\d+", text):
            position += 1  # nice -10
            continue
        name, sign, value = text.partition("=")
        kind = spec.longs.get(name)
        letters = text[1:]
        if kind is not None:
            position += 1 if sign or not kind else 2
        elif not text.startswith("--") and letters[0] in spec.shorts:
            position += 1 if letters[1:] else 2
            kind, value = spec.shorts[letters[0]], letters[1:]
        elif set(letters) <= set(spec.flags):
            position += 1
        else:
            raise Refused(f"the option {text} of {args[0].text} is not followed; leave it out")
        if kind == "r":
            folder = value or (args[position - 1].text if position <= len(args) else None)
            if folder is None:
                raise Refused(f"{args[0].text} with a folder that is decided as it runs")
            files.check(judge, folder, writes=False)
            judge.folders = [
                *(judge.folders or []),
                judge.real(folder, (judge.folders or ["/"])[0]),
            ]
    return position


def environment(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`env NAME=value COMMAND`; `-S` would split a text into a command."""
    position = _options_end(judge, args, _ENVIRONMENT)
    if position < len(args) and args[position].text == "-":
        position += 1
    while position < len(args):
        first = args[position].values[0]
        found = _ASSIGNED.fullmatch(first)
        if found is None:
            break
        values = tuple(value.partition("=")[2] for value in args[position].values)
        check_assignment(found[1], replace(args[position], values=values), strict=judge.strict)
        if args[position].many:
            raise Refused("env with words that are decided as it runs")
        position += 1
    if position >= len(args):
        return [arg.word for arg in args]
    return _with_inner(judge, args, position, redirects)


def shell(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """`bash -c SCRIPT`: the script is judged as the command itself, and handed on rewritten."""
    position = 1
    while position < len(args):
        text = args[position].text
        if text is None:
            raise Refused("a shell with words that are decided as it runs; write them out")
        if _SHELL_SCRIPT.fullmatch(text):
            return _script(judge, args, position + 1)
        if text in ("-o", "+o") and position + 1 < len(args):
            sure(args[position + 1 : position + 2], "a shell")
            position += 2
        elif _SHELL_OPTIONS.fullmatch(text):
            position += 1
        else:
            break
    if position >= len(args) or (args[position].text or "-").startswith(("-", "+")):
        raise Refused("a shell that runs what comes in; write the commands themselves, or bash -c")
    if re.match(r"/(dev|proc)/", args[position].text or ""):
        raise Refused("a shell that runs what comes in; write the commands themselves, or bash -c")
    if judge.strict:
        raise Refused(
            f"strict: {args[position].text} is a script; have it added to [policy] commands"
        )
    files.check(judge, args[position].text or "", writes=False)
    for arg in args[position + 1 :]:
        for value in arg.values:
            files.check_mentions(judge, value)
    return [arg.word for arg in args]


def _script(judge: "Judge", args: list[Arg], position: int) -> list[Word]:
    if position >= len(args):
        raise Refused("a shell without its script")
    text = sure(args[position : position + 1], "a shell's script")[0]
    script = judge.nested(text)
    if _called(args) in PLAIN_SHELLS and not _portable(script):
        raise Refused("a script for sh that uses what only bash knows; call bash -c")
    words = [arg.word for arg in args]
    words[position] = (Text(render(script), bare=False),)
    return words


def _portable(script: Script) -> bool:
    """Whether every POSIX shell reads it as bash does."""
    for command in commands(script):
        if isinstance(command, Condition):
            return False
        if any(r.operator in ("<<<", "&>", "&>>") for r in command.redirects):
            return False
    written = render(script)
    return not any(sign in written for sign in ("|&", "<(", ">(", "((", ";&"))


def evaluate(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    texts = sure(args[1:], "eval")
    script = judge.nested(" ".join(texts))
    if names_of(script, {}).held or moves(script):
        raise Refused("eval that sets variables or changes the folder; write the commands out")
    return [args[0].word, (Text(render(script), bare=False),)]


def source(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    path = sure(args[1:2], "source")
    if not path or judge.strict:
        raise Refused("strict: a sourced file is not followed; run what it does")
    files.check(judge, path[0], writes=False)
    if not files.inside(judge, path[0]):
        raise Refused(f"{path[0]} lies outside the workspace and is not sourced")
    return [arg.word for arg in args]


HANDLERS = {
    **dict.fromkeys(PREFIXES, prefix),
    "env": environment,
    **dict.fromkeys(("bash", "rbash", *PLAIN_SHELLS), shell),
    "eval": evaluate,
    "source": source,
    ".": source,
}
