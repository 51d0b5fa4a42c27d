"""Check the JSON that a person wrote, and name the place of what is wrong."""

from typing import Any

from axon.errors import UsageError

LONGEST_SECONDS = 3600.0


def table(value: Any, where: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be an object")
    for key in value:
        if key not in known:
            raise UsageError(f"{where}: {key!r} is not known; use {', '.join(known)}")
    return value


def items(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UsageError(f"{where} must be a list")
    return value


def text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where} must be a text")
    return value


def seconds(value: Any, where: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= LONGEST_SECONDS:
        raise UsageError(f"{where} must be a number of seconds up to {LONGEST_SECONDS:g}")
    return float(value)
