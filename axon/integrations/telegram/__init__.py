"""Telegram: reports to the chats of a list, and commands from them, by the Bot API."""

from typing import TYPE_CHECKING

from axon.config import Config

if TYPE_CHECKING:
    from axon.integrations.telegram.health import Checked


def check(config: Config) -> "Checked":
    """Whether it can be used: asks the bot who it is, and whether it knows its chats."""
    from axon.integrations.telegram import health

    return health.check(config)
