"""What the models' tokens cost, as published; a model that is not listed has no known price."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from axon.errors import UsageError

MILLION = 1_000_000
SEARCH_USD = 0.01  # one web search
LONG_PROMPT = 100_000  # tokens; haiku-5-5 is priced by the length of the prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one answer used, in all the kinds that are priced differently."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0  # all of them
    cache_write_1h: int = 0  # those of them that are kept for an hour
    searches: int = 0
    fast: bool = False  # the fast lane has prices of its own, which are not listed here

    @property
    def prompt(self) -> int:
        return self.input + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens. Where it is not said, writing to the cache for five minutes costs
    1.25 × input, 2 × for an hour, and reading from it 0.1 ×."""

    input: float
    output: float
    read: float | None = None
    write: float | None = None
    write_1h: float | None = None

    def of(self, tokens: Tokens) -> float:
        read = self.input * 0.1 if self.read is None else self.read
        write = self.input * 1.25 if self.write is None else self.write
        write_1h = self.input * 2 if self.write_1h is None else self.write_1h
        return (
            tokens.input * self.input
            + tokens.output * self.output
            + tokens.cache_read * read
            + (tokens.cache_write - tokens.cache_write_1h) * write
            + tokens.cache_write_1h * write_1h
        ) / MILLION


PRICES: dict[str, Price] = {
    "haiku-3-5": Price(0.80, 4, 0.08),
    "haiku-4-5": Price(1, 5, 0.10),
    "haiku-5-5": Price(0.10, 0.50, 0.01),
    "sonnet-3-5": Price(3, 15, 0.30),
    "sonnet-3-7": Price(3, 15, 0.30),
    "sonnet-4": Price(3, 15, 0.30),
    "sonnet-4-5": Price(3, 15, 0.30),
    "sonnet-4-6": Price(3, 15, 0.30),
    "sonnet-5": Price(2, 10, 0.20),
    "sonnet-5-5": Price(2, 10, 0.10),
    "opus-4": Price(15, 75, 1.50),
    "opus-4-1": Price(15, 75, 1.50),
    "opus-4-5": Price(5, 25, 0.50),
    "opus-4-6": Price(5, 25, 0.50),
    "opus-4-7": Price(5, 25, 0.50),
    "opus-4-8": Price(5, 25, 0.50),
    "opus-5": Price(5, 25, 0.50),
    "opus-5-5": Price(4, 20, 0.20),
    "fable-5": Price(10, 50, 1),
    "fable-5-1": Price(10, 50, 0.25),
    "fable-5-2": Price(8, 40, 0.20),
    "mythos-5": Price(10, 50, 1),
    "mythos-5-1": Price(10, 50, 0.25),
    "mythos-5-2": Price(8, 40, 0.20),
}
NONE: Mapping[str, Price] = MappingProxyType({})
LONG = {"haiku-5-5": Price(0.50, 2.50, 0.05)}

# claude-sonnet-4-5-20250929, claude-3-5-haiku-latest, anthropic/claude-opus-5[1m]
_MODEL = re.compile(
    r"(?:.*[/.])?claude-(?:(?P<old>3(?:-\d)?)-)?(?P<family>[a-z]+)(?P<new>(?:-\d{1,2}){0,2})"
    r"(?:[-@](?:\d{8}|latest))?(?:\[1m\])?"
)


def generation(model: str) -> str:
    """`sonnet-4-5` of any way to name that model; "" when it is none of this maker's."""
    match = _MODEL.fullmatch(model.lower())
    if match is None:
        return ""
    number = f"-{match['old']}" if match["old"] else match["new"]
    return f"{match['family']}{number}".removesuffix("-0")


KEYS = {
    "input": "input",
    "output": "output",
    "cache_read": "read",
    "cache_write": "write",
    "cache_write_1h": "write_1h",
}


def prices_of(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Price]:
    """The prices a person has set, by model. UsageError: they cannot be that."""
    return {model: _price_of(model, table) for model, table in tables.items()}


def _price_of(model: str, table: Mapping[str, Any]) -> Price:
    where = f"prices.{model}"
    for key, value in table.items():
        if key not in KEYS:
            raise UsageError(f"unknown key {where}.{key}; use {', '.join(KEYS)}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value < MILLION:
            raise UsageError(f"{where}.{key} must be USD per million tokens")
    for key in ("input", "output"):
        if key not in table:
            raise UsageError(f"{where} has no {key}; give it in USD per million tokens")
    return Price(**{KEYS[key]: float(value) for key, value in table.items()})


def price_of(model: str, own: Mapping[str, Price]) -> Price | None:
    """`own` comes first: by the whole id, or by the model's name without date or maker."""
    name = generation(model)
    for known in (model, name, f"claude-{name}"):
        if known in own:
            return own[known]
    return PRICES.get(name)


def cost_usd(model: str, tokens: Tokens, own: Mapping[str, Price] = NONE) -> float | None:
    """The price of an answer, or None when it is not known."""
    price, name = price_of(model, own), generation(model)
    if price is None or tokens.fast:
        return None
    if tokens.prompt > LONG_PROMPT and price is PRICES.get(name):
        price = LONG.get(name, price)
    return price.of(tokens) + tokens.searches * SEARCH_USD
