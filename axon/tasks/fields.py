"""What an imported task may say about itself, and how each value is checked."""

import math
import re
from collections.abc import Callable
from typing import Any

from axon.errors import UsageError
from axon.tasks import Priority
from axon.tasks.moments import iso
from axon.tasks.text import clean

MOST = 10**9


def value(name: str, raw: Any) -> Any:
    """`raw`, as JSON has it, in the type of the Draft's field. UsageError says what it must be."""
    return CHECKS[name](name, raw)


def value_of_text(name: str, text: str) -> Any:
    """The same from text, as a Markdown attribute or an option has it."""
    if CHECKS[name] is _texts:
        return _texts(name, listed(text))
    if CHECKS[name] in (_whole, _number):
        try:
            return value(name, int(text) if CHECKS[name] is _whole else float(text))
        except ValueError:
            return value(name, text)  # tells what it must be
    return value(name, text)


def listed(text: str) -> list[str]:
    """Parts between commas; a comma inside braces belongs to its glob."""
    parts = re.findall(r"(?:\{[^{}]*\}|[^,])+", text)
    return [part for part in (part.strip().strip("`").strip() for part in parts) if part]


def _text(name: str, raw: Any) -> str:
    if not isinstance(raw, str):
        raise UsageError(f"{name} must be a text")
    return clean(raw).strip()


def _texts(name: str, raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
        raise UsageError(f"{name} must be a list of texts")
    return tuple(dict.fromkeys(text for item in raw if (text := clean(item).strip())))


def _whole(name: str, raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 1 <= raw <= MOST:
        raise UsageError(f"{name} must be a whole number from 1")
    return raw


def _number(name: str, raw: Any) -> float:
    if not isinstance(raw, int | float) or isinstance(raw, bool) or not 0 < raw <= MOST:
        raise UsageError(f"{name} must be a number above 0")
    return float(raw)


def _time(name: str, raw: Any) -> float:
    if isinstance(raw, str):
        return iso(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw < math.inf:
        raise UsageError(f"{name} must be a time, as 2026-03-01T09:00, or Unix seconds")
    return float(raw)


def _priority(name: str, raw: Any) -> Priority:
    return Priority.named(_text(name, raw))


def _team(name: str, raw: Any) -> str:
    if (team := _text(name, raw)) and not re.fullmatch(r"[A-Z0-9]{1,20}", team):
        raise UsageError(f"{name} {team!r} must be capital letters and digits, as ENG")
    return team


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "title": _text,
    "description": _text,
    "priority": _priority,
    "type": _text,
    "labels": _texts,
    "team": _team,
    "project": _text,
    "parent": _text,
    "depends": _texts,
    "paths": _texts,
    "check": _text,
    "max_attempts": _whole,
    "max_usd": _number,
    "max_turns": _whole,
    "max_minutes": _number,
    "not_before": _time,
    "key": _text,
}
LISTS = frozenset(name for name, check in CHECKS.items() if check is _texts)
