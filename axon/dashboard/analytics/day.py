"""One day's figures, and which day a moment belongs to."""

import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import field
from datetime import date, datetime, timedelta

from axon.facts import dataclass

QUARTER = 900.0  # no clock anywhere is set by less
MOST_REASONS = 500  # kept of a day


@dataclass(slots=True)
class Spent:
    usd: float = 0.0
    known: bool = False  # is any of it? Else the price is unknown
    tokens: int = 0
    requests: int = 0
    unpriced: int = 0

    def add(self, tokens: int, usd: float | None) -> None:
        self.requests += 1
        self.tokens += tokens
        if usd is None:
            self.unpriced += 1
        else:
            self.usd += usd
            self.known = True

    def merge(self, other: "Spent") -> None:
        self.usd += other.usd
        self.known = self.known or other.known
        self.tokens += other.tokens
        self.requests += other.requests
        self.unpriced += other.unpriced

    @property
    def price(self) -> float | None:
        return self.usd if self.known else None


def _spending() -> defaultdict[str, Spent]:
    return defaultdict(Spent)


@dataclass(slots=True)
class Day:
    """What happened on one day, by the clock of this host."""

    created: Counter[str] = field(default_factory=Counter)  # by team
    landed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    first_pass: int = 0  # landed without one failure
    attempts: int = 0  # of the tasks that landed or failed
    repeated: int = 0  # of those, tasks that took more than one
    cycles: "array[float]" = field(default_factory=lambda: array("d"))
    stays: defaultdict[str, "array[float]"] = field(
        default_factory=lambda: defaultdict(lambda: array("d"))
    )  # seconds in each state, by the day on which it was left
    reasons: Counter[str] = field(default_factory=Counter)
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    busy: float = 0.0  # seconds of work, all tasks together
    active: float = 0.0  # seconds in which there was any
    peak: int = 0  # tasks at work at once
    spent: Spent = field(default_factory=Spent)
    models: defaultdict[str, Spent] = field(default_factory=_spending)
    agents: defaultdict[str, Spent] = field(default_factory=_spending)
    tasks: defaultdict[str, Spent] = field(default_factory=_spending)

    def blame(self, reason: str) -> None:
        if reason in self.reasons or len(self.reasons) < MOST_REASONS:
            self.reasons[reason] += 1


class Calendar:
    """Days by their number; the same quarter of an hour is looked up once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}

    def place(self, at: float) -> tuple[int, int]:
        """Number of the day, and the hour in it."""
        quarter = int(at // QUARTER)
        found = self._known.get(quarter)
        if found is None:
            try:
                moment = time.localtime(quarter * QUARTER)
                found = (date(*moment[:3]).toordinal(), moment.tm_hour)
            except (ValueError, OverflowError, OSError):  # a clock was far off
                found = (1, 0)
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[quarter] = found
        return found

    def parts(self, start: float, end: float) -> Iterator[tuple[int, float]]:
        """The seconds of each day between two moments."""
        while start < end:
            number, _ = self.place(start)
            following = midnight_after(number)
            stop = min(end, following) if following > start else end
            yield number, stop - start
            start = stop


def midnight_after(number: int) -> float:
    following = date.fromordinal(max(1, number)) + timedelta(days=1)
    return datetime.combine(following, datetime.min.time()).timestamp()
