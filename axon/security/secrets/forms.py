"""The ways one secret may be spelled in a text."""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 8  # shorter values are words, and would take harmless text with them
_LINE = 16  # a line of a secret of several is one by itself from here on


def forms(value: str) -> Iterator[str]:
    """Every spelling of `value`; of several lines, each may turn up alone."""
    lines = [line.strip() for line in value.splitlines()] if "\n" in value else []
    for part in (value, *(line for line in lines if len(line) >= _LINE)):
        yield from _spellings(part)


def _spellings(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogatepass")
    yield value
    for once in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield once
        yield once.replace("/", "\\/")
        yield json.dumps(once)[1:-1]  # JSON in JSON: what a tool is given is recorded as such
    yield html.escape(value)
    yield from _shell(value)
    every = "".join(f"%{byte:02X}" for byte in raw)
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw), every):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
    yield from (raw.hex(), raw.hex().upper())
    for shift in range(3):
        encoded = base64_core(raw, shift)
        yield from (encoded, encoded.replace("+", "-").replace("/", "_"))


def _shell(value: str) -> Iterator[str]:
    """Between quotes, behind backslashes (as printf %q has it), and as $'...'."""
    yield shlex.quote(value).removeprefix("'").removesuffix("'")
    yield re.sub(r'(["$`\\])', r"\\\1", value)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)
    yield value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")


def base64_core(raw: bytes, shift: int) -> str:
    """The part of base64 text that `raw` alone decides when `shift` bytes stand before it."""
    encoded = base64.b64encode(bytes(shift) + raw).decode()
    first = -(-shift * 8 // 6)  # characters that hold a bit of what stands before
    whole = (shift + len(raw)) * 8 // 6  # the next one holds bits of what follows
    return encoded[first:whole]
