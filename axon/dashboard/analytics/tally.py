"""All events and all spending folded into days and stories, and kept up with what is new."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import field

from axon.dashboard.analytics.day import Calendar, Day
from axon.facts import dataclass
from axon.ledger import Ledger, Spending, Step
from axon.tasks import ENDED, State

PAGE = 10_000
LONGEST_REASON = 100
VARYING = re.compile(r"\b(?:[0-9a-f]{7,40}|\d+(?:\.\d+)?)\b")
WORK = State.IN_PROGRESS.value
OVER = frozenset(state.value for state in ENDED)


@dataclass(slots=True)
class Story:
    """One task so far."""

    state: str
    since: float
    begun: float | None = None  # when it was first claimed, since it was last made or reopened
    attempts: int = 0
    failures: int = 0
    failed_at: float = 0.0


@dataclass(slots=True)
class Tally:
    """Any thread may bring it up to date and read it, one at a time, under `lock`."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    days: dict[int, Day] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    open: dict[str, Story] = field(default_factory=dict)  # those that have not ended
    seq: int = 0
    calendar: Calendar = field(default_factory=Calendar)
    today: Callable[[], float] = time.time
    _usage: int = 0
    _working: int = 0
    _moved: float = 0.0  # when `_working` was last another

    def update(self, ledger: Ledger) -> None:
        """Read what has come since the last time."""
        with self.lock:
            if ledger.last_seq() < self.seq:  # another ledger was put in its place
                self._forget()
            while steps := ledger.steps(after=self.seq, limit=PAGE):
                for step in steps:
                    self._fold(step)
                self.seq = steps[-1].seq
            while rows := ledger.spending(after=self._usage, limit=PAGE):
                for row in rows:
                    self._spend(row)
                self._usage = rows[-1].id

    def _forget(self) -> None:
        for known in (self.days, self.stories, self.open):
            known.clear()
        self.seq = self._usage = self._working = 0
        self._moved = 0.0

    def day(self, number: int) -> Day:
        found = self.days.get(number)
        if found is None:
            found = self.days[number] = Day()
        return found

    def _fold(self, step: Step) -> None:
        number, hour = self.calendar.place(step.at)
        day = self.day(number)
        day.hours[hour] += 1
        name = step.identifier
        if not name:
            return
        if step.action == "delete":
            self._leave(name, step.at)
        elif step.after is not None:
            story = self.stories.get(name)
            if story is None or step.before is None:
                story = self.stories[name] = Story(step.after, step.at)
                if step.action != "undo":
                    day.created[name.rpartition("-")[0]] += 1
            else:
                self._move(day, step, story)
            if step.after in OVER:
                self.open.pop(name, None)
            else:
                self.open[name] = story

    def _leave(self, name: str, at: float) -> None:
        self.open.pop(name, None)
        story = self.stories.pop(name, None)
        if story and story.state == WORK:
            self._work(at, -1)

    def _move(self, day: Day, step: Step, story: Story) -> None:
        after = step.after or story.state
        if story.state != after:
            day.stays[story.state].append(max(0.0, step.at - story.since))
            if WORK in (story.state, after):
                self._work(step.at, 1 if after == WORK else -1)
            story.state, story.since = after, step.at
        match step.action:
            case "claim":
                story.attempts += 1
                story.begun = step.at if story.begun is None else story.begun
            case "fail" | "give_up":
                story.failures += 1
                story.failed_at = step.at
                day.blame(reason_of(step.why))
                if step.action == "give_up":
                    self._end(day, day.failed, step, story)
            case "land":
                day.first_pass += not story.failures
                if story.begun is not None:
                    day.cycles.append(max(0.0, step.at - story.begun))
                self._end(day, day.landed, step, story)
            case "reopen" | "retry":
                story.begun, story.attempts, story.failures = None, 0, 0

    def _end(self, day: Day, ends: dict[str, int], step: Step, story: Story) -> None:
        ends[step.identifier.rpartition("-")[0]] += 1
        day.attempts += story.attempts
        day.repeated += story.attempts > 1

    def _work(self, at: float, more: int) -> None:
        """From `at` on, another number of tasks is at work."""
        self._count_work(at)
        self._working = max(0, self._working + more)
        day = self.day(self.calendar.place(at)[0])
        day.peak = max(day.peak, self._working)

    def _count_work(self, at: float) -> None:
        if self._working and at > self._moved:
            for number, seconds in self.calendar.parts(self._moved, at):
                day = self.day(number)
                day.busy += seconds * self._working
                day.active += seconds
                day.peak = max(day.peak, self._working)
        self._moved = max(self._moved, at)

    def _spend(self, row: Spending) -> None:
        day = self.day(self.calendar.place(row.at)[0])
        for spent in (
            day.spent,
            day.models[row.model],
            day.agents[row.agent or "unknown"],
            day.tasks[row.identifier],
        ):
            spent.add(row.tokens, row.cost_usd)

    def range(self, days: int) -> tuple[int, int]:
        """Numbers of the first and the last of the latest `days`, today being the last."""
        last, _ = self.calendar.place(self.today())
        return last - days + 1, last


def reason_of(why: str) -> str:
    """The same words for the same reason, whatever numbers stand in them."""
    line = next(iter(why.strip().splitlines()), "") or "no reason was given"
    return VARYING.sub("…", line)[:LONGEST_REASON]
