"""Read a JSON body as strictly as a head: one object, of plain values, not too deep."""

import json
import math
import re
from typing import Any, NoReturn

from axon.dashboard.web.head import bad

MAX_DEPTH = 32
STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
BRACKETS = re.compile(rb"[\[\]{}]")
SURROGATE = re.compile("[\ud800-\udfff]")


def read_body(data: bytes) -> dict[str, Any]:
    """The object in `data`; nothing at all is an empty one."""
    if not data:
        return {}
    _check_depth(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise bad("the body is not UTF-8") from None
    try:
        found = json.loads(
            text, parse_constant=_constant, parse_float=_float, object_pairs_hook=_object
        )
    except (ValueError, RecursionError) as error:
        raise bad(f"the body is not acceptable JSON: {_said(error)}") from None
    if not isinstance(found, dict):
        raise bad("the body must be a JSON object")
    if "\\ud" in text or "\\uD" in text:
        _check_texts(found)
    return found


def _said(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, line {error.lineno}, column {error.colno}"
    return str(error)[:200]


def _check_depth(data: bytes) -> None:
    """The parser is written in C and calls itself: it must not run out of stack."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in BRACKETS.findall(STRINGS.sub(b"", data)):
        depth += 1 if bracket in (b"[", b"{") else -1
        if depth > MAX_DEPTH:
            raise bad(f"the body is nested more than {MAX_DEPTH} deep")


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:30]} is too large")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"{twice[:50]!r} stands there twice")
    return found


def _check_texts(value: Any) -> None:
    if isinstance(value, str):
        if SURROGATE.search(value):
            raise bad("a text holds half a character (a lone surrogate)")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key)
            _check_texts(item)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)
