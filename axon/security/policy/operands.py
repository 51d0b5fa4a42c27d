"""Check the operands and options of programs that are known: what they read, what they write."""

from typing import TYPE_CHECKING

from axon.security.policy import files
from axon.security.policy.options import Given, Spec, could_be, split
from axon.security.policy.refusal import Refused
from axon.security.policy.refusals import RUNNING_OPTIONS
from axon.security.policy.values import ANY, Arg

if TYPE_CHECKING:
    from axon.security.policy.judging import Judge

_REMOVING = frozenset({"rm", "rmdir", "mv"})


def check_options(name: str, args: list[Arg]) -> None:
    """Refuse options by which a program runs another; abbreviations of them, too."""
    refused = RUNNING_OPTIONS.get(name, ())
    letters = "".join(option[1] for option in refused if len(option) == 2)
    for arg in args:
        for text in arg.values:
            if text == "--" or not text.startswith("-"):
                continue
            option = text.partition("=")[0]
            cluster = not text.startswith("--") and set(letters) & set(_flags(text[1:]))
            if cluster or any(option == r or _abbreviates(option, r) for r in refused):
                raise Refused(
                    f"{option} of {name} is refused: it runs, loads or opens what the"
                    " command line does not show"
                )


def _flags(text: str) -> str:
    """The letters of a cluster, up to what must be a value."""
    return text.partition("=")[0] if text.isascii() and text[:1].isalpha() else ""


def _abbreviates(option: str, refused: str) -> bool:
    return refused.startswith("--") and option.startswith("--") and could_be(option, refused)


def check_known(judge: "Judge", name: str, args: list[Arg], spec: Spec) -> None:
    given, operands = split(args, spec, strict=judge.strict)
    for option in given:
        _check_option(judge, option)
    kinds = _kinds(spec.operands, given, operands)
    for arg, kind in zip(operands, kinds, strict=True):
        for value in arg.values:
            _check_operand(judge, name, value, kind)


def _check_option(judge: "Judge", option: Given) -> None:
    kind = option.kind.rstrip("?") if option.kind != "?" else "?"
    for value in option.value.values if option.value else ():
        if kind in ("r", "w"):
            files.check(judge, value, writes=kind == "w")
        elif kind == "?" and "exclude" not in option.name and "ignore" not in option.name:
            files.check_mentions(judge, value)


def _kinds(kind: str, given: list[Given], operands: list[Arg]) -> list[str]:
    """For each operand: r, w or t."""
    count = len(operands)
    if kind == "p":  # a pattern first, unless an option gave it
        patterns = {"-e", "-f", "--regexp", "--file"}
        first = ["t"] if not any(g.name in patterns for g in given) else []
        return (first + ["r"] * count)[:count]
    if kind == "c":
        if any(g.name in ("-t", "--target-directory") for g in given):
            return ["r"] * count
        return ["r"] * (count - 1) + ["w"] if count else []
    if kind == "c1":
        return (["r"] + ["w"] * count)[:count]
    return ["t" if kind == "n" else kind] * count


def _check_operand(judge: "Judge", name: str, value: str, kind: str) -> None:
    if kind == "t":
        return
    if value.startswith("-") and value != "-" and judge.strict:
        raise Refused(f"strict: {value} behind an operand; put options first")
    if kind == "w" and name in _REMOVING:
        if value.startswith(ANY + "/"):
            raise Refused(f"{name} of a path that may begin at /; spell the path out")
        if _is_top(judge, value):
            raise Refused(f"{name} of the whole workspace; name what is in it")
    if value != "-":
        files.check(judge, value, writes=kind == "w")


def _is_top(judge: "Judge", value: str) -> bool:
    tops = judge.places.writable()
    return any(
        judge.real(value, folder) in tops for folder in judge.folders or ["/"] if ANY not in value
    )
