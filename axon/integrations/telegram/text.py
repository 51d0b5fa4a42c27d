"""Texts as Telegram takes them: escaped, and cut where nothing breaks.

The limit of 4,096 counts UTF-16 units of what is read, after tags and entities were parsed: a text
is cut first and escaped then, so that no cut can fall into a tag or an entity.
"""

import html
import unicodedata

LIMIT = 4096
ROOM = LIMIT - 40  # a message that may be a repeat says so at its head
MOST_PARTS = 8
JOINERS = "\u200d\ufe0e\ufe0f\u20e3"  # they tie an emoji to the one before
SKIN, FLAG = ("\U0001f3fb", "\U0001f3ff"), ("\U0001f1e6", "\U0001f1ff")
CUT = "… (the rest is left out)"


def units(text: str) -> int:
    """How long Telegram finds `text`."""
    return len(text) + sum(character > "\uffff" for character in text)


def parts(text: str, limit: int = LIMIT) -> list[str]:
    """`text` in pieces of at most `limit` units, cut behind lines or words where there are any."""
    found: list[str] = []
    rest = text.strip("\n")
    while units(rest) > limit:
        if len(found) == MOST_PARTS - 1:
            end = _fitting(rest, limit - units(CUT) - 1)
            return [*found, f"{rest[:end].rstrip()}\n{CUT}"]
        end = _cut(rest, _fitting(rest, limit))
        found.append(rest[:end].rstrip("\n"))
        rest = rest[end:].lstrip("\n")
    return [*found, rest] if rest or not found else found


def rendered(title: str, body: str) -> list[str]:
    """HTML of one message or several; the title is bold, everything else is as it was."""
    title = " ".join(title.split())
    pieces = parts(f"{title}\n{body}" if body.strip() else title, ROOM)
    head, line, rest = pieces[0].partition("\n")
    return [f"<b>{_plain(head)}</b>{line}{_plain(rest)}", *map(_plain, pieces[1:])]


def _plain(text: str) -> str:
    return html.escape(text, quote=False)


def _fitting(text: str, limit: int) -> int:
    """How many characters of `text` have at most `limit` units."""
    used = 0
    for number, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > limit:
            return number
    return len(text)


def _cut(text: str, end: int) -> int:
    """The best place to cut at or before `end`."""
    for mark in ("\n", " "):
        at = text.rfind(mark, end // 2, end + 1)
        if at > 0:
            return at + (mark == " ")
    while end > 1 and _tied(text, end):
        end -= 1
    return end


def _tied(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` would tear one sign apart."""
    after, before = text[at], text[at - 1]
    if after in JOINERS or before == "\u200d" or SKIN[0] <= after <= SKIN[1]:
        return True
    if FLAG[0] <= after <= FLAG[1]:  # two letters are one flag
        letters = 0
        while letters < at and FLAG[0] <= text[at - letters - 1] <= FLAG[1]:
            letters += 1
        return letters % 2 == 1
    return bool(unicodedata.combining(after))
