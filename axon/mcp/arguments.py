"""Check what a model sends to a tool against the tool's schema, in words the model can act on."""

from typing import Any

from axon.errors import UsageError

TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a text"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "array": ((list,), "a list of texts"),
}
Properties = dict[str, dict[str, Any]]


def schema(
    required: Properties | None = None, optional: Properties | None = None
) -> dict[str, Any]:
    """JSON Schema of an object with these properties and no others."""
    required, optional = required or {}, optional or {}
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def checked(schema: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """`arguments` without nulls, which stand for "not given"."""
    given = {name: value for name, value in arguments.items() if value is not None}
    known: Properties = schema["properties"]
    if unknown := [name for name in given if name not in known]:
        takes = f"use {', '.join(known)}" if known else "this tool takes none"
        raise UsageError(f"unknown argument {unknown[0]!r}; {takes}")
    if missing := [name for name in schema["required"] if name not in given]:
        raise UsageError(f"the argument {missing[0]} is missing; it is required")
    for name, value in given.items():
        _check(name, value, known[name])
    return given


def _check(name: str, value: Any, rule: dict[str, Any]) -> None:
    types, told = TYPES[rule["type"]]
    if not isinstance(value, types) or isinstance(value, bool):
        raise UsageError(f"{name} must be {told}")
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        raise UsageError(f"{name} must be {told}")
    if isinstance(value, int | float) and value < rule.get("minimum", value):
        raise UsageError(f"{name} must be at least {rule['minimum']}")
