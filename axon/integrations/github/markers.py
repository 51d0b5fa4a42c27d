"""What we write on GitHub: signed by a hidden marker, with other people's text kept harmless."""

import hashlib
import re
from dataclasses import dataclass

MOST_CHARACTERS = 60_000  # GitHub takes 65,536
_MARKER = re.compile(r"<!-- axon:([A-Z0-9]{1,20}-\d{1,9}):([A-Za-z0-9._-]{1,60}) -->")
_TICKS = re.compile("`{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """Says which task a text of ours is of, and what it tells of it."""

    identifier: str
    event: str

    def __str__(self) -> str:
        return f"<!-- axon:{self.identifier}:{self.event} -->"


def signed(text: str, marker: Marker) -> str:
    """`text` with its marker on the last line; nothing else in it can pass for one."""
    body = text.replace("<!--", "&lt;!--").strip()
    if len(body) > MOST_CHARACTERS:
        body = f"{body[:MOST_CHARACTERS]}…"
    return f"{body}\n\n{marker}"


def marker_of(body: object) -> Marker | None:
    """The marker that a text ends with. Whose text it is has to be known besides."""
    lines = str(body or "").strip().splitlines()
    found = _MARKER.fullmatch(lines[-1].strip()) if lines else None
    return Marker(identifier=found[1], event=found[2]) if found else None


def quoted(text: str, limit: int = 8000) -> str:
    """Text of others as a block: no mention, link, keyword or marker in it has any effect."""
    text = text.strip()
    if len(text) > limit:
        text = f"{text[:limit]}\n[… {len(text) - limit} characters more]"
    longest = max((len(found[0]) for found in _TICKS.finditer(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def code(text: str) -> str:
    """A short text on one line, as it is."""
    line = " ".join(text.split())
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}" if line else ""


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:12]
