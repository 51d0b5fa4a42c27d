"""Cells of a spreadsheet: text that is never run as a formula, and comes back as it was."""

import re

# What Excel, LibreOffice and Sheets take for a formula, and marks that we put before one.
_RUN = re.compile("'*[=+\\-@\t\r\n＝＋－＠|%]")
_GUARDED = re.compile("'+[=+\\-@\t\r\n＝＋－＠|%]")


def guarded(text: str) -> str:
    return f"'{text}" if _RUN.match(text) else text


def unguarded(cell: str) -> str:
    return cell[1:] if _GUARDED.match(cell) else cell
