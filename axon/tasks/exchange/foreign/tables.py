"""Rows of another tool's CSV as items, whatever spreadsheet they went through."""

import csv
from collections.abc import Iterator, Sequence
from typing import TextIO

from axon.errors import UsageError
from axon.tasks.exchange.cells import unguarded
from axon.tasks.exchange.foreign.item import Item
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.reading import delimiter_of, rows_of


def items(file: TextIO, head: str, needed: Sequence[str], notes: Notes) -> Iterator[Item]:
    """`head`: the beginning of the file. UsageError: one of the columns is not there."""
    rows = rows_of(file, delimiter_of(head))
    columns = [cell.strip().removeprefix("\ufeff") for cell in next(rows, [])]
    if missing := [name for name in needed if name not in columns]:
        raise UsageError(f"line 1: no column is named {missing[0]}; export it once more")
    if twice := next((name for name in columns if name and columns.count(name) > 1), ""):
        raise UsageError(f"line 1: two columns are named {twice}; keep one")
    for number, cells in enumerate(rows, start=2):
        if any(cell.strip() for cell in cells):
            where = f"row {number}"
            if any(cell.strip() for cell in cells[len(columns) :]):
                raise UsageError(f"{where}: it has more cells than the first row")
            named = zip(columns, map(unguarded, cells), strict=False)
            yield Item({name: cell for name, cell in named if name}, where, notes)


def columns_of(head: str) -> set[str]:
    """The names in the first row, as they are written."""
    line = head.removeprefix("\ufeff").lstrip()[:10_000].partition("\n")[0]
    try:
        return set(next(csv.reader([line.strip()], delimiter=delimiter_of(head)), []))
    except csv.Error:
        return set()
