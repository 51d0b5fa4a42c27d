"""Other people's text inside a prompt: shortened, and fenced so that it cannot end its fence."""

import re

_TICKS = re.compile("`{3,}")


def shorten(text: str, limit: int) -> str:
    """`text` with its middle cut out when it is longer than `limit`: both ends tell most."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters cut …]\n{text[-half:]}"


def fenced(text: str) -> str:
    """`text` in a fence longer than any inside it."""
    longest = max((len(found[0]) for found in _TICKS.finditer(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"
