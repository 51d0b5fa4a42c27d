"""A recorded session as one document: all of it as JSON, or readable as Markdown."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from axon.core.playback.reading import blob, is_blob
from axon.core.playback.rendering import tool_line
from axon.core.terminal import one_line, plain
from axon.core.text import fenced

Event = dict[str, Any]
PAYLOADS = ("text", "input", "output", "data")


def whole(event: Event, state: Path) -> Event:
    """With the payloads that were stored apart, as far as they are still there."""
    found = dict(event)
    for name in PAYLOADS:
        if is_blob(found.get(name)):
            kept = blob(state, found[name]["blob"])
            found[name] = found[name] if kept is None else kept
    return found


def as_json(session: dict[str, Any], events: Iterable[Event]) -> Iterator[str]:
    """One object with `session` and `events`; an event a line."""
    yield f'{{"session": {json.dumps(session, ensure_ascii=False)},\n"events": ['
    between = "\n"
    for event in events:
        yield between + json.dumps(event, ensure_ascii=False)
        between = ",\n"
    yield "\n]}\n"


def as_markdown(title: str, facts: Iterable[str], events: Iterable[Event]) -> Iterator[str]:
    """Every event with the second at which it happened."""
    yield f"# {one_line(title)}\n\n" + "".join(f"- {one_line(fact)}\n" for fact in facts)
    for event in events:
        at = event.get("at")
        clock = f"{at:.1f} s" if isinstance(at, int | float) else "…"
        agent = f" · {one_line(str(event['agent']))}" if event.get("agent") else ""
        yield f"\n## {clock}{agent} · {one_line(_head(event))}\n\n{_body(event)}\n"


def _head(event: Event) -> str:
    kind, data = str(event.get("kind")), event.get("data")
    facts = data if isinstance(data, dict) else {}
    if kind == "tool":
        return tool_line(str(event.get("tool") or ""), event.get("input"), 100)
    if kind == "tool_result":
        return "error" if facts.get("is_error") else "output"
    if kind == "result":
        return f"ended: {facts['fault']}" if facts.get("fault") else "finished"
    return kind


def _body(event: Event) -> str:
    kind = event.get("kind")
    if kind == "text":
        return plain(_said(event.get("text")))
    parts = [event[name] for name in PAYLOADS if event.get(name) not in (None, "", {}, [])]
    if kind in ("tool_result", "result"):  # the head tells the rest
        parts = [event[name] for name in ("text", "output") if event.get(name)]
    if kind == "gap":
        return f"{event.get('lost')} events could not be recorded."
    if kind == "damaged":
        return f"{event.get('bytes')} bytes of the recording are no event."
    return "\n\n".join(fenced(plain(_said(part))) for part in parts) or "(nothing)"


def _said(value: Any) -> str:
    """Text as it is; the rest as JSON."""
    if isinstance(value, str):
        return value.rstrip("\n")
    texts = value if isinstance(value, list) else [value]
    if all(isinstance(item, dict) and isinstance(item.get("text"), str) for item in texts):
        return "\n".join(item["text"] for item in texts)
    return json.dumps(value, ensure_ascii=False, indent=2)
