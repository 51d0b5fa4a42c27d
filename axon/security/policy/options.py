"""Split a command's words into options and operands, as the program itself would."""

import re
from dataclasses import dataclass, field

from axon.security.policy.refusal import Refused
from axon.security.policy.values import ANY, WILD, Arg

_NUMBER = re.compile(r"-\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a program understands. Values of options: "" none, "t" text, "r" read, "w" written."""

    operands: str = "r"  # r, w, t, p (a pattern, then r), c (read, the last one written), n none
    flags: str = ""
    shorts: dict[str, str] = field(default_factory=dict)
    longs: dict[str, str] = field(default_factory=dict)
    number: bool = False  # -20 is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An option as it was given."""

    name: str  # "-n", "--lines"
    kind: str
    value: Arg | None = None


def spec_of(line: str) -> tuple[str, Spec]:
    """One line of a catalogue: `name kind -flags -x=t --long --long=r -#`."""
    name, operands, *tokens = line.split()
    flags, number = "", False
    shorts: dict[str, str] = {}
    longs: dict[str, str] = {}
    for token in tokens:
        option, sign, kind = token.partition("=")
        if token == "-#":
            number = True
        elif option.startswith("--"):
            longs[option] = (kind or "t") if sign else ""
        elif sign:
            shorts[option[1:]] = kind or "t"
        else:
            flags += option[1:]
    return name, Spec(operands=operands, flags=flags, shorts=shorts, longs=longs, number=number)


def split(args: list[Arg], spec: Spec, *, strict: bool) -> tuple[list[Given], list[Arg]]:
    """Options and operands. Strict: an option that is not listed is refused."""
    given: list[Given] = []
    operands: list[Arg] = []
    position = 0
    while position < len(args):
        arg = args[position]
        position += 1
        text = arg.text
        if text == "--":
            return given, operands + args[position:]
        if text is None or not text.startswith("-") or text == "-":
            operands.append(arg)
        elif spec.number and _NUMBER.fullmatch(text):
            given.append(Given(name="-#", kind=""))
        else:
            reader = _long if text.startswith("--") else _short
            position += reader(text, args[position : position + 1], spec, given, strict)
    return given, operands


def _long(text: str, following: list[Arg], spec: Spec, given: list[Given], strict: bool) -> int:
    name, sign, value = text.partition("=")
    kind = spec.longs.get(name)
    if kind is None:
        if strict:
            raise Refused(f"strict: the option {name} is not on the list")
        given.append(Given(name=name, kind="?", value=Arg((), (value,)) if sign else None))
        return 0
    if sign or not kind or kind.endswith("?"):
        given.append(Given(name=name, kind=kind, value=Arg((), (value,)) if sign else None))
        return 0
    given.append(Given(name=name, kind=kind, value=following[0] if following else None))
    return len(following)


def _short(text: str, following: list[Arg], spec: Spec, given: list[Given], strict: bool) -> int:
    for position, letter in enumerate(text[1:], 1):
        if letter in spec.shorts:
            kind = spec.shorts[letter]
            rest = text[position + 1 :]
            if rest or kind.endswith("?"):
                given.append(Given(name=f"-{letter}", kind=kind, value=Arg((), (rest,))))
                return 0
            given.append(
                Given(name=f"-{letter}", kind=kind, value=following[0] if following else None)
            )
            return len(following)
        if letter not in spec.flags:
            if strict:
                raise Refused(f"strict: the option -{letter} is not on the list")
            given.append(Given(name=f"-{letter}", kind="?", value=Arg((), (text[position + 1 :],))))
            return 0
        given.append(Given(name=f"-{letter}", kind=""))
    return 0


def could_be(given: str, refused: str) -> bool:
    """Whether a long option may be an abbreviation of `refused`."""
    return len(given) > 2 and refused.startswith(given)


def sure(args: list[Arg], where: str) -> list[str]:
    """The texts of words that all must be sure."""
    texts = [arg.text for arg in args]
    found = [text for text in texts if text is not None]
    if len(found) < len(texts):
        unsure = args[texts.index(None)]
        shown = " ".join(unsure.values).replace(ANY, "…").replace(WILD, "*")
        raise Refused(
            f"a word of {where} ({shown}) is decided by bash only as it runs; spell it out"
        )
    return found
