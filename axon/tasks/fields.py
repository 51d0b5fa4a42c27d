"""What an imported task may say about itself, and how each value is checked."""

import json
import math
import re
from collections.abc import Callable, Sequence
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
        return _texts(name, _listing(text))
    return _of_text(CHECKS[name], name, text)


def fact(name: str, raw: Any) -> Any:
    """As `value`, for what became of a task in the ledger it comes from."""
    return FACTS[name](name, raw)


def fact_of_text(name: str, text: str) -> Any:
    if FACTS[name] in (_truth, _comments):
        return fact(name, _json(name, text.lower() if FACTS[name] is _truth else text))
    return _of_text(FACTS[name], name, text)


def _of_text(check: Callable[[str, Any], Any], name: str, text: str) -> Any:
    try:
        if check in (_whole, _count):
            return check(name, int(text))
        if check in (_number, _amount):
            return check(name, float(text))
    except ValueError:
        pass  # the check tells what it must be
    return check(name, text)


def listing(values: Sequence[str]) -> str:
    """A list as one line of text, so that it is read back as it was."""
    plain = ", ".join(values)
    same = listed(plain) == list(values) and "\n" not in plain and not plain.startswith("[")
    return plain if same else json.dumps(list(values), ensure_ascii=False)


def _listing(text: str) -> list[str]:
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None  # a glob may begin like that
        if isinstance(found, list) and all(isinstance(item, str) for item in found):
            return found
    return listed(text)


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{name} must be JSON") from None


def listed(text: str) -> list[str]:
    """Parts between commas; a comma inside braces belongs to its glob."""
    parts = re.findall(r"(?:\{[^{}]*\}|[^,])+", text)
    return [part for part in (part.strip().strip("`").strip() for part in parts) if part]


def _text(name: str, raw: Any) -> str:
    if not isinstance(raw, str):
        raise UsageError(f"{name} must be a text")
    return clean(raw).strip()


def _prose(name: str, raw: Any) -> str:
    """As `_text`, but white space at its beginning belongs to it."""
    if not isinstance(raw, str):
        raise UsageError(f"{name} must be a text")
    return clean(raw).strip("\n").rstrip()


def _as_it_is(name: str, raw: Any) -> str:
    if not isinstance(raw, str):
        raise UsageError(f"{name} must be a text")
    return clean(raw)


def _texts(name: str, raw: Any) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for item in raw if isinstance(raw, list) else (None,):
        if not isinstance(item, str):
            raise UsageError(f"{name} must be a list of texts")
        if text := clean(item).strip():
            found[text] = None
    return tuple(found)


def _whole(name: str, raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 1 <= raw <= MOST:
        raise UsageError(f"{name} must be a whole number from 1")
    return raw


def _number(name: str, raw: Any) -> float:
    if not isinstance(raw, int | float) or isinstance(raw, bool) or not 0 < raw <= MOST:
        raise UsageError(f"{name} must be a number above 0")
    return float(raw)


def _count(name: str, raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 0 <= raw <= 10**15:
        raise UsageError(f"{name} must be a whole number from 0")
    return raw


def _amount(name: str, raw: Any) -> float:
    if not isinstance(raw, int | float) or isinstance(raw, bool) or not 0 <= raw < math.inf:
        raise UsageError(f"{name} must be a number from 0")
    return float(raw)


def _truth(name: str, raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise UsageError(f"{name} must be true or false")
    return raw


def _comments(name: str, raw: Any) -> list[tuple[float, str, str]]:
    wrong = UsageError(f"{name} must be a list of objects with at, actor and body")
    if not isinstance(raw, list):
        raise wrong
    found = []
    for item in raw:
        if not isinstance(item, dict) or not item.keys() >= {"at", "actor", "body"}:
            raise wrong
        at, actor, body = (item[key] for key in ("at", "actor", "body"))
        found.append((_time("at", at), _as_it_is("actor", actor), _as_it_is("body", body)))
    return found


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
    "description": _prose,
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
FACTS: dict[str, Callable[[str, Any], Any]] = {
    "question": _as_it_is,
    "answers": _as_it_is,
    "error": _as_it_is,
    "result": _as_it_is,
    "feedback": _as_it_is,
    "attempts": _count,
    "failures": _count,
    "losses": _count,
    "branch": _as_it_is,
    "commit": _as_it_is,
    "target": _as_it_is,
    "landed_commit": _as_it_is,
    "verified": _truth,
    "engine_session": _as_it_is,
    "cost_usd": _amount,
    "tokens": _count,
    "turns": _count,
    "seconds": _amount,
    "created_at": _time,
    "updated_at": _time,
    "comments": _comments,
}
LISTS = frozenset(name for name, check in CHECKS.items() if check is _texts)
