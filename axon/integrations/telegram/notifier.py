"""A chat that is told: each notice one message, or several where it is long."""

from dataclasses import dataclass
from typing import Any

from axon.integrations.notify import Notice, Undelivered
from axon.integrations.telegram.bot import Bot, Trouble
from axon.integrations.telegram.text import rendered
from axon.ledger import Letter

AGAIN = "<i>(this may be a repeat)</i>\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatNotifier:
    """Implements `axon.integrations.notify.Notifier`.

    sendMessage has no key by which Telegram would know a repeat: a message whose answer was lost
    is sent once more, and says so.
    """

    bot: Bot
    chat: int
    kinds: frozenset[str]
    repeats: bool = True

    @property
    def channel(self) -> str:
        return channel_of(self.chat)

    def render(self, notice: Notice) -> list[dict[str, Any]]:
        texts = rendered(notice.title, notice.body)
        bodies: list[dict[str, Any]] = [
            {"text": text, "quiet": notice.quiet, "reply_to": 0, "buttons": []} for text in texts
        ]
        bodies[0]["reply_to"] = notice.facts.get("reply_to", 0)
        bodies[-1]["buttons"] = notice.facts.get("buttons", [])
        return bodies

    def send(self, letter: Letter) -> str:
        text = str(letter.body["text"])
        parameters: dict[str, Any] = {
            "chat_id": self.chat,
            "text": AGAIN + text if letter.doubts else text,
            "parse_mode": "HTML",
            "disable_notification": bool(letter.body.get("quiet")),
            "link_preview_options": {"is_disabled": True},
        }
        if answered := letter.body.get("reply_to"):
            replied = {"message_id": answered, "allow_sending_without_reply": True}
            parameters["reply_parameters"] = replied
        if buttons := letter.body.get("buttons"):
            row = [{"text": label, "callback_data": data} for label, data in buttons]
            parameters["reply_markup"] = {"inline_keyboard": [row]}
        try:
            result = self.bot.call("sendMessage", **parameters)
        except Trouble as trouble:
            raise _undelivered(trouble) from None
        return str(result.get("message_id", "")) if isinstance(result, dict) else ""


def channel_of(chat: int) -> str:
    return f"telegram {chat}"


def _undelivered(trouble: Trouble) -> Undelivered:
    said = str(trouble)
    match trouble.kind:
        case "token" | "chat":
            return Undelivered(said, then="nobody", counted=False)
        case "wait":
            return Undelivered(said, seconds=trouble.seconds, counted=False)
        case "bad":
            return Undelivered(said, then="never")
        case _:
            return Undelivered(said, doubtful=trouble.sent)
