"""Read the part of YAML that front matter is written in: maps, lists, plain values, texts.

What is beyond it (anchors, tags, maps in braces, several documents) is refused with its line.
"""

import re
from typing import Any

from axon.errors import UsageError
from axon.facts import dataclass

KEY = re.compile(r"""([A-Za-z_][\w.-]*|"[^"\\]*"|'[^']*')\s*:(?:\s+(.*))?""")
KEY_OF_WORDS = re.compile(r"""([A-Za-z_](?:[\w. -]*[\w.-])?)\s*:(?:\s+(.*))?""")
BLOCK = re.compile(r"([|>])([+-]?)")
# Each place can be matched in one way only: else a long line would be tried in all of them.
ONE_OF_FLOW = r"""(?:\s*(?:"[^"]*"|'[^']*')\s*|[^,"']+)"""
FLOW = re.compile(f"(?:{ONE_OF_FLOW}(?:,{ONE_OF_FLOW})*,?)?")
INTEGER = re.compile(r"[-+]?(0|[1-9]\d{0,17})")
DECIMAL = re.compile(r"[-+]?\d{1,17}\.\d{1,17}")
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
BEYOND = {"&": "an anchor", "*": "an alias", "!": "a tag", "{": "a map in braces",
          "@": "a reserved sign", "`": "a reserved sign", "%": "a directive"}  # fmt: skip
DEEPEST = 20


@dataclass(slots=True)
class _Lines:
    """The lines that are left, and the number of the next one in the file."""

    lines: list[str]
    number: int
    at: int = 0

    def peek(self) -> str | None:
        """The next line that says something."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and not line.lstrip().startswith("#"):
                return line
            self.at += 1
        return None

    def wrong(self, what: str) -> UsageError:
        return UsageError(f"line {self.number + self.at}: {what} is not understood here")


def parse(lines: list[str], first: int) -> dict[str, Any]:
    """The map that these lines are. `first`: the number of the first in its file."""
    text = _Lines(lines, first)
    if text.peek() is None:
        return {}
    found = _value(text, 0, 0)
    if text.peek() is not None:
        raise text.wrong("a line that is indented less or otherwise than those before it")
    if not isinstance(found, dict):
        raise UsageError(f"line {first}: front matter must be a map of keys")
    return found


def _indent(text: _Lines, line: str) -> int:
    blanks = line[: len(line) - len(line.lstrip())]
    if blanks.strip(" "):
        raise text.wrong("a tab before the text")
    return len(blanks)


def _value(text: _Lines, indent: int, depth: int) -> Any:
    line = text.peek() or ""
    if depth > DEEPEST:
        raise text.wrong("so many maps in each other")
    if _indent(text, line) != indent:
        raise text.wrong("this indentation")
    if line.lstrip().startswith("- ") or line.strip() == "-":
        return _list(text, indent, depth)
    return _map(text, indent, depth)


def _map(text: _Lines, indent: int, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while (line := text.peek()) is not None and (here := _indent(text, line)) >= indent:
        if here > indent:
            raise text.wrong("this indentation")
        body = line.strip()
        parts = KEY.fullmatch(body) or KEY_OF_WORDS.fullmatch(body)
        if not parts or body.startswith("- "):
            raise text.wrong("what is no `key: value`")
        key = parts[1].strip("\"'")
        if key in found:
            raise text.wrong(f"the key {key} a second time")
        found[key] = _after(text, indent, parts[2] or "", depth)
    return found


def _list(text: _Lines, indent: int, depth: int) -> list[Any]:
    found = []
    while (line := text.peek()) is not None and _indent(text, line) == indent:
        body = line.strip()
        if not (body == "-" or body.startswith("- ")):
            break
        inside = body[1:].strip()
        if KEY.fullmatch(inside) and inside[:1] not in "\"'":
            raise text.wrong("a map in a list")
        found.append(_after(text, indent, inside, depth))
    return found


def _after(text: _Lines, indent: int, raw: str, depth: int) -> Any:
    """The value that stands behind a key or a dash, or below it."""
    plain = _uncommented(raw)
    if block := BLOCK.fullmatch(plain):
        text.at += 1
        return _block(text, indent, folded=block[1] == ">", keep=block[2])
    if plain:
        found = _scalar(text, plain)
        text.at += 1
        return found
    text.at += 1
    line = text.peek()
    if line is None:
        return None
    below = _indent(text, line)
    if below > indent or (below == indent and line.lstrip().startswith("- ")):
        return _value(text, below, depth + 1)
    return None


def _block(text: _Lines, indent: int, *, folded: bool, keep: str) -> str:
    lines = []
    while text.at < len(text.lines):
        line = text.lines[text.at]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
            break
        lines.append(line)
        text.at += 1
    margin = min((len(s) - len(s.lstrip(" ")) for s in lines if s.strip()), default=0)
    body = [line[margin:] for line in lines]
    while body and not body[-1].strip():
        body.pop()
    joined = "\n".join(body)
    if folded:
        joined = re.sub(r"\n(\n*)", lambda found: found[1] or " ", joined)
    return joined if keep == "-" or not joined else joined + "\n"


def _uncommented(raw: str) -> str:
    raw = raw.strip()
    if raw[:1] in ("'", '"'):
        return raw
    return re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()


def _scalar(text: _Lines, raw: str) -> Any:
    if raw[0] in BEYOND:
        raise text.wrong(BEYOND[raw[0]])
    if raw[0] == "[":
        return _flow(text, raw)
    if raw[0] in "\"'":
        return _quoted(text, raw)
    if raw.lower() in WORDS:
        return WORDS[raw.lower()]
    if INTEGER.fullmatch(raw):
        return int(raw)
    if DECIMAL.fullmatch(raw):
        return float(raw)
    if ": " in raw:
        raise text.wrong("a second `: ` on a line without quotes")
    return raw


def _quoted(text: _Lines, raw: str) -> str:
    found = re.fullmatch(r"""("(?:[^"\\]|\\["\\/nt])*"|'(?:[^']|'')*')(?:\s+#.*)?""", raw)
    if not found:
        raise text.wrong("this quoted text")
    inner = found[1][1:-1]
    if found[1][0] == "'":
        return inner.replace("''", "'")
    signs = {"n": "\n", "t": "\t"}
    return re.sub(r"\\(.)", lambda one: signs.get(one[1], one[1]), inner)


def _flow(text: _Lines, raw: str) -> list[Any]:
    found = re.fullmatch(r"\[([^\[\]{}]*)\](?:\s+#.*)?", raw)
    if not found:
        raise text.wrong("a list in brackets that is not on one line, or holds other lists")
    if not FLOW.fullmatch(found[1]):
        raise text.wrong("this list in brackets")
    parts = re.findall(r"""("[^"]*"|'[^']*'|[^,"']+)""", found[1])
    return [_scalar(text, part.strip()) for part in parts if part.strip()]
