"""Check a value that names a file: where it leads from every folder the command may run in."""

import os
import re
from typing import TYPE_CHECKING

from axon.security.paths import (
    PROTECTED,
    folded,
    is_secret_name,
    secret,
    why_not_read,
    why_not_written,
)
from axon.security.policy.refusal import Refused
from axon.security.policy.values import ANY, WILD

if TYPE_CHECKING:
    from axon.security.policy.judging import Judge

_HIDDEN = (*PROTECTED, ".env", ".netrc", ".ssh", ".aws", ".gnupg", ".git-credentials", ".npmrc")
# What may stand before a path in one word: --option=path, -Ipath, key:path, @file
_JOINTS = re.compile(r"[=:,@]|^-{1,2}[A-Za-z]?")
_SUSPICIOUS = re.compile(
    r"\.(git|claude|mcp|axon|env|ssh|aws|gnupg|netrc|kube|docker|npmrc|pypirc|pgpass|pem|key|azure"
    r"|config|password|p12|pfx|jks|keystore)|~[0-9]|id_|/proc/|/dev/|/etc/|/run/|secret|credential|history"
    r"|[^\x00-\x7f]",
    re.IGNORECASE,
)

_NAMES = re.compile(r"[\w./~-]+")
_CODE_NAMES = frozenset({*PROTECTED, ".env", ".ssh", ".aws", ".netrc", "id_rsa", "id_ed25519"})


def check(judge: "Judge", value: str, *, writes: bool) -> None:
    """Refuse a path that may not be read, or written."""
    check_parts(_beyond(judge, value), writes)
    if ANY in value or "\0" in value:
        return
    if value.startswith(("/dev/tcp/", "/dev/udp/")):
        raise Refused(f"{_shown(value)} is a network connection")
    path = value.replace(WILD, "x")
    if judge.folders is None and not path.startswith("/"):
        if writes:
            raise Refused(
                f"where {_shown(value)} lies cannot be said after that cd; write the path out"
            )
        return
    for folder in judge.folders or ["/"]:
        resolved = judge.real(path, folder)
        why = (why_not_written if writes else why_not_read)(resolved, judge.places)
        if why:
            raise Refused(why)


def check_mentions(judge: "Judge", value: str) -> None:
    """Refuse a word of any program that names what is protected or secret."""
    if not _SUSPICIOUS.search(value):
        return
    pieces = {value, value.lstrip("-"), *_JOINTS.split(value)}
    for piece in pieces:
        if piece and len(piece) < 4096:
            check_parts(_beyond(judge, piece), writes=True)
            _check_read(judge, piece)


def check_code(judge: "Judge", code: str) -> None:
    """Refuse a program's text that names what is protected; what it computes, nobody can say."""
    if not _SUSPICIOUS.search(code):
        return
    for piece in set(_NAMES.findall(code)):
        if _CODE_NAMES & set(map(folded, piece.split("/"))) or secret(piece) and "/" in piece:
            raise Refused(f"the program's text names {piece!r}, which agents leave alone")


def _check_read(judge: "Judge", piece: str) -> None:
    if ANY in piece or WILD in piece:
        return
    for folder in judge.folders or ["/"]:
        if why := why_not_read(judge.real(piece, folder), judge.places):
            raise Refused(why)


def _beyond(judge: "Judge", value: str) -> str:
    """What stands in the path behind a folder that is the session's own."""
    if value.startswith("/"):
        for place in (judge.places.workspace, judge.places.temporary, judge.places.home):
            for top in (str(place), os.path.realpath(place)):
                if value == top or value.startswith(top + "/"):
                    return value[len(top) + 1 :] or "."
    return value


def check_unsure_target(judge: "Judge", value: str, many: bool) -> None:
    """A redirection may have an unsure name only within a sure folder."""
    folder, _, name = value.rpartition("/")
    if many and WILD not in value or ANY in value or WILD in folder or not name:
        raise Refused(
            f"where the redirection to {_shown(value)} leads is not sure; spell the file out, or"
            " use the Write tool"
        )


def check_parts(value: str, writes: bool) -> None:
    """Each part of the path as it is spelled, also where a pattern could mean it."""
    for part in value.split("/"):
        if ANY in part and part.strip(ANY) == "":
            continue
        name = folded(part.replace(ANY, WILD))
        if WILD in name:
            _check_pattern(name, writes)
        elif writes and name in PROTECTED:
            raise Refused(f"{_shown(value)} is protected; agents do not write there")
    plain = value.replace(WILD, "x").replace(ANY, "x")
    if plain and (why := secret(plain if "/" in plain else f"./{plain}")):
        raise Refused(why)


def _check_pattern(name: str, writes: bool) -> None:
    if name.startswith(WILD) and not name.strip(WILD):
        return  # `*` alone: bash leaves out names that begin with a dot
    pattern = re.compile(".*".join(map(re.escape, name.split(WILD))))
    for hidden in _HIDDEN:
        if pattern.fullmatch(hidden) and name[0] == "." and (writes or hidden not in PROTECTED):
            raise Refused(f"a pattern that may mean {hidden}; spell the names out")
    if is_secret_name(name.replace(WILD, "x")):
        raise Refused("a pattern for files that may hold secrets, which agents do not read")


def inside(judge: "Judge", value: str) -> bool:
    """Whether a path lies in the workspace, for sure."""
    if ANY in value or judge.folders is None:
        return False
    top = os.path.realpath(judge.places.workspace)
    found = [judge.real(value.replace(WILD, "x"), folder) for folder in judge.folders]
    return all(path == top or path.startswith(top + "/") for path in found)


def _shown(value: str) -> str:
    return repr(value.replace(ANY, "…").replace(WILD, "*"))
