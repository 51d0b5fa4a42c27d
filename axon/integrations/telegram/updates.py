"""What a chat has sent: a command of somebody on the list, or nothing of ours. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

COMMAND = re.compile(r"/([A-Za-z]\w{0,31})(?:@(\w{1,64}))?(?:\s+(.*))?", re.ASCII | re.DOTALL)
MAX_TEXT = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A command as it came. `pressed`: the data of a button, and then there is no `at`."""

    update: int
    chat: int
    sender: int
    name: str = ""  # "status"; "" when it is no command
    rest: str = ""  # what stands behind it
    message: int = 0
    at: float | None = None  # by Telegram's clock
    pressed: str = ""
    callback: str = ""  # to be answered, so that the button stops to turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Who is obeyed: these chats, and in them these people (none named: everybody)."""

    chats: Collection[int]
    senders: Collection[int] = ()
    bot: str = ""  # its name: what is said to another bot in a group is none of ours


def update_id(update: Any) -> int | None:
    """The number of an update, if it has one."""
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if type(number) is int else None


def incoming(update: Any, allowed: Allowed) -> Incoming | None:
    """None: it is not for us, and is neither carried out nor answered."""
    number = update_id(update)
    if number is None:
        return None
    if isinstance(query := update.get("callback_query"), dict):
        found = _pressed(number, query)
    elif isinstance(message := update.get("message"), dict):
        found = _said(number, message, allowed.bot)
    else:
        return None
    if found is None or found.chat not in allowed.chats:
        return None
    if allowed.senders and found.sender not in allowed.senders:
        return None
    return found


def stranger(update: Any, allowed: Allowed) -> bool:
    """Whether it comes from somebody who is not on the list."""
    query, message = update.get("callback_query"), update.get("message")
    if isinstance(query, dict):
        message, sender = query.get("message"), query.get("from")
    else:
        sender = message.get("from") if isinstance(message, dict) else None
    chat = _id(message.get("chat")) if isinstance(message, dict) else None
    known = not allowed.senders or _id(sender) in allowed.senders
    return chat not in allowed.chats or not known


def _said(number: int, message: Mapping[str, Any], bot: str) -> Incoming | None:
    text, sender = message.get("text"), message.get("from")
    # what somebody else wrote, and was passed on, is no command of who passed it on
    foreign = any(
        name in message for name in ("forward_origin", "forward_date", "via_bot", "sender_chat")
    )
    chat, who = _id(message.get("chat")), _id(sender)
    if not isinstance(text, str) or foreign or chat is None or who is None:
        return None
    if not isinstance(sender, dict) or sender.get("is_bot"):
        return None
    found = COMMAND.fullmatch(text.strip()[:MAX_TEXT])
    if found is None or (found[2] and found[2].lower() != bot.lower()):
        return None
    return Incoming(
        update=number,
        chat=chat,
        sender=who,
        name=found[1].lower(),
        rest=(found[3] or "").strip(),
        message=_number(message.get("message_id")),
        at=float(_number(message.get("date"))),
    )


def _pressed(number: int, query: Mapping[str, Any]) -> Incoming | None:
    message, data, callback = query.get("message"), query.get("data"), query.get("id")
    chat = _id(message.get("chat")) if isinstance(message, dict) else None
    who = _id(query.get("from"))
    if chat is None or who is None or not isinstance(data, str) or not isinstance(callback, str):
        return None
    return Incoming(
        update=number,
        chat=chat,
        sender=who,
        message=_number(message.get("message_id")) if isinstance(message, dict) else 0,
        pressed=data[:64],
        callback=callback[:128],
    )


def _id(about: Any) -> int | None:
    number = about.get("id") if isinstance(about, dict) else None
    return number if type(number) is int else None


def _number(value: Any) -> int:
    return value if type(value) is int else 0
