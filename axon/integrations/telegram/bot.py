"""Call the Telegram Bot API: the envelope of its answers, and what each error means for us."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from axon.errors import AxonError, UsageError
from axon.integrations.errand import Office
from axon.integrations.exchange import Call, NoReply, Reply, check_url, exchange, proxy_for

TOKEN = re.compile(r"\d{1,20}:[\w-]{1,200}", re.ASCII)
CALL_SECONDS = 20.0
DEFAULT_WAIT, LONGEST_WAIT = 30.0, 3600.0
LONGEST_SAID = 200

# token: the bot is not known. chat: this chat takes nothing from us. conflict: another asks for
# the updates. wait: too many messages. passing: may work in a moment. bad: this call is wrong.
Kind = Literal["token", "chat", "conflict", "wait", "passing", "bad"]
CHAT_LOST = (
    "chat not found", "user not found", "bot was", "bot is not a member", "user is deactivated",
    "group chat was upgraded", "group chat was deactivated", "not enough rights", "have no rights",
    "need administrator rights", "peer_id_invalid", "chat_write_forbidden", "can't initiate",
    "can't send messages", "channel_private", "topic_closed",
)  # fmt: skip


class Trouble(AxonError):
    """A call that did not succeed. `sent`: it may have had its effect all the same."""

    code = "telegram"

    def __init__(
        self, message: str, kind: Kind, *, seconds: float | None = None, sent: bool = False
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.seconds = seconds
        self.sent = sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """One bot. Its token stands in every address: none of those is ever in a message."""

    token: str = field(repr=False)
    url: str
    proxy: str = field(default="", repr=False)

    @property
    def number(self) -> str:
        """The bot's own id, which is no secret."""
        return self.token.partition(":")[0]

    def call(self, method: str, *, seconds: float = CALL_SECONDS, **parameters: Any) -> Any:
        """The result of a method. Trouble: it has none, or none came."""
        call = Call(
            method="POST",
            url=f"{self.url.rstrip('/')}/bot{self.token}/{method}",
            headers={"Content-Type": "application/json"},
            body=json.dumps(parameters).encode(),
            proxy=self.proxy,
        )
        try:
            reply = exchange(call, seconds=seconds)
        except NoReply as error:
            raise Trouble(f"Telegram: {error}", "passing", sent=error.sent) from None
        return result_of(reply)


def bot_of(office: Office) -> Bot:
    """UsageError when token or address cannot be right."""
    config = office.config
    token = config.telegram_token.strip()
    if not TOKEN.fullmatch(token):
        raise UsageError(
            "TELEGRAM_BOT_TOKEN is no bot token; copy it from @BotFather, as 123456:ABC-DEF"
        )
    check_url(config.telegram_url, "telegram.api_url (AXON_TELEGRAM_URL)")
    proxy = proxy_for(config.telegram_url, office.environ)
    return Bot(token=token, url=config.telegram_url, proxy=proxy)


def result_of(reply: Reply) -> Any:
    """What `{"ok": true, "result": …}` holds. Trouble for everything else."""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("ok"), bool):
        raise _no_envelope(reply)
    if document["ok"] and "result" in document:
        return document["result"]
    code = document.get("error_code")
    code = code if isinstance(code, int) else reply.status
    said = " ".join(str(document.get("description") or "no reason").split())[:LONGEST_SAID]
    parameters = document.get("parameters")
    raise _refused(code, said, parameters if isinstance(parameters, dict) else {})


def _no_envelope(reply: Reply) -> Trouble:
    """A page of a proxy or a gateway, or a server that is no Bot API; never repeated in full."""
    if 300 <= reply.status < 400:
        return Trouble(
            f"Telegram's address answers with a redirect ({reply.status}), which is not followed;"
            " correct AXON_TELEGRAM_URL",
            "token",
        )
    if reply.status in (401, 404):
        return _unknown(reply.status, "no Bot API")
    sent = reply.status < 400
    return Trouble(f"Telegram answers {reply.status}, and no JSON", "passing", sent=sent)


def _refused(code: int, said: str, parameters: dict[str, Any]) -> Trouble:
    if code in (401, 404):
        return _unknown(code, said)
    if code == 409:
        return Trouble(
            f"another program asks for this bot's updates ({said}); stop it, remove its webhook,"
            " or give axon a bot of its own",
            "conflict",
        )
    if code == 429:
        wait = parameters.get("retry_after")
        seconds = float(wait) if isinstance(wait, int | float) and wait > 0 else DEFAULT_WAIT
        return Trouble(f"Telegram: {said}", "wait", seconds=min(seconds, LONGEST_WAIT))
    if moved := parameters.get("migrate_to_chat_id"):
        return Trouble(f"the group has a new id: set TELEGRAM_CHAT_ID to {moved}", "chat")
    if code == 403 or any(word in said.lower() for word in CHAT_LOST):
        return Trouble(f"Telegram: {said}; see TELEGRAM_CHAT_ID, and write to the bot once", "chat")
    if code >= 500:
        return Trouble(f"Telegram answers {code}: {said}", "passing")
    return Trouble(f"Telegram refuses it ({code}: {said})", "bad")


def _unknown(code: int, said: str) -> Trouble:
    return Trouble(
        f"Telegram does not know this bot ({code}: {said}); set TELEGRAM_BOT_TOKEN to what"
        " @BotFather shows",
        "token",
    )
