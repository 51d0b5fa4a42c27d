"""Paths of the project in an answer: named when it is recorded, filled in when it is replayed."""

import json
from collections.abc import Callable, Iterable
from typing import Any

Change = Callable[[str], str]
TEXTS = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}


def renamed(value: Any, change: Change) -> Any:
    """`value` with all its texts changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: renamed(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, change) for item in value]
    return value


def renamed_events(events: Iterable[tuple[float, Any]], change: Change) -> list[tuple[float, Any]]:
    """The same for a stream, where a path may be spread over several pieces of a block."""
    found = [(at, event) for at, event in events]
    runs: dict[tuple[int, str], list[int]] = {}
    for place, (_, event) in enumerate(found):
        if (kind := _kind(event)) is not None:
            runs.setdefault((event.get("index", 0), kind), []).append(place)
        else:
            found[place] = (found[place][0], renamed(event, change))
    for (_, kind), places in runs.items():
        _rename_run(found, places, TEXTS[kind], change)
    return found


def _kind(event: Any) -> str | None:
    delta = event.get("delta") if isinstance(event, dict) else None
    kind = delta.get("type") if isinstance(delta, dict) else None
    return kind if kind in TEXTS else None


def _rename_run(
    found: list[tuple[float, Any]], places: list[int], key: str, change: Change
) -> None:
    pieces = [str(found[place][1]["delta"].get(key) or "") for place in places]
    whole = "".join(pieces)
    text = _in_json(whole, change) if key == "partial_json" else change(whole)
    if text == whole:
        return
    size = max(-(-len(text) // len(places)), 1)
    for number, place in enumerate(places):
        at, event = found[place]
        piece = text[number * size : (number + 1) * size]
        found[place] = (at, {**event, "delta": {**event["delta"], key: piece}})


def _in_json(text: str, change: Change) -> str:
    """Changed in its strings, so that it stays the JSON it is."""
    try:
        document = json.loads(text)
    except ValueError:
        return change(text)
    return json.dumps(renamed(document, change), ensure_ascii=False)
