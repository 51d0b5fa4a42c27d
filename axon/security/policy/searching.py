"""find and xargs run commands for what they find; chmod and dd speak in words of their own."""

import re
from typing import TYPE_CHECKING

from axon.security.lists import names
from axon.security.policy import files, programs
from axon.security.policy.options import sure
from axon.security.policy.refusal import Refused
from axon.security.policy.tree import Redirect, Word
from axon.security.policy.values import ANY, WILD, Arg

if TYPE_CHECKING:
    from axon.security.policy.judging import Judge

Redirects = tuple[Redirect, ...]
_ONE = names(
    "-name -iname -path -ipath -wholename -iwholename -regex -iregex -type -xtype -maxdepth "
    "-mindepth -mtime -mmin -atime -amin -ctime -cmin -size -perm -user -group -uid -gid "
    "-links -inum -lname -ilname -fstype -used -regextype -printf"
)
_FILE = re.compile(r"-(?:newer(?:[aBcm][aBcmt])?|anewer|cnewer|samefile)")
_NONE = names(
    "-print -print0 -ls -prune -depth -d -quit -true -false -empty -readable -writable "
    "-executable -nouser -nogroup -follow -mount -xdev -noleaf -daystart -warn -nowarn -not "
    "-a -and -o -or , ! ( ) -ignore_readdir_race -E -X -s"
)
_RUNNING = frozenset({"-exec", "-execdir"})
_NAMING = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename"})
_WILDCARD = re.compile(r"\*|\?|\[[^\]]*\]")
_MODE = re.compile(r"[0-7]{3}|0[0-7]{3}|[ugoa]*[-+=][rwxX]+(?:,[ugoa]*[-+=][rwxX]*)*")
_XARGS_FLAGS = re.compile(r"-[0rtx]+|--null|--no-run-if-empty|--verbose|--exit")
_XARGS_VALUED = re.compile(r"-([nPLds])(.*)|--(max-args|max-procs|max-lines|delimiter)(=.*)?")


def find(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    position = 1
    while position < len(args) and args[position].text in ("-H", "-L", "-P"):
        position += 1
    roots: list[Arg] = []
    while position < len(args) and not _begins_expression(args[position]):
        roots.append(args[position])
        position += 1
    for root in roots:
        for value in root.values:
            files.check(judge, value, writes=False)
    return [*(a.word for a in args[:position]), *_expression(judge, args[position:], roots)]


def _begins_expression(arg: Arg) -> bool:
    if arg.many:
        return False
    return any(value.startswith("-") or value in ("(", ")", "!", ",") for value in arg.values)


def _expression(judge: "Judge", args: list[Arg], roots: list[Arg]) -> list[Word]:
    words: list[Word] = []
    named: list[str] = []
    position = 0
    while position < len(args):
        text = sure(args[position : position + 1], "find")[0]
        words.append(args[position].word)
        position += 1
        following = args[position : position + 1]
        if text in _ONE or _FILE.fullmatch(text):
            if _FILE.fullmatch(text):
                for value in following[0].values if following else ():
                    files.check(judge, value, writes=False)
            if text in _NAMING and following:
                named += following[0].values
            words += [arg.word for arg in following]
            position += 1
        elif text in _RUNNING and not judge.strict:
            end = _end(args, position)
            words += _inner(judge, args[position:end])
            words.append(args[end].word)
            position = end + 1
        elif text == "-delete" and not judge.strict:
            _check_delete(judge, roots, named)
        elif text not in _NONE:
            raise Refused(f"find {text} is refused: it runs, writes or removes something")
    return words


def _end(args: list[Arg], position: int) -> int:
    for number in range(position, len(args)):
        if args[number].text in (";", "+"):
            return number
    raise Refused("find -exec without its end; write \\; or +")


def _inner(judge: "Judge", args: list[Arg]) -> list[Word]:
    if not args:
        raise Refused("find -exec without a command")
    inner = [_replaced(arg, "{}") for arg in args]
    return list(programs.judge(judge, inner, ())[0])


def _replaced(arg: Arg, mark: str) -> Arg:
    """What a mark stands for is known only as it runs."""
    return Arg(arg.word, tuple(value.replace(mark, ANY) for value in arg.values), arg.many)


def _check_delete(judge: "Judge", roots: list[Arg], named: list[str]) -> None:
    """Only what a name picks out, inside the workspace."""
    patterns = [_WILDCARD.sub(WILD, pattern) for pattern in named]
    if not any(pattern.strip(WILD + "./") for pattern in patterns):
        raise Refused("find -delete without -name and a pattern before it")
    for pattern in patterns:
        files.check_parts(pattern, writes=True)
    for root in roots or [Arg((), (".",))]:
        for value in root.values:
            files.check(judge, value, writes=True)


def xargs(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    if judge.strict:
        raise Refused("strict: xargs takes words that are known only as it runs; write them out")
    position, mark = 1, ""
    while position < len(args):
        text = args[position].text
        if text is None or not text.startswith("-"):
            break
        valued = _XARGS_VALUED.fullmatch(text)
        if text.startswith("-I"):
            mark = text[2:] or (sure(args[position + 1 : position + 2], "xargs") or [""])[0]
            position += 1 if text[2:] else 2
            if not mark:
                raise Refused("xargs -I without its mark")
        elif valued:
            position += 1 if valued[2] or valued[4] else 2
        elif _XARGS_FLAGS.fullmatch(text):
            position += 1
        else:
            raise Refused(f"xargs {text} is not followed; leave it out")
    words = [arg.word for arg in args[:position]]
    inner = [_replaced(arg, mark) if mark else arg for arg in args[position:]]
    if not inner:
        return words
    more = [] if mark else [Arg((), (ANY,), many=True)]
    judged = programs.judge(judge, [*inner, *more], ())[0]
    return [*words, *judged[: len(judged) - len(more)]]


def change_mode(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """Permissions of the workspace's own files; no set-uid."""
    rest = [a for a in args[1:] if a.text not in ("-R", "-v", "-c", "-f", "--recursive", "--")]
    mode = sure(rest[:1], "chmod")
    if not mode or not _MODE.fullmatch(mode[0]):
        raise Refused("chmod with a mode that is refused; use modes as 644, +x, u+rw")
    _all_written(judge, rest[1:])
    return [arg.word for arg in args]


def change_owner(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    _all_written(judge, [arg for arg in args[2:] if arg.text not in ("-R", "-h", "-v")])
    return [arg.word for arg in args]


def _all_written(judge: "Judge", args: list[Arg]) -> None:
    for arg in args:
        for value in arg.values:
            if value.startswith("-"):
                raise Refused(f"the option {value} is not followed")
            files.check(judge, value, writes=True)


def copy_blocks(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    """dd: `if=` is read, `of=` written."""
    for text in sure(args[1:], "dd"):
        key, _, value = text.partition("=")
        if key in ("if", "of"):
            files.check(judge, value, writes=key == "of")
        elif key not in ("bs", "count", "skip", "seek", "status", "conv", "ibs", "obs", "iflag"):
            raise Refused(f"dd {text} is not followed")
    return [arg.word for arg in args]


HANDLERS = {
    "find": find,
    "gfind": find,
    "xargs": xargs,
    "gxargs": xargs,
    "chmod": change_mode,
    "chown": change_owner,
    "chgrp": change_owner,
    "dd": copy_blocks,
}
