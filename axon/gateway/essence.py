"""What makes two requests the same: their content without what differs from run to run."""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PROJECT = "<axon-project>"  # stands for the project's folder
BILLING = "x-anthropic-billing-header:"
MOST_LINES = 40
UNSTEADY = {"DeferredToolPlaceholder"}  # the CLI adds it now and then

_VOLATILE = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"/(?:private/)?(?:var/)?tmp/[^\s\"'`)\]}:,]+", "<temporary>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,64}\b", "<id>"),
        (r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<date>"),
        (
            r"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|"
            r"Sep|Oct|Nov|Dec)[a-z]* +\d{1,2}(?:,? \d{4})?(?: +\d\d:\d\d(?::\d\d)?)?(?: \d{4})?",
            "<date>",
        ),
        (r"\b\d{1,2}:\d\d(?::\d\d)?\b", "<time>"),
        (r"\b\d+(?:\.\d+)?\s?(?:ms|s|sec|seconds?|minutes?)\b", "<time>"),
        (r"\b(?:127\.0\.0\.1|localhost):\d+", "<address>"),
        (r"\bpid \d+", "<pid>"),
        (r"OS Version: [^\n]*", "OS Version: <system>"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Essence:
    """A request, ready to be compared and read."""

    model: str
    system: str
    tools: str
    messages: tuple[str, ...]

    @property
    def turn(self) -> int:
        """How often the model has spoken in it."""
        return sum(message.startswith("assistant: ") for message in self.messages)

    @property
    def asks(self) -> tuple[str, ...]:
        """What is new since the model spoke last."""
        last = max(
            (n for n, m in enumerate(self.messages) if m.startswith("assistant: ")), default=-1
        )
        return self.messages[last + 1 :]

    @property
    def before(self) -> str:
        """The rest of the conversation, as a digest."""
        return digest(*self.messages[: len(self.messages) - len(self.asks)])

    @property
    def digest(self) -> str:
        return digest(self.model, self.system, self.tools, *self.messages)


def essence(document: Mapping[str, Any], root: str) -> Essence:
    tools = [t for t in _list(document.get("tools")) if isinstance(t, dict)]
    system = document.get("system")
    texts = [system] if isinstance(system, str) else [_block(b) for b in _list(system)]
    return Essence(
        model=str(document.get("model") or ""),
        system=stable("\n".join(t for t in texts if not t.startswith(BILLING)), root),
        tools="\n".join(sorted({str(tool.get("name")) for tool in tools} - UNSTEADY)),
        messages=tuple(
            stable(f"{m.get('role')}: {_content(m.get('content'))}", root)
            for m in _list(document.get("messages"))
            if isinstance(m, dict)
        ),
    )


def stable(text: str, root: str) -> str:
    """`text` as it reads in every run, wherever and whenever that is."""
    if root:
        text = text.replace(root, PROJECT).replace(json.dumps(root)[1:-1], PROJECT)
        # the CLI names its folder of a project after the project's path
        text = text.replace(re.sub(r"[^A-Za-z0-9]", "-", root), PROJECT)
    for pattern, replacement in _VOLATILE:
        text = pattern.sub(replacement, text)
    return text


def digest(*texts: str) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(text.encode("utf-8", "replace") + b"\0")
    return found.hexdigest()[:16]


def difference(recorded: Iterable[str], asked: Iterable[str]) -> str:
    """As a patch; the long ones cut."""
    old = [line for text in recorded for line in text.splitlines()]
    new = [line for text in asked for line in text.splitlines()]
    lines = list(difflib.unified_diff(old, new, "recorded", "asked", n=1, lineterm=""))
    more = [f"… {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    return "\n".join([line[:300] for line in lines[:MOST_LINES]] + more)


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = _list(content)
    # calls made together end in any order
    results = sorted(_block(block) for block in blocks if _is_result(block))
    return "\n".join([*results, *(_block(b) for b in blocks if _block(b) and not _is_result(b))])


def _is_result(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "tool_result"


def _block(block: Any) -> str:
    """What a block says; neither ids nor cache marks, and no signature."""
    if not isinstance(block, dict):
        return ""
    match block.get("type"):
        case "text":
            return str(block.get("text") or "")
        case "tool_use":
            given = json.dumps(block.get("input"), sort_keys=True, ensure_ascii=False)
            return f"[call {block.get('name')} {given}]"
        case "tool_result":
            return f"[result {_content(block.get('content'))}]"
        case "thinking":
            return f"[thinking {block.get('thinking')}]"
        case other:
            return f"[{other} {digest(json.dumps(block.get('source'), sort_keys=True))}]"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
