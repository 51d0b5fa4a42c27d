"""Columns that share the room of a line: the less important go when it is narrow."""

from collections.abc import Sequence

from axon.core.terminal import fit, pad, width
from axon.facts import dataclass

GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column takes what its cells need, or, with `most`, anything from `least` to `most`."""

    head: str
    right: bool = False
    rank: int = 0  # the highest is left out first; 0 stays
    least: int = 0
    most: int = 0
    keep_end: bool = False  # what is cut off is the beginning


def grid(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int, *, steady: bool = False
) -> list[dict[str, str]]:
    """Cells cut and filled to equal widths, by head; the first row holds the heads.

    `steady` shares the room without looking at the elastic cells, so that a table drawn
    again and again does not sway with what it says.
    """
    lines = [[column.head for column in columns], *rows]
    wants = [max(width(line[i]) for line in lines) for i in range(len(columns))]
    widths = _share(columns, wants, room, steady)
    return [
        {
            column.head: pad(
                fit(line[i], widths[i], keep_end=column.keep_end), widths[i], right=column.right
            )
            for i, column in enumerate(columns)
            if i in widths
        }
        for line in lines
    ]


def _share(
    columns: Sequence[Column], wants: Sequence[int], room: int, steady: bool
) -> dict[int, int]:
    """How many cells each column that is shown gets."""
    least = dict(enumerate(wants))
    for i, column in enumerate(columns):
        if column.most:
            least[i] = column.least if steady else min(column.least, wants[i])
    while _total(least) > room and any(columns[i].rank for i in least):
        del least[max(least, key=lambda i: columns[i].rank)]
    most = {
        i: max(least[i], columns[i].most if steady else min(columns[i].most, wants[i]))
        for i in least
        if columns[i].most
    }
    spare = room - _total(least)
    while spare < 0 and (wide := max(least, key=lambda i: least[i])) is not None:
        if least[wide] <= 1:
            break
        least[wide] -= 1
        spare += 1
    while spare > 0 and (open_ := [i for i in most if least[i] < most[i]]):
        least[min(open_, key=lambda i: least[i])] += 1  # the narrowest grows first
        spare -= 1
    return least


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)
