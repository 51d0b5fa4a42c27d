"""How a run is shown: a live table on a terminal, lines in a pipe, JSON lines for programs."""

import os
import shutil
from typing import TYPE_CHECKING, TextIO

from axon.team.screen.view import Reporter, Summary, View

if TYPE_CHECKING:
    from axon.team.screen.table import Size

__all__ = ["Reporter", "Summary", "View", "choose_reporter"]


def choose_reporter(stream: TextIO, json: bool, color: bool, *, live: bool = True) -> Reporter:
    """The reporter that fits `stream`. `live` False: a terminal that cannot move its cursor."""
    from axon.team.screen.lines import JsonLines, Lines
    from axon.team.screen.pump import open_output
    from axon.team.screen.table import Table

    output = open_output(stream)
    if json:
        return JsonLines(output)
    if not stream.isatty():
        return Lines(output)
    size = _size_of(stream)
    return Table(output, size, color) if live else Lines(output, size()[0] - 1)


def _size_of(stream: TextIO) -> "Size":
    def size() -> tuple[int, int]:
        """Asked anew for each frame: windows are resized. $COLUMNS would be a stale answer."""
        try:
            found = os.get_terminal_size(stream.fileno())
        except OSError:
            found = shutil.get_terminal_size()
        return max(found.columns or 80, 20), max(found.lines or 24, 4)

    return size
