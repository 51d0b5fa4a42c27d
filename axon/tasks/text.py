"""Make any text fit to be kept: clean, bounded, with a title of one line."""

import hashlib

from axon.errors import UsageError

MAX_TASK_BYTES = 4 * 1024 * 1024
MAX_TITLE = 200


def clean(text: str) -> str:
    """`text` as valid Unicode without NUL, which neither SQLite nor a command line can hold.

    Arguments that were not UTF-8 arrive with surrogates in place of their bytes.
    """
    if text.isascii() and "\0" not in text:
        return text
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        raw = text.encode("utf-8", "replace")
    return raw.decode("utf-8", "replace").replace("\0", "")


def titled(text: str, description: str = "") -> tuple[str, str]:
    """Title and description. A title that is no short line is kept whole as description."""
    text, description = clean(text).strip(), clean(description).strip("\n").rstrip()
    size = len(text.encode()) + len(description.encode())
    if size > MAX_TASK_BYTES:
        raise UsageError(f"the task text has {size:,} bytes; the limit is {MAX_TASK_BYTES:,}")
    if not text:
        raise UsageError("the task has no title; give one line that says what to do")
    lines = text.splitlines()
    title = " ".join(lines[0].split())
    if len(lines) == 1 and len(title) <= MAX_TITLE:
        return title, description
    return shortened(title, MAX_TITLE), "\n\n".join(part for part in (text, description) if part)


def shortened(text: str, limit: int) -> str:
    """The start of `text`, with a sign when something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def text_hash(text: str) -> str:
    """A short name for a text, the same in every process."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
