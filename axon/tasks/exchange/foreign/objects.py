"""The JSON objects of a file one after the other, however they were written into it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from axon.errors import UsageError
from axon.tasks.exchange.foreign.item import Item
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.source import Source
from axon.tasks.exchange.window import DECODER, Window

WHOLE_BYTES = 64 * 1024 * 1024  # of a file that must be read as a whole


def objects(source: Source, name: str, notes: Notes) -> Iterator[Item]:
    """Of lines, of one list, or of several lists: pages, as GitHub's tools print them."""
    number = 0
    with source.reading() as file:
        window = Window(file)
        while begins := window.peek():
            for raw, where in _list(window) if begins == "[" else [_alone(window)]:
                for one in raw if isinstance(raw, list) else (raw,):  # a page in a list of pages
                    number += 1
                    place = where or f"item {number}"
                    if not isinstance(one, Mapping):
                        raise UsageError(f"{place}: a task must be a JSON object")
                    yield Item(one, place, notes)


def _alone(window: Window) -> tuple[Any, str]:
    where = f"line {window.line()}"
    return window.value(), where


def _list(window: Window) -> Iterator[tuple[Any, str]]:
    window.skip()
    if window.peek() == "]":
        window.skip()
        return
    while True:
        window.peek()
        yield window.value(), ""
        after = window.peek()
        if after not in (",", "]") or not after:
            raise window.wrong("Expecting ',' delimiter")
        window.skip()
        if after == "]":
            return


def whole(source: Source) -> Any:
    """The one value that the file holds."""
    if source.size() > WHOLE_BYTES:
        raise UsageError(f"it is read as a whole, and may have {WHOLE_BYTES >> 20} MiB; split it")
    try:
        return DECODER.decode(source.whole())
    except json.JSONDecodeError as error:
        raise UsageError(
            f"line {error.lineno}: not valid JSON ({error.msg}, column {error.colno})"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not acceptable JSON ({error})") from None
