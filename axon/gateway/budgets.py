"""Budgets of tasks, runs and days: what a request may need is set aside before it is sent."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from axon.gateway.prices import MILLION, Price, Tokens, price_of
from axon.gateway.wire import Hangup
from axon.ledger import Flight, Used

BYTES_PER_TOKEN = 4
IMAGE_TOKENS = 1600
LARGE = 64 << 10
PACKED = re.compile(rb'"data":\s*"[A-Za-z0-9+/=]{1000,}"')  # an image's bytes are no text
UNTOLD_OUTPUT = 8192  # tokens, where a request names no max_tokens
LOOK_SECONDS = 0.05
MOST_REMEMBERED = 4096
Scope = Literal["task", "run", "day"]
SHARED: Scope = "day"  # by all runs of a project
Flying = Literal["nothing", "prompts", "answers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A budget and what has been used of it, as the ledger knows."""

    scope: Scope
    key: str  # the task, the run or the day
    used: Used
    max_usd: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdraft(Account):
    """The budget that leaves nothing for another request; only that limit of it is set."""

    def __str__(self) -> str:
        if self.max_usd is not None:
            limit, spent = f"${self.max_usd:g}", self.used.usd >= self.max_usd
            rest = f"${self.used.usd:.4g}"
        else:
            limit, spent = f"{self.max_tokens} tokens", self.used.tokens >= (self.max_tokens or 0)
            rest = f"{self.used.tokens} tokens"
        budget = f"the {self.scope}'s budget of {limit}"
        return f"{budget} is spent" if spent else f"{budget} is all but spent ({rest})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for how much: as far as it shows before the request is sent."""

    who: str  # a session or a subagent of it: its next request is much like its last one
    model: str
    size: int  # bytes, without those of images
    images: int
    max_output: int


@dataclass(slots=True)
class Reservation:
    """What is set aside while a request is on its way."""

    asked: Asked
    need: Flight  # `usd` counts only where the price is known
    keys: tuple[str, ...]


class Sky(Protocol):
    """Where the gateways of several runs tell each other what they have on its way."""

    def fly(self, flight: Flight) -> Flight: ...
    def landed(self, flight: Flight) -> None: ...


