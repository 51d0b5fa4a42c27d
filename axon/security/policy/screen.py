"""Characters that make a command say something else than it shows are refused at the door."""

import re
import unicodedata

from axon.security.policy.refusal import Refused

MAX_CHARS = 64 << 10

_PLAIN = re.compile(r"[\t\n\x20-\x7e]*")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# They turn text round, and what is shown is not what is run; the last two mean something here.
_TURNING = re.compile("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ue000\ue001]")


def screen(command: str) -> None:
    """Refuse what no honest command line holds, wherever it stands."""
    if len(command) > MAX_CHARS:
        raise Refused(
            f"the command has more than {MAX_CHARS:,} characters; write a file with the Write tool,"
            " or split it"
        )
    if _PLAIN.fullmatch(command):
        return
    if found := _CONTROL.search(command):
        name = "a carriage return" if found[0] == "\r" else f"the character {ord(found[0]):#04x}"
        raise Refused(f"the command holds {name}; leave it out (in quotes, write $'\\x..')")
    if found := _TURNING.search(command):
        raise Refused(f"the command holds the invisible character U+{ord(found[0]):04X}")


def concealed(text: str) -> bool:
    """Whether there is something in it that `screen` would refuse."""
    return bool(_CONTROL.search(text) or _TURNING.search(text))


def bare(char: str) -> bool:
    """Whether `char` may stand outside quotes: nothing there may look like an operator or space."""
    return char.isascii() or unicodedata.category(char)[0] in "LN"
