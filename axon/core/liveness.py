"""Tell an agent that works from one that hangs, or that goes round in circles."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from axon.engines import EngineEvent

Step = Literal["", "nudge", "interrupt"]
BUSY_SHARE = 0.05  # of the time since the last sign of life; an idle CLI uses less
MOST_NUDGES = 3  # in one session; then what helps is a new start
PATIENCE = 1.5  # a nudge has half of the time again to show effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What can be seen of an agent from outside. `cpu_seconds`: of all its processes, so far."""

    events: int
    cpu_seconds: float
    files: tuple[int, ...] = ()  # when those last changed that work would touch


class Vitals:
    """Silence alone is no stall: processes that compute and files that change are signs, too."""

    def __init__(self, stall_seconds: float, now: float) -> None:
        self._stall_seconds = stall_seconds
        self._known = Evidence(events=0, cpu_seconds=0.0)
        self._since = now
        self._nudged = False
        self._nudges = 0

    def look(self, seen: Evidence, now: float) -> Step:
        """What is to be done about it now."""
        silent = now - self._since
        if self._lives(seen, silent):
            self._known, self._since, self._nudged = seen, now, False
            return ""
        if silent >= self._stall_seconds * PATIENCE or (
            silent >= self._stall_seconds and self._nudges >= MOST_NUDGES and not self._nudged
        ):
            return "interrupt"
        if silent >= self._stall_seconds and not self._nudged:
            self._nudged = True
            self._nudges += 1
            return "nudge"
        return ""

    def _lives(self, seen: Evidence, silent: float) -> bool:
        if (seen.events, seen.files) != (self._known.events, self._known.files):
            return True
        used = seen.cpu_seconds - self._known.cpu_seconds
        return used < 0 or used > max(0.2, BUSY_SHARE * silent)


class Circles:
    """Counts how often the same thing went wrong in a row, and turns that changed nothing."""

    def __init__(self, same_errors: int, idle_turns: float) -> None:
        self._same_errors, self._idle_turns = same_errors, idle_turns
        self._calls: dict[str, str] = {}  # of the tools at work: what was asked of them
        self._error = ""
        self._errors = 0
        self.idle = 0  # turns since the work last changed

    def saw(self, event: EngineEvent) -> None:
        if event.kind == "tool":
            self.idle += 1
            self._calls[event.call] = f"{event.tool} {_text(event.input)}"
        elif event.kind == "tool_result":
            asked = self._calls.pop(event.call, event.tool)
            error = f"{asked}\n{_text(event.output)}" if event.data.get("is_error") else ""
            self._errors = self._errors + 1 if error and error == self._error else bool(error)
            self._error = error

    @property
    def reason(self) -> str:
        """Why the attempt should end, or nothing."""
        if self._errors >= self._same_errors:
            what = self._error.splitlines()[0][:120]
            return f"the same error {self._errors} times in a row: {what}"
        if self.idle >= self._idle_turns:
            return f"{self.idle} turns without any change of the work"
        return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