@dataclass(slots=True)
class Budgets:
    """What is on its way, for all sessions of this gateway; by `sky` also for those of others."""

    prices: Mapping[str, Price]
    sky: Sky | None = None  # none: no budget is shared
    _flying: list[Reservation] = field(default_factory=list)
    _seen: dict[str, tuple[float, float]] = field(default_factory=dict)
    _extended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(
        self,
        asked: Asked,
        accounts: Callable[[bool], list[Account]],
        deadline: float,
        hangup: Hangup,
    ) -> Reservation | Overdraft:
        """Set aside what this request needs; say which budget does not have it.

        `accounts`: those that hold it, with or without what a person has allowed on top.

        What others may still use of it is waited for, until `deadline` (monotonic): near its
        end a budget lets requests through one after the other, and is passed by no more than
        the answers on their way. ChildGone, LedgerError.
        """
        while True:
            with self._lock:
                need, decided = self._need(asked), None
                # Said before anything is looked up: of two who want the last of it, at least one
                # sees the other, and what lands meanwhile is found among what was used.
                elsewhere = self.sky.fly(self._total(need)) if self.sky else Flight()
                try:
                    decided = self._decide(asked, need, accounts, elsewhere, deadline)
                finally:
                    if isinstance(decided, Reservation):
                        self._flying.append(decided)
                    elif self.sky:
                        self.sky.landed(self._total())
            if decided is not None:
                return decided
            hangup.wait(LOOK_SECONDS * random.uniform(0.5, 1.5))

    def settle(self, reservation: Reservation, tokens: Tokens) -> None:
        """The request is over, and counted in the ledger."""
        with self._lock:
            self._flying = [one for one in self._flying if one is not reservation]
            asked = reservation.asked
            if tokens.prompt and asked.size:
                if len(self._seen) >= MOST_REMEMBERED:
                    self._seen.clear()
                price = price_of(asked.model, self.prices)
                usd = price.of(replace(tokens, output=0)) if price else 0.0
                self._seen[asked.who] = (tokens.prompt / asked.size, usd / asked.size)
            if self.sky:
                self.sky.landed(self._total())

    def _total(self, *more: Flight) -> Flight:
        return summed([*(one.need for one in self._flying), *more])

    def _decide(
        self,
        asked: Asked,
        need: Flight,
        accounts: Callable[[bool], list[Account]],
        elsewhere: Flight,
        deadline: float,
    ) -> Reservation | Overdraft | None:
        """None: it must wait for what is on its way."""
        late = time.monotonic() >= deadline
        known = accounts(self._extended)
        least: Flying = "prompts" if late else "nothing"
        overdraft = self._first_over(known, need, elsewhere, least)
        if overdraft and not self._extended:
            self._extended = True  # from now on with what a person has allowed on top
            known = accounts(True)
            overdraft = self._first_over(known, need, elsewhere, least)
        if overdraft:
            return overdraft
        if not late and self._first_over(known, need, elsewhere, "answers"):
            return None
        keys = tuple(f"{account.scope} {account.key}" for account in known)
        return Reservation(asked=asked, need=need, keys=keys)

    def _need(self, asked: Asked) -> Flight:
        """As its last request went, since prompts come from the cache; at first at full price."""
        price = price_of(asked.model, self.prices)
        each = self._seen.get(asked.who)
        if each:
            tokens, usd = int(asked.size * each[0]), asked.size * each[1]
        else:
            tokens = asked.size // BYTES_PER_TOKEN + asked.images * IMAGE_TOKENS
            usd = tokens * price.input / MILLION if price else 0.0
        output = asked.max_output * price.output / MILLION if price else 0.0
        return Flight(
            tokens=tokens, usd=usd, most_tokens=tokens + asked.max_output, most_usd=usd + output
        )

    def _first_over(
        self, known: Iterable[Account], need: Flight, elsewhere: Flight, flying: Flying
    ) -> Overdraft | None:
        """The first budget for which `need` is too much, once what is `flying` has been used."""
        for account in known:
            name = f"{account.scope} {account.key}"
            others = [one.need for one in self._flying if name in one.keys]
            others += [elsewhere] if account.scope == SHARED else []
            all_ = summed(others if flying != "nothing" else [])
            tokens, usd = all_.tokens, all_.usd
            if flying == "answers":
                tokens, usd = all_.most_tokens, all_.most_usd
            if overdraft := _over(account, need.tokens + tokens, need.usd + usd):
                return overdraft
        return None


def summed(flights: Iterable[Flight]) -> Flight:
    total = Flight()
    for one in flights:
        total = Flight(
            tokens=total.tokens + one.tokens,
            usd=total.usd + one.usd,
            most_tokens=total.most_tokens + one.most_tokens,
            most_usd=total.most_usd + one.most_usd,
        )
    return total


def _over(account: Account, tokens: int, usd: float) -> Overdraft | None:
    used, most_usd, most_tokens = account.used, account.max_usd, account.max_tokens
    if most_usd is not None and (used.usd >= most_usd or used.usd + usd > most_usd):
        return Overdraft(**_common(account), max_usd=most_usd)
    if most_tokens is not None and (
        used.tokens >= most_tokens or used.tokens + tokens > most_tokens
    ):
        return Overdraft(**_common(account), max_tokens=most_tokens)
    return None


def asked_of(who: str, body: bytes, model: str, max_output: object) -> Asked:
    packed = [len(found[0]) for found in PACKED.finditer(body)] if len(body) > LARGE else []
    known = isinstance(max_output, int) and not isinstance(max_output, bool) and max_output > 0
    return Asked(
        who=who,
        model=model,
        size=len(body) - sum(packed),
        images=len(packed),
        max_output=int(max_output) if known else UNTOLD_OUTPUT,  # type: ignore[call-overload]
    )


def _common(account: Account) -> dict[str, Any]:
    return {"scope": account.scope, "key": account.key, "used": account.used}
