"""Here-documents: their bodies come after the line, and are read as bash reads them."""

import re

from axon.security.policy.cursor import Cursor, Document
from axon.security.policy.expansions import read_double
from axon.security.policy.refusal import Refused
from axon.security.policy.tree import Redirect, Text, Word, literal

_JOINED = re.compile(r"(?<!\\)(?:\\\\)*\\$")


def expect(cursor: Cursor, redirect: Redirect, end: Word, *, tabs: bool) -> None:
    """Note that `redirect` gets the body that follows the next newline."""
    said = literal(end)
    if said is None or "\n" in said:
        raise Refused("the end of a here-document must be a plain word, as <<'EOF'")
    quoted = any(isinstance(part, Text) and not part.bare for part in end)
    cursor.waiting.append(Document(said, quoted, tabs, redirect))


def read_bodies(cursor: Cursor) -> None:
    """`cursor` stands behind a newline."""
    waiting, cursor.waiting = cursor.waiting, []
    for document in waiting:
        body = _body(cursor, document)
        if body is None:  # a here-string cannot be empty
            document.redirect.operator = "<"
            document.redirect.target = (Text("/dev/null"),)
            continue
        if document.quoted:
            document.redirect.target = (Text(body, bare=False),)
            continue
        inner = Cursor(body, cursor.read_script, depth=cursor.depth)
        document.redirect.target = tuple(read_double(inner, ""))


def _body(cursor: Cursor, document: Document) -> str | None:
    """The lines up to the end word, without the last newline: a here-string adds it again."""
    lines: list[str] = []
    whole = True
    while not cursor.at_end():
        newline = cursor.text.find("\n", cursor.at)
        end = len(cursor.text) if newline < 0 else newline
        line = cursor.text[cursor.at : end]
        cursor.at = min(end + 1, len(cursor.text))
        if document.tabs:
            line = line.lstrip("\t")
        if whole and line == document.end:
            return "\n".join(lines) if lines else None
        lines.append(line)
        whole = document.quoted or not _JOINED.search(line)
        if not whole and document.tabs:
            raise Refused("a joined line in a here-document with <<-; use <<")
    raise Refused(f"a here-document has no line {document.end!r} at its end")
