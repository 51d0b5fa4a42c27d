"""Brace expansion: bash does it first, on the text of a word; so is it done here."""

import itertools
import re
from collections.abc import Iterator

from axon.security.policy.refusal import Refused
from axon.security.policy.tree import Part, Text, Word

MAX_WORDS = 300

_SEQUENCE = re.compile(
    r"(?P<first>-?\d{1,6})\.\.(?P<last>-?\d{1,6})(?:\.\.(?P<step>-?\d{1,6}))?", re.ASCII
)
_LETTERS = re.compile(r"([a-z])\.\.([a-z])|([A-Z])\.\.([A-Z])")
Atom = str | Part  # a str is one unquoted character


def expand(word: Word) -> list[Word]:
    """The words that `word` stands for; mostly itself."""
    if not any(isinstance(part, Text) and part.bare and "{" in part.value for part in word):
        return [word]
    bare = "".join(p.value for p in word if isinstance(p, Text) and p.bare)
    if "{}" in bare and ("," in bare or ".." in bare):
        raise Refused("{} in a word with other braces; quote it")
    for before, part in itertools.pairwise(word):
        dollar = getattr(before, "name", getattr(before, "value", "")).endswith("$")
        if dollar and isinstance(part, Text) and part.value.startswith("{"):
            raise Refused("braces right behind a $; quote them")
    found = list(_expanded(_atoms(word)))
    if len(found) > MAX_WORDS:
        raise Refused(f"braces that make more than {MAX_WORDS} words")
    if any(not atoms for atoms in found):
        raise Refused("braces that make an empty word; write the words out")
    if any(atoms[0] == "~" for atoms in found):
        raise Refused("braces that make a word with ~; write the words out")
    return [_word(atoms) for atoms in found]


def _atoms(word: Word) -> list[Atom]:
    found: list[Atom] = []
    for part in word:
        if isinstance(part, Text) and part.bare:
            found += part.value
        else:
            found.append(part)
    return found


def _word(atoms: list[Atom]) -> Word:
    parts: list[Part] = []
    for atom in atoms:
        last = parts[-1] if parts else None
        if not isinstance(atom, str):
            parts.append(atom)
        elif isinstance(last, Text) and last.bare:
            parts[-1] = Text(last.value + atom)
        else:
            parts.append(Text(atom))
    return tuple(parts)


def _expanded(atoms: list[Atom]) -> Iterator[list[Atom]]:
    """Every combination, the first brace varying slowest."""
    if "{" not in atoms:
        if "}" in atoms and "," in atoms:
            raise Refused("a } without its {; quote it")
        yield atoms
        return
    start = atoms.index("{")
    before, body, after = atoms[:start], *_group(atoms, start)
    choices = _choices(body)
    rests = list(_expanded(after))
    if len(choices) * len(rests) > MAX_WORDS:
        raise Refused(f"braces that make more than {MAX_WORDS} words")
    for choice in choices:
        for rest in rests:
            yield [*before, *choice, *rest]


def _group(atoms: list[Atom], start: int) -> tuple[list[Atom], list[Atom]]:
    depth = 0
    for position in range(start, len(atoms)):
        depth += (atoms[position] == "{") - (atoms[position] == "}")
        if depth == 0:
            return atoms[start + 1 : position], atoms[position + 1 :]
    raise Refused("a { without its }; quote it")


def _choices(body: list[Atom]) -> list[list[Atom]]:
    """What stands for `{body}`."""
    pieces: list[list[Atom]] = [[]]
    depth = 0
    for atom in body:
        depth += (atom == "{") - (atom == "}")
        if atom == "," and depth == 0:
            pieces.append([])
        else:
            pieces[-1].append(atom)
    if len(pieces) > 1:
        return [choice for piece in pieces for choice in _expanded(piece)]
    if "{" in body:
        raise Refused("braces within braces; write the words out")
    text = "".join(atom for atom in body if isinstance(atom, str))
    if len(text) == len(body) and ".." in text:
        return [list(item) for item in _sequence(text)]
    return [["{", *body, "}"]]


def _sequence(text: str) -> list[str]:
    if letters := _LETTERS.fullmatch(text):
        first, last = (ord(letter) for letter in letters.groups() if letter)
        step = 1 if last >= first else -1
        return [chr(code) for code in range(first, last + step, step)]
    found = _SEQUENCE.fullmatch(text)
    if found is None:
        raise Refused("a range in braces that cannot be followed; write the words out")
    first, last = int(found["first"]), int(found["last"])
    step = abs(int(found["step"] or 1)) or 1
    if abs(last - first) // step >= MAX_WORDS:
        raise Refused(f"braces that make more than {MAX_WORDS} words")
    ends = (found["first"], found["last"])
    padded = any(end.lstrip("-").startswith("0") and len(end.lstrip("-")) > 1 for end in ends)
    width = max(map(len, ends)) if padded else 0
    numbers = range(first, last + 1, step) if last >= first else range(first, last - 1, -step)
    return [f"{number:0{width}d}" if width else str(number) for number in numbers]
