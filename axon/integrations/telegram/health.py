"""Whether Telegram can be used, in one look: for axon health and the preflight."""

from dataclasses import dataclass

from axon.config import Config
from axon.errors import UsageError
from axon.integrations.errand import Office
from axon.integrations.notify.chosen import chats_of
from axon.integrations.telegram.bot import Trouble

SECONDS = 8.0
FIXES = {
    "token": "set TELEGRAM_BOT_TOKEN to what @BotFather shows",
    "chat": "write to the bot once, and see TELEGRAM_CHAT_ID",
    "wait": "wait; Telegram says when it takes more",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """`used` False: nothing is configured, and that is no fault."""

    ok: bool
    reason: str
    fix: str = ""
    used: bool = True


def check(config: Config) -> Checked:
    """Ask the bot who it is and whether it knows its chats. Sends no message."""
    if not config.telegram_token:
        return Checked(ok=True, used=False, reason="not set up")
    try:
        chats = chats_of(Office(config=config, run="", environ=config.environ))
    except UsageError as error:
        reason, _, fix = str(error).partition("; ")
        return Checked(ok=False, reason=reason, fix=fix)
    what = "the bot"
    try:
        me = chats[0].bot.call("getMe", seconds=SECONDS)
        for chat in chats:
            what = f"chat {chat.chat}"
            chat.bot.call("getChat", seconds=SECONDS, chat_id=chat.chat)
    except Trouble as trouble:
        fix = FIXES.get(trouble.kind, "see the network, HTTPS_PROXY and AXON_TELEGRAM_URL")
        return Checked(ok=False, reason=f"{what}: {trouble}", fix=fix)
    name = str(me.get("username") or "?") if isinstance(me, dict) else "?"
    count = f"{len(chats)} chat{'' if len(chats) == 1 else 's'}"
    return Checked(ok=True, reason=f"@{name} reports to {count}")
