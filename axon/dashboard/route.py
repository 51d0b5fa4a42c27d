"""A route of the API: who answers it, and what may be said in its query and its body."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from axon.dashboard.desk import Body
from axon.dashboard.web.head import bad
from axon.facts import dataclass

Kind = Literal["text", "integer", "number", "boolean", "texts", "object", "any"]
Handler = Callable[..., Any]
MOST = 10**15
PLAIN_BODY, LARGE_BODY = 64 << 10, 10 << 20
NAMES: dict[Kind, str] = {
    "text": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "texts": "a list of texts",
    "object": "an object",
    "any": "a value",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing that may be said. What was not said and has no default is not in the body."""

    name: str
    kind: Kind = "text"
    doc: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    least: float = 0
    most: float = MOST


@dataclass(frozen=True, kw_only=True)
class Route:
    """`handler(desk, body, **path)` returns JSON-able data, a Reply or a File.

    `fresh`: for so many seconds its answer serves everybody, while the ledger does not change.
    """

    method: str
    path: str
    handler: Handler
    doc: str
    query: tuple[Field, ...] = ()
    body: tuple[Field, ...] = ()
    fresh: float = 0.0
    status: int = 200
    if_match: bool = False
    most_bytes: int = PLAIN_BODY
    open: bool = False  # needs no token
    tag: str = ""

    @cached_property
    def _start(self) -> str:
        return self.path.partition("{")[0]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))

    def match(self, path: str) -> dict[str, str] | None:
        """What stands in the places of its path; None if it is another's. Most are told apart
        without their pattern, which is made when it is first needed."""
        if not path.startswith(self._start):
            return None
        if self._start == self.path:
            return {} if path == self.path else None
        found = self._pattern.fullmatch(path)
        return found.groupdict() if found else None


def find(routes: Iterable[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | str:
    """The route and its arguments; else the methods there are, none for an unknown path."""
    matches = [(route, m) for route in routes if (m := route.match(path)) is not None]
    method = "GET" if method == "HEAD" else method
    for route, match in matches:
        if route.method == method:
            return route, match
    methods = {route.method for route, _ in matches}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def read_query(fields: Iterable[Field], query: str) -> Body:
    """What the query says, converted; refused where it says something else."""
    known = {field.name: field for field in fields}
    given: dict[str, list[str]] = {}
    for part in query.split("&") if query else ():
        name, _, text = part.partition("=")
        given.setdefault(_decoded(name), []).append(_decoded(text))
    if unknown := given.keys() - known.keys():
        raise bad(f"unknown query parameter {sorted(unknown)[0][:50]!r}")
    found = {field.name: field.default for field in known.values() if field.default is not None}
    for name, texts in given.items():
        field = known[name]
        if field.kind == "texts":
            found[name] = _checked(field, texts)
        elif len(texts) > 1:
            raise bad(f"{name} is said twice")
        elif texts[0] or field.kind == "text":
            found[name] = _checked(field, _of_text(field, texts[0]))
    return _whole(known, found)


def read_fields(fields: Iterable[Field], body: Mapping[str, Any]) -> Body:
    """The same for a JSON body. None clears, where the handler knows how."""
    known = {field.name: field for field in fields}
    if unknown := body.keys() - known.keys():
        raise bad(
            f"unknown key {sorted(unknown)[0][:50]!r}; known are {', '.join(known) or 'none'}"
        )
    found = {field.name: field.default for field in known.values() if field.default is not None}
    found |= {
        name: raw if raw is None else _checked(known[name], raw) for name, raw in body.items()
    }
    return _whole(known, found)


def _whole(known: Mapping[str, Field], found: Body) -> Body:
    for field in known.values():
        if field.required and found.get(field.name) is None:
            raise bad(f"{field.name} is missing; it must be {NAMES[field.kind]}")
    return found


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise bad("the query has a broken escape")
    try:
        found = unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise bad("the query is not UTF-8") from None
    if "\0" in found:
        raise bad("the query has a NUL")
    return found


def _of_text(field: Field, text: str) -> Any:
    try:
        if field.kind == "integer" and re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
            return int(text)
        if field.kind == "number" and re.fullmatch(r"-?[\d.e+-]{1,30}", text, re.ASCII):
            return float(text)
    except ValueError:
        pass  # the check tells what it must be
    if field.kind == "boolean" and text in ("0", "1", "true", "false"):
        return text in ("1", "true")
    return text


def _checked(field: Field, raw: Any) -> Any:
    kind = field.kind
    number = isinstance(raw, int | float) and not isinstance(raw, bool)
    fits = {
        "text": isinstance(raw, str),
        "integer": isinstance(raw, int) and not isinstance(raw, bool),
        "number": number,
        "boolean": isinstance(raw, bool),
        "texts": isinstance(raw, list) and all(isinstance(item, str) for item in raw),
        "object": isinstance(raw, dict),
        "any": True,
    }
    if not fits[kind]:
        raise bad(f"{field.name} must be {NAMES[kind]}")
    if kind in ("integer", "number") and not field.least <= raw <= field.most:
        most = f" to {field.most:g}" if field.most < MOST else ""
        raise bad(f"{field.name} must be {NAMES[kind]} from {field.least:g}{most}")
    if field.choices and (unknown := {raw} if kind == "text" else set(raw)) - set(field.choices):
        unknown -= set(field.choices)
        raise bad(f"{field.name} {min(unknown)[:50]!r} is none of {', '.join(field.choices)}")
    return raw
