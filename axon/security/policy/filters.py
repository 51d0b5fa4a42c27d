"""sed and awk have languages of their own, in which other programs can be run and files written."""

import re
from typing import TYPE_CHECKING

from axon.security.policy import files
from axon.security.policy.options import spec_of, split
from axon.security.policy.refusal import Refused
from axon.security.policy.tree import Redirect, Word
from axon.security.policy.values import Arg

if TYPE_CHECKING:
    from axon.security.policy.judging import Judge

Redirects = tuple[Redirect, ...]
_SED = spec_of(
    "sed r -nErsuz -e=t -i=s? -l=t --quiet --silent --expression=t --in-place=s? --posix --debug"
    " --regexp-extended --separate --unbuffered --null-data --sandbox --line-length=t"
)[1]
_AWK = spec_of("awk r -F=t -v=t --field-separator=t --assign=t --posix --re-interval")[1]

_SED_BLANK = re.compile(r"[\s;]+")
_SED_ADDRESS = re.compile(r"\d+(?:~\d+)?|\$|[+~]\d+")
_SED_PLAIN = re.compile(r"[dDgGhHnNpPxzFl=](?=[\s;}]|$)\d*|[qQ]\s*\d*")
_SED_FLAGS = re.compile(r"[gpiIMm0-9]*")
_SED_TEXT = re.compile(r"[aic](?:[^\n\\]|\\.)*", re.DOTALL)
_SED_LABEL = re.compile(r"[btT:]\s*[\w.-]*")


def sed(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    given, operands = split(args[1:], _SED, strict=True)
    scripts = [g.value for g in given if g.name in ("-e", "--expression")]
    if not scripts:
        scripts, operands = [*operands[:1]], operands[1:]
    if not scripts:
        raise Refused("sed without a script")
    for script in scripts:
        for text in script.values if script else ("",):
            check_sed(text)
    writes = False
    for option in given:
        if option.name in ("-i", "--in-place"):
            writes = True
            suffix = (option.value.text if option.value else "") or ""
            if not re.fullmatch(r"[\w.~-]*", suffix):
                raise Refused("sed -i with a suffix that is a path")
    for operand in operands:
        for value in operand.values:
            if value != "-":
                files.check(judge, value, writes=writes)
    return [arg.word for arg in args]


def check_sed(text: str) -> None:
    """Refuse a script that runs something (e), reads or writes files (r, w), or is not understood.

    A value that is known only as it runs may stand where a pattern or its replacement does: as
    marks they are characters like others; what they bring cannot be proven, so they are refused.
    """
    if "\ue000" in text or "\ue001" in text:
        raise Refused("a sed script that is decided as it runs; spell it out, or use Edit")
    at = 0
    while at < len(text):
        if (blank := _SED_BLANK.match(text, at)) is not None:
            at = blank.end()
            continue
        at = _sed_command(text, _sed_addresses(text, at))


def _sed_addresses(text: str, at: int) -> int:
    for _ in range(2):
        if text[at : at + 1] == "/":
            at = _sed_until(text, at + 1, "/")
        elif text[at : at + 1] == "\\" and at + 1 < len(text):
            at = _sed_until(text, at + 2, text[at + 1])
        elif (found := _SED_ADDRESS.match(text, at)) is not None:
            at = found.end()
        while text[at : at + 1] in ("I", "M") and text[at - 1] != "\n" and at:
            at += 1
        at = _spaces(text, at)
        if text[at : at + 1] != ",":
            break
        at = _spaces(text, at + 1)
    while text[at : at + 1] in ("!", " ", "\t") and at < len(text):
        at += 1
    return at


def _spaces(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t") and at < len(text):
        at += 1
    return at


def _sed_until(text: str, at: int, end: str) -> int:
    """Behind the next `end` that is not escaped; sed does not look at brackets here."""
    if end in ("\n", "\\"):
        raise Refused("a sed script that cannot be followed")
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == end:
            return at + 1
        elif text[at] == "\n" and end == "/":
            raise Refused("a sed script that cannot be followed")
        else:
            at += 1
    raise Refused("a sed script that is not closed")


def _sed_command(text: str, at: int) -> int:
    letter = text[at : at + 1]
    if letter in ("{", "}"):
        return at + 1
    if letter in ("s", "y"):
        delimiter = text[at + 1 : at + 2]
        if not delimiter or delimiter.isalnum() or delimiter.isspace():
            raise Refused("a sed script that cannot be followed")
        at = _sed_until(text, _sed_until(text, at + 2, delimiter), delimiter)
        flags = _SED_FLAGS.match(text, at)
        at = flags.end() if flags and letter == "s" else at
        if not re.match(r"\s*(?:[;}#\n]|$)", text[at:]):
            raise Refused("flags of a sed s command that run or write something (e, w)")
        return at
    for pattern in (_SED_PLAIN, _SED_TEXT, _SED_LABEL):
        if letter and (found := pattern.match(text, at)) is not None:
            return found.end()
    if letter == "#":
        newline = text.find("\n", at)
        return len(text) if newline < 0 else newline
    raise Refused(f"the sed command {letter!r} is refused: it may run, read or write something")


_TOKEN = re.compile(
    r'(?P<blank>[ \t\r]+|\\\n|#[^\n]*)|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<name>[A-Za-z_]\w*)'
    r"|(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<sign>\|\||&&|>>|\|&|[<>!=]=|[-+*/%^]=|\+\+|--|.|\n)",
    re.DOTALL | re.ASCII,
)
_REGEX = re.compile(r"/(?:[^/\\\n\[]|\\.|\[\^?\]?(?:[^\]\\\n]|\\.)*\])*/")
_FORBIDDEN = frozenset({"system", "getline", "ARGV", "ENVIRON", "fflush", "close", "PROCINFO"})
_BEFORE_REGEX = frozenset(
    ["(", ",", "{", "}", ";", "!", "~", "&&", "||", "\n", "==", "!=", "in", "return", "print", ":"]
)


def awk(judge: "Judge", args: list[Arg], redirects: Redirects) -> list[Word]:
    given, operands = split(args[1:], _AWK, strict=True)
    if not operands:
        raise Refused("awk without a program")
    for text in operands[0].values:
        check_awk(text)
    for operand in operands[1:]:
        for value in operand.values:
            if value != "-":
                files.check(judge, value.partition("=")[2] or value, writes=False)
    return [arg.word for arg in args]


def check_awk(text: str) -> None:
    """Refuse a program that runs commands, reads other files, or writes any."""
    if "\ue000" in text or "\ue001" in text:
        raise Refused("an awk program that is decided as it runs; use -v name=value")
    at, before, printing, depth = 0, "\n", False, 0
    while at < len(text):
        regex = _REGEX.match(text, at) if before in _BEFORE_REGEX or not before else None
        found = regex or _TOKEN.match(text, at)
        if found is None:
            raise Refused("an awk program that cannot be followed")
        at = found.end()
        token = found[0]
        if regex is None and found.lastgroup == "blank":
            continue
        if regex is None and found.lastgroup in ("name", "sign"):
            if token in _FORBIDDEN or token in ("|", "|&", "@"):
                raise Refused(
                    f"{token} in awk runs, reads or writes what the command does not show"
                )
            depth += (token == "(") - (token == ")")
            if token in ("print", "printf"):
                printing, depth = True, 0
            if token in (";", "\n", "}"):
                printing = False
            if token in (">", ">>") and printing and depth <= 0:
                raise Refused("awk that writes to a file; redirect its output instead")
        before = token if regex is None else "/"


HANDLERS = {
    **dict.fromkeys(("sed", "gsed"), sed),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), awk),
}
