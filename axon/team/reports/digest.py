"""A day or a week in a few lines: what landed, what failed, what waits, what it cost."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from axon.errors import NotFound
from axon.integrations.notify import Notice
from axon.ledger import Event, Ledger
from axon.ledger.trail import MAX_SEQ
from axon.tasks import State, Task
from axon.tasks.text import shortened
from axon.team.screen.words import money
from axon.team.status import asking

Span = Literal["daily", "weekly"]
DAYS: dict[Span, int] = {"daily": 1, "weekly": 7}
PAGE, MOST_EVENTS, MOST_SESSIONS = 1000, 100_000, 2000
MOST_LISTED = 15
MAX_TITLE, MAX_QUESTION = 80, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One task in a digest. `more`: why it failed, or what it asks."""

    identifier: str
    title: str
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The figures of a span that ends at `until`. Unknown is None."""

    span: Span
    project: str
    since: float
    until: float
    landed: tuple[Entry, ...]
    unverified: int
    failed: tuple[Entry, ...]
    asking: tuple[Entry, ...]
    added: int
    counts: dict[str, int]
    cost_usd: float | None
    tokens: int
    by_day: tuple[tuple[str, int], ...]  # landed on each day of a week
    whole: bool  # False: there was more than could be looked at

    @property
    def empty(self) -> bool:
        """Nothing happened, and nobody waits for anything."""
        return not (self.landed or self.failed or self.asking or self.added or self.tokens)

    def view(self) -> dict[str, Any]:
        """The stable JSON form."""
        return asdict(self) | {"by_day": dict(self.by_day)}


def digest_of(ledger: Ledger, span: Span, now: float, project: str) -> Digest:
    since = now - DAYS[span] * 86400.0
    events = list(_events(ledger, since))
    landed = [event for event in events if event.action == "land"]
    failed = [event for event in events if event.action == "give_up"]
    sessions = [s for s in ledger.sessions(limit=MOST_SESSIONS) if s.started_at >= since]
    costs = [s.cost_usd for s in sessions if s.cost_usd is not None]
    titles = _titles(ledger, [*landed, *failed])
    return Digest(
        span=span,
        project=project,
        since=since,
        until=now,
        landed=_entries(landed, titles),
        unverified=sum(event.data.get("verified") is False for event in landed),
        failed=_entries(failed, titles),
        asking=tuple(_asks(task) for task in asking(ledger)),
        added=sum(event.action == "add" for event in events),
        counts=ledger.counts(),
        cost_usd=sum(costs) if costs else None,
        tokens=sum(s.tokens for s in sessions),
        by_day=_by_day(landed, now, DAYS[span]) if span == "weekly" else (),
        whole=len(events) < MOST_EVENTS and len(sessions) < MOST_SESSIONS,
    )


def digest_text(digest: Digest) -> tuple[str, str]:
    """Title and body, the same in a chat and in a terminal."""
    what = "daily digest" if digest.span == "daily" else "weekly summary"
    title = f"📋 {digest.project}: {what}, {_date(digest.until)}"
    lines = [_headline(digest)]
    if digest.by_day:
        lines.append("Landed by day: " + ", ".join(f"{day} {n}" for day, n in digest.by_day))
    lines += _list("Landed", digest.landed)
    lines += _list("Failed", digest.failed)
    lines += _list("Wait for your answer", digest.asking)
    if not digest.whole:
        lines += ["", "(there was more than this looks at)"]
    return title, "\n".join(lines)


def digest_notice(digest: Digest) -> Notice:
    """Its key is its date: told once, however often it is due."""
    title, body = digest_text(digest)
    return Notice(key=key_of(digest.span, digest.until), kind="digest", title=title, body=body)


def key_of(span: Span, now: float) -> str:
    day = datetime.fromtimestamp(now)
    return f"daily {day:%Y-%m-%d}" if span == "daily" else f"weekly {day:%G-W%V}"


def due(now: float, hour: int, weekday: int | None) -> list[Span]:
    """What is to be told by now of this day, by the clock of this host."""
    local = datetime.fromtimestamp(now)
    if hour < 0 or local.hour < hour:
        return []
    return ["daily", "weekly"] if local.weekday() == weekday else ["daily"]


def _events(ledger: Ledger, since: float) -> Iterator[Event]:
    """Those since then, the newest first; a clock that was set back ends the search early."""
    before, count = MAX_SEQ, 0
    while count < MOST_EVENTS and (page := ledger.latest(before=before, limit=PAGE)):
        for event in reversed(page):
            if event.at < since:
                return
            count += 1
            yield event
        before = page[0].seq


def _titles(ledger: Ledger, events: Sequence[Event]) -> dict[str, str]:
    names = list(dict.fromkeys(event.identifier for event in events))[: 4 * MOST_LISTED]
    known = {name: task.title for name in names for task in _task(ledger, name)}
    return {name: shortened(title, MAX_TITLE) for name, title in known.items()}


def _task(ledger: Ledger, name: str) -> list[Task]:
    try:
        return [ledger.task(name)]
    except NotFound:  # deleted since
        return []


def _entries(events: Sequence[Event], titles: dict[str, str]) -> tuple[Entry, ...]:
    found: dict[str, Entry] = {}
    for event in events:  # the newest first: what counts is how it ended
        more = shortened(" ".join(event.why.split()), MAX_QUESTION)
        entry = Entry(identifier=event.identifier, title=titles.get(event.identifier, ""))
        if event.action == "give_up":
            entry = Entry(identifier=entry.identifier, title=entry.title, more=more)
        found.setdefault(event.identifier, entry)
    return tuple(reversed(found.values()))


def _asks(task: Task) -> Entry:
    said = shortened(" ".join(task.question.split()), MAX_QUESTION)
    return Entry(identifier=task.identifier, title=shortened(task.title, MAX_TITLE), more=said)


def _by_day(landed: Sequence[Event], now: float, days: int) -> tuple[tuple[str, int], ...]:
    today = datetime.fromtimestamp(now).date()
    names = [today - timedelta(days=n) for n in reversed(range(days))]
    count = dict.fromkeys(names, 0)
    for event in landed:
        day = datetime.fromtimestamp(event.at).date()
        if day in count:
            count[day] += 1
    return tuple((f"{day:%a}", n) for day, n in count.items())


def _headline(digest: Digest) -> str:
    unverified = f" ({digest.unverified} unverified)" if digest.unverified else ""
    parts = [
        f"{len(digest.landed)} landed{unverified}",
        f"{len(digest.failed)} failed" if digest.failed else "",
        f"{len(digest.asking)} wait for an answer" if digest.asking else "",
        f"{digest.counts.get(State.IN_PROGRESS, 0)} in progress",
        f"{digest.counts.get(State.TODO, 0)} to do",
    ]
    spent = money(digest.cost_usd) or ("an unknown sum" if digest.tokens else "")
    return ", ".join(part for part in parts if part) + (f"; {spent} spent" if spent else "")


def _list(head: str, entries: Sequence[Entry]) -> list[str]:
    if not entries:
        return []
    lines = ["", f"{head}:"]
    for entry in entries[:MOST_LISTED]:
        more = f": {entry.more}" if entry.more else ""
        lines.append(f"• {entry.identifier} {entry.title}{more}".rstrip())
    if len(entries) > MOST_LISTED:
        lines.append(f"… and {len(entries) - MOST_LISTED} more")
    return lines


def _date(at: float) -> str:
    return f"{datetime.fromtimestamp(at):%Y-%m-%d}"
