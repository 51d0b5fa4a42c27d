"""The errand that takes commands from Telegram: long polling that loses and repeats nothing."""

import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from axon.config.values import chat_ids
from axon.errors import AxonError, LedgerError
from axon.integrations.errand import Errand, Office, Outage, courier_of
from axon.integrations.notify import Notice
from axon.integrations.notify.chosen import chats_of
from axon.integrations.telegram.bot import Bot, Trouble
from axon.integrations.telegram.updates import Allowed, Incoming, incoming, stranger, update_id
from axon.ledger import Lease, Ledger
from axon.team.courier.orders import READS, Answer, Order, obey, refused
from axon.team.courier.telling import Telling
from axon.team.status import IGNORED

log = logging.getLogger(__name__)

POLL_SECONDS, SPARE_SECONDS = 25, 10.0
LEASE_SECONDS = 120.0  # longer than a poll and what comes of it
ELSEWHERE_SECONDS = 3.0
MOST_UPDATES = 20
FORGOTTEN_SECONDS = 6 * 86400.0  # after a quiet week Telegram numbers its updates anew
TOLD_FAILURES = 3  # one broken poll is no news
PAUSES = {"token": 600.0, "chat": 600.0, "conflict": 30.0, "passing": 15.0, "bad": 60.0}


def listenings(office: Office) -> Sequence[Errand]:
    chats = chats_of(office)
    return [Listening(bot=chats[0].bot, office=office)] if chats else []


@dataclass(slots=True)
class Listening:
    """Implements `Errand`. One of all processes at a time asks for the updates of a bot."""

    bot: Bot
    office: Office
    final: bool = False
    _allowed: Allowed | None = None
    _replies: dict[int, Telling] = field(default_factory=dict)
    _lease: Lease | None = None
    _holder: str = field(default_factory=lambda: secrets.token_hex(8))
    _failures: int = 0

    def __post_init__(self) -> None:
        if self.office.run:
            self._holder = courier_of(self.office.run)

    @property
    def name(self) -> str:
        return "telegram commands"

    def once(self, ledger: Ledger, now: float) -> float:
        duty = f"listen telegram {self.bot.number}"
        self._lease = ledger.lease(duty, self._holder, LEASE_SECONDS)
        if self._lease is None:
            return ELSEWHERE_SECONDS
        try:
            allowed = self._introduced()
            updates = self._poll(ledger, now)
        except Trouble as trouble:
            return self._troubled(trouble)
        self._failures = 0
        for update in updates:
            self._take(ledger, update, allowed)
        return 0.0

    def let_go(self, ledger: Ledger) -> None:
        if self._lease is not None:
            ledger.drop_lease(self._lease)

    def _introduced(self) -> Allowed:
        """Who is obeyed, once it is known what the bot is called."""
        if self._allowed is None:
            config = self.office.config
            me = self.bot.call("getMe")
            self._allowed = Allowed(
                chats=chat_ids(config.telegram_chats, "telegram.chats"),
                senders=chat_ids(config.telegram_senders, "telegram.senders"),
                bot=str(me.get("username") or "") if isinstance(me, dict) else "",
            )
            self._replies = {one.chat: Telling(one, self.office) for one in chats_of(self.office)}
        return self._allowed

    def _poll(self, ledger: Ledger, now: float) -> list[Any]:
        last, at = _reached(ledger, self.bot)
        known = last is not None and now - at < FORGOTTEN_SECONDS
        result = self.bot.call(
            "getUpdates",
            seconds=POLL_SECONDS + SPARE_SECONDS,
            timeout=POLL_SECONDS,
            limit=MOST_UPDATES,
            allowed_updates=["message", "callback_query"],
            **({"offset": last + 1} if known and last is not None else {}),
        )
        return result if isinstance(result, list) else []

    def _troubled(self, trouble: Trouble) -> float:
        self._failures += 1
        seconds = trouble.seconds or PAUSES.get(trouble.kind, 15.0)
        if trouble.kind == "passing" and self._failures < TOLD_FAILURES:
            return min(seconds, 3.0)
        if trouble.kind == "wait":
            return seconds
        raise Outage(str(trouble), seconds=seconds)

    def _take(self, ledger: Ledger, update: Any, allowed: Allowed) -> None:
        number = update_id(update)
        if number is None:
            return
        order = incoming(update, allowed)
        ignored = order is None and stranger(update, allowed)
        read = _looked_up(ledger, order) if order and order.name in READS else None
        reach = partial(self._reach, ledger, number, ignored, order)
        try:
            done = ledger.together(partial(reach, read))
        except LedgerError:
            raise  # it comes again
        except Exception as error:
            if order is None:
                raise
            done = ledger.together(partial(reach, _refusal(order, error)))
        if done and order is not None and order.callback:
            self._release(order)

    def _reach(
        self,
        ledger: Ledger,
        number: int,
        ignored: bool,
        order: Incoming | None,
        answer: Answer | None,
    ) -> bool:
        """Inside one transaction. False: that update was dealt with before."""
        now = time.time()
        last, at = _reached(ledger, self.bot)
        if last is not None and number <= last and now - at < FORGOTTEN_SECONDS:
            return False
        ledger.set_bookmark(_offset(self.bot), f"{number} {now:.0f}")
        if ignored:
            ledger.set_bookmark(IGNORED, str(int(ledger.bookmark(IGNORED) or 0) + 1))
        if order is not None:
            answer = answer or obey(ledger, Order(incoming=order, now=now))
            facts = {"buttons": answer.buttons, "reply_to": 0 if order.pressed else order.message}
            notice = Notice(
                key=f"reply {self.bot.number} {number}",
                kind="reply",
                title=answer.title,
                body=answer.body,
                at=now,
                facts=facts,
            )
            self._replies[order.chat].post(ledger, [notice])
        return True

    def _release(self, order: Incoming) -> None:
        """The button stops to turn, and goes: whether that succeeds changes nothing."""
        with suppress(Trouble):
            self.bot.call("answerCallbackQuery", callback_query_id=order.callback)
            self.bot.call("editMessageReplyMarkup", chat_id=order.chat, message_id=order.message)


def _looked_up(ledger: Ledger, order: Incoming) -> Answer:
    """Before the transaction: to look things up may take its time."""
    try:
        return obey(ledger, Order(incoming=order, now=time.time()))
    except LedgerError:
        raise
    except Exception as error:
        return _refusal(order, error)


def _refusal(order: Incoming, error: Exception) -> Answer:
    if isinstance(error, AxonError):
        return refused(order, str(error))
    log.error("command failed name=%s", order.name, exc_info=error)
    return refused(order, "axon has a fault there; .axon/axon.log tells more")


def _offset(bot: Bot) -> str:
    return f"telegram offset {bot.number}"


def _reached(ledger: Ledger, bot: Bot) -> tuple[int | None, float]:
    """The last update that was dealt with, and when."""
    number, _, at = ledger.bookmark(_offset(bot)).partition(" ")
    return (int(number), float(at)) if number and at else (None, 0.0)
