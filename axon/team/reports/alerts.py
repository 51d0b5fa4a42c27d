"""The same error is told once in a while, and then how often it came."""

import json
import re
from dataclasses import dataclass

from axon.integrations.notify import Notice
from axon.ledger import Event
from axon.tasks.text import text_hash
from axon.team.screen.words import clock

WINDOW_SECONDS = 3600.0
CHANGING = re.compile(r"[0-9a-f]*\d[0-9a-f]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is kept of one error: when it was last told, and how often it came since."""

    told_at: float
    text: str
    count: int = 0

    @classmethod
    def read(cls, kept: str) -> "Heard":
        told_at, text, count = json.loads(kept)
        return cls(told_at=float(told_at), text=str(text), count=int(count))

    def kept(self) -> str:
        return json.dumps([self.told_at, self.text, self.count])

    def over(self, now: float) -> bool:
        """Whether it may be told again; a clock that was set back does not hold it up for long."""
        return not self.told_at <= now < self.told_at + WINDOW_SECONDS


def fingerprint(text: str) -> str:
    """The same for errors that differ in their numbers only."""
    return text_hash(CHANGING.sub("#", text))


def heard(before: Heard | None, text: str, event: Event) -> tuple[Heard, Notice | None]:
    """What to keep of an error that has come, and what to tell."""
    if before is not None and not before.over(event.at):
        after = Heard(told_at=before.told_at, text=before.text, count=before.count + 1)
        return after, None
    again = f"{_times(before.count)} before that" if before and before.count else ""
    return Heard(told_at=event.at, text=text), _notice(f"event {event.seq}", text, again, event.at)


def ended(before: Heard, now: float) -> Notice | None:
    """What to tell of an error when its window is over: how often it came meanwhile."""
    if not before.count:
        return None
    since = f"{_times(before.count)} more since {clock(before.told_at)}"
    key = f"again {fingerprint(before.text)} {before.told_at:.3f}"
    return _notice(key, before.text, since, now)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _notice(key: str, text: str, more: str, at: float) -> Notice:
    head, _, rest = text.partition(": ")
    body = "\n".join(part for part in (rest, more) if part)
    return Notice(key=key, kind="alert", title=f"⚠ {head}", body=body, at=at)
