"""Read tasks from JSON and from CSV, whatever spreadsheet it went through."""

import csv
import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from axon.errors import UsageError
from axon.tasks.exchange.cells import unguarded
from axon.tasks.exchange.entry import NAMING, Entry, known_names, unknown
from axon.tasks.exchange.source import Source
from axon.tasks.exchange.window import DECODER, items, only
from axon.tasks.text import MAX_TASK_BYTES

DELIMITERS = ",;\t"


def is_json(text: str, name: str) -> bool:
    suffix = name.rpartition(".")[2].lower()
    if suffix in ("json", "jsonl", "ndjson"):
        return True
    if suffix in ("md", "markdown", "csv", "tsv"):
        return False
    return re.match(r"\s*(\{|\[\s*[\]{])", text) is not None


def is_csv(text: str, name: str) -> bool:
    suffix = name.rpartition(".")[2].lower()
    if suffix in ("csv", "tsv"):
        return True
    return suffix not in ("md", "markdown") and "title" in _columns(text)


# ── JSON ──


def json_entries(source: Source, name: str) -> Iterator[Entry]:
    if source.head().lstrip().startswith("["):
        with source.reading() as file:
            for number, item in enumerate(items(file), start=1):
                yield _json_entry(item, f"item {number}")
        return
    if name.lower().endswith(".json") and (whole := _whole(source)) is not None:
        yield _json_entry(whole, "line 1")
        return
    with source.reading() as file:
        for number, line in enumerate(file, start=1):
            if not line.isspace():
                where = f"line {number}"
                yield _json_entry(_parse(line.rstrip("\n"), where), where)


def _whole(source: Source) -> Any:
    """The one object that a .json file holds, however many lines it has."""
    with source.reading() as file:
        try:
            found, alone = only(file)
        except UsageError:
            return None
    return found if alone else None


def _parse(line: str, where: str) -> Any:
    try:
        return DECODER.decode(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where}: not valid JSON ({error.msg}, column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: not acceptable JSON ({error})") from None


def _json_entry(item: Any, where: str) -> Entry:
    if not isinstance(item, dict):
        raise UsageError(f"{where}: a task must be a JSON object")
    entry = Entry(where=where, title="")
    try:
        for key, raw in item.items():
            entry.put(key, raw)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return entry


# ── CSV ──


def csv_entries(source: Source) -> Iterator[Entry]:
    text = source.head()
    with source.reading(newline="") as file:
        yield from _csv_entries(file, text)


def _csv_entries(file: TextIO, text: str) -> Iterator[Entry]:
    columns = _columns(text)
    rows = rows_of(file, delimiter_of(text))
    head = [cell.strip().lower() for cell in next(rows, [])]
    if not columns:
        wrong = next((cell for cell in head if cell and cell not in known_names()), "")
        raise UsageError(f"line 1: {unknown(wrong)}") if wrong else UsageError("it holds no task")
    if "title" not in head:
        raise UsageError("line 1: no column is named title; add one")
    if twice := next((name for name in head if name and head.count(name) > 1), ""):
        raise UsageError(f"line 1: two columns are named {twice}; keep one")
    for number, cells in enumerate(rows, start=2):
        if any(cell.strip() for cell in cells):
            yield _csv_entry(head, cells, f"row {number}")


def _csv_entry(head: list[str], cells: list[str], where: str) -> Entry:
    if any(cell.strip() for cell in cells[len(head) :]):
        raise UsageError(f"{where}: it has more cells than the first row; quote what has commas")
    entry = Entry(where=where, title="")
    try:
        for name, cell in zip(head, cells, strict=False):
            if name:
                entry.put_text(name, unguarded(cell))
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return entry


def rows_of(file: TextIO, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(4 * MAX_TASK_BYTES)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise UsageError(f"line {reader.line_num}: not valid CSV ({error})") from None


def delimiter_of(text: str) -> str:
    """Spreadsheets of many countries write semicolons."""
    head = text[:10_000].lstrip().partition("\n")[0]
    return max(DELIMITERS, key=head.count)


def _columns(text: str) -> set[str]:
    """The names in the first row, if they are names of fields; empty when they are not."""
    head = text[:10_000].lstrip().partition("\n")[0].strip()
    cells = {cell.strip(' "').lower() for cell in head.split(delimiter_of(text))} - {""}
    return cells if cells <= known_names() | set(NAMING) else set()
