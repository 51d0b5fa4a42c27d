"""What a request says that the model has not heard yet."""

from collections.abc import Mapping
from typing import Any


def newest_words(document: Mapping[str, Any]) -> str:
    """What was said to the model since it spoke last, results of tools included."""
    found = document.get("messages")
    messages = [m for m in (found if isinstance(found, list) else []) if isinstance(m, dict)]
    last = max((n for n, m in enumerate(messages) if m.get("role") == "assistant"), default=-1)
    return "\n".join(_words(m.get("content")) for m in messages[last + 1 :])


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = [b for b in (content if isinstance(content, list) else []) if isinstance(b, dict)]
    return "\n".join(str(b.get("text") or "") or _words(b.get("content")) for b in blocks)
