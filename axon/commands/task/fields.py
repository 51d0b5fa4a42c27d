"""Fields of a task as options give them."""

from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from axon.errors import UsageError
from axon.tasks.fields import LISTS, value, value_of_text


def given_fields(args: Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Those that were given, in the types of a Draft. UsageError names the option."""
    found = {}
    for name in names:
        if (given := getattr(args, name)) is not None:
            option = "--label" if name == "labels" else f"--{name.replace('_', '-')}"
            try:
                found[name] = value(name, given) if name in LISTS else value_of_text(name, given)
            except UsageError as error:
                raise UsageError(f"{option}: {error}") from None
    return found


def identifier_of(text: str) -> str:
    return text.strip().upper()
