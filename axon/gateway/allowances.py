"""What the ledger says of budgets: what is used, what a person has allowed on top, what next."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from axon.errors import EngineFault, NotFound
from axon.gateway.budgets import Account, Overdraft, Scope
from axon.ledger import Event, Ledger, Session, Used

Then = Literal["stop", "pause", "ask"]
ASKED = "budget_asked"
MOST_EVENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBudget:
    max_usd: float | None = None
    max_tokens: int | None = None


def accounts(ledger: Ledger, session: Session, day: DayBudget, extended: bool) -> list[Account]:
    """Those that have a limit; `extended`: with what a person has allowed on top."""
    found: list[Account] = []
    if session.max_usd is not None or session.max_tokens is not None:
        found.append(
            Account(
                scope="task",
                key=session.identifier,
                used=ledger.used(identifier=session.identifier),
                max_usd=session.max_usd,
                max_tokens=session.max_tokens,
            )
        )
    try:
        run = ledger.run(session.run)
    except NotFound:
        run = None
    if run is not None and (run.max_usd is not None or run.max_tokens is not None):
        used = Used(usd=run.cost_usd or 0.0, tokens=run.tokens)
        found.append(
            Account(
                scope="run",
                key=run.id,
                used=used,
                max_usd=run.max_usd,
                max_tokens=run.max_tokens,
            )
        )
    if day != DayBudget():
        date = time.strftime("%Y-%m-%d")
        found.append(
            Account(
                scope="day",
                key=date,
                used=ledger.used(),
                max_usd=day.max_usd,
                max_tokens=day.max_tokens,
            )
        )
    return [_extended(ledger, account) for account in found] if extended else found


def follow(ledger: Ledger, session: Session, overdraft: Overdraft, then: Then) -> None:
    """What a spent budget of the run or the day means for everybody; a task's is its worker's."""
    if then == "ask":
        _ask(ledger, session, overdraft)
    elif overdraft.scope == "task":
        return
    elif then == "pause" and overdraft.scope == "day":
        ledger.pause(str(overdraft), until=tomorrow(time.time()), actor="gateway")
    else:
        ledger.halt_run(session.run, EngineFault.BUDGET, str(overdraft))


def tomorrow(now: float) -> float:
    """The coming midnight, by the clock of this host."""
    day = time.localtime(now)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday + 1, 0, 0, 0, 0, 0, -1))


def told_of(session: Session, overdraft: Overdraft) -> dict[str, Any]:
    return {
        "session": session.id,
        "scope": overdraft.scope,
        "key": overdraft.key,
        "limit_usd": overdraft.max_usd,
        "limit_tokens": overdraft.max_tokens,
        "spent_usd": overdraft.used.usd,
        "used_tokens": overdraft.used.tokens,
    }


def _ask(ledger: Ledger, session: Session, overdraft: Overdraft) -> None:
    """A person's answer, or `axon resume`, allows the same amount again."""
    name = session.identifier if overdraft.scope == "task" else ""
    if _pending(ledger, overdraft.scope, overdraft.key):
        return
    why = f"{overdraft}; axon resume allows as much again"
    ledger.record(
        ASKED,
        actor="gateway",
        identifier=name,
        run=session.run,
        why=str(overdraft) if name else why,
        data=told_of(session, overdraft),
    )
    if not name:
        ledger.pause(why, actor="gateway")


def _extended(ledger: Ledger, account: Account) -> Account:
    times = 1 + sum(_answers(ledger, account.scope, account.key))
    usd, tokens = account.max_usd, account.max_tokens
    return replace(
        account,
        max_usd=None if usd is None else usd * times,
        max_tokens=None if tokens is None else tokens * times,
    )


def _pending(ledger: Ledger, scope: Scope, key: str) -> bool:
    """Whether a person has been asked and has not answered yet."""
    return next(reversed(list(_answers(ledger, scope, key))), True) is False


def _answers(ledger: Ledger, scope: Scope, key: str) -> Iterable[bool]:
    """For each time that a person was asked about a budget: was it answered?"""
    if scope == "task":
        events = ledger.events(identifier=key, limit=MOST_EVENTS)
        answer = "answer"
    else:
        found = (
            *ledger.latest(action=ASKED, limit=MOST_EVENTS),
            *ledger.latest(action="resume", limit=MOST_EVENTS),
        )
        events, answer = sorted(found, key=lambda event: event.seq), "resume"
    return _paired(events, answer, scope, key)


def _paired(events: Iterable[Event], answer: str, scope: Scope, key: str) -> Iterable[bool]:
    asked = False
    for event in events:
        if event.action == ASKED and (event.data["scope"], event.data["key"]) == (scope, key):
            if asked:
                yield False
            asked = True
        elif event.action == answer and asked:
            asked = False
            yield True
    if asked:
        yield False
