"""Everybody whom a configuration wants to be told. UsageError: it says what cannot be."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from axon.config.services import KINDS
from axon.config.values import chat_ids
from axon.errors import UsageError
from axon.integrations.errand import Office
from axon.integrations.exchange import check_url, proxy_for
from axon.integrations.notify import Notifier
from axon.integrations.notify.program import Command, Desktop
from axon.integrations.notify.webhook import Webhook
from axon.integrations.telegram.bot import bot_of
from axon.integrations.telegram.notifier import ChatNotifier

WAYS = ("url", "command", "desktop")


def notifiers_of(office: Office) -> list[Notifier]:
    return [*chats_of(office), *others_of(office)]


def others_of(office: Office) -> list[Notifier]:
    """Those of the tables in axon.toml."""
    return [_other(name, table, office) for name, table in office.config.notify.items()]


def chats_of(office: Office) -> list[ChatNotifier]:
    """The chats of Telegram; none without a token."""
    config = office.config
    if not config.telegram_token:
        return []
    chats = chat_ids(config.telegram_chats, "telegram.chats (TELEGRAM_CHAT_ID)")
    if not chats:
        raise UsageError(
            "TELEGRAM_BOT_TOKEN is set, but TELEGRAM_CHAT_ID is not; write to the bot, and set it"
            " to the number of that chat"
        )
    bot, kinds = bot_of(office), frozenset(config.telegram_events)
    return [ChatNotifier(bot=bot, chat=chat, kinds=kinds) for chat in chats]


def names_of(office: Office, kind: str = "landed") -> tuple[str, ...]:
    """The channels that are told of such things; none where the configuration is wrong."""
    try:
        return tuple(one.channel for one in notifiers_of(office) if kind in one.kinds)
    except UsageError:
        return ()


def origin_of(office: Office) -> str:
    """The same for all processes of this project, and another for any other."""
    known = f"{office.config.root.resolve()} {office.config.ledger_url}"
    return "axon-" + hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _other(name: str, table: dict[str, Any], office: Office) -> Notifier:
    where = f"[notify.{name}]"
    ways = [way for way in WAYS if way in table]
    if len(ways) != 1:
        raise UsageError(f"{where} needs one of {', '.join(WAYS)}")
    if unknown := sorted(set(table) - {*WAYS, "events"}):
        raise UsageError(f"{where} has {unknown[0]}; it may have {', '.join(WAYS)} and events")
    make: dict[str, Callable[..., Notifier]] = {
        "url": _webhook,
        "command": _command,
        "desktop": _desktop,
    }
    return make[ways[0]](name, table, _kinds(table, where), office)


def _kinds(table: Mapping[str, Any], where: str) -> frozenset[str]:
    kinds = table.get("events", list(KINDS))
    if not isinstance(kinds, list) or any(kind not in KINDS for kind in kinds):
        raise UsageError(f"{where} events must be a list of {', '.join(KINDS)}")
    return frozenset(kinds)


def _webhook(
    name: str, table: Mapping[str, Any], kinds: frozenset[str], office: Office
) -> Notifier:
    url = table["url"]
    if not isinstance(url, str):
        raise UsageError(f"[notify.{name}] url must be a text")
    check_url(url, f"[notify.{name}] url")
    return Webhook(
        name=name,
        url=url,
        secret=office.config.webhook_secret,
        kinds=kinds,
        origin=origin_of(office),
        proxy=proxy_for(url, office.environ),
    )


def _command(
    name: str, table: Mapping[str, Any], kinds: frozenset[str], office: Office
) -> Notifier:
    command = table["command"]
    if not isinstance(command, str) or not command.strip() or "\0" in command:
        raise UsageError(f"[notify.{name}] command must be what a shell can run")
    return Command(
        name=name,
        command=command,
        kinds=kinds,
        folder=str(office.config.root),
        environ=_surroundings(office),
        origin=origin_of(office),
    )


def _desktop(
    name: str, table: Mapping[str, Any], kinds: frozenset[str], office: Office
) -> Notifier:
    if table["desktop"] is not True:
        raise UsageError(f"[notify.{name}] desktop must be true")
    return Desktop(name=name, kinds=kinds, environ=_surroundings(office))


def _surroundings(office: Office) -> dict[str, str]:
    """What those programs see: what axon's own processes keep, and the way to the desktop."""
    return {**office.config.environ, **office.environ}
