"""A run for pipes and programs: one line per event."""

import json
from typing import Any

from axon.core.terminal import one_line
from axon.ledger import Event
from axon.tasks import Task
from axon.team.screen.closing import summary_lines, summary_view
from axon.team.screen.pump import Output
from axon.team.screen.view import Summary, View
from axon.team.screen.words import clock, event_detail, event_word

WIDE = 200  # a pipe has no edge: the table takes what it needs


class Lines:
    """`HH:MM:SS  ENG-3  landed     on main as 1a2b3c4 (verified)`."""

    def __init__(self, output: Output, columns: int = WIDE) -> None:
        self._output = output
        self._columns = columns
        self._skipped = 0
        self._notice = ""

    def update(self, view: View) -> None:
        lines = [event_line(event, view.tasks.get(event.identifier)) for event in view.events]
        if view.notice != self._notice:
            self._notice = view.notice
            if view.notice:
                lines.append(_line(clock(view.now), "", "notice", one_line(view.notice)))
        for line in lines:
            self._say(line)

    def finish(self, summary: Summary) -> None:
        text = "\n".join(summary_lines(summary, self._columns, False))
        self._output.put(f"\n{text}\n", must=True)
        self._output.drain()

    def _say(self, line: str) -> None:
        if self._skipped and self._output.put(f"... {self._skipped} lines left out\n"):
            self._skipped = 0
        if self._skipped or not self._output.put(line + "\n"):
            self._skipped += 1


class JsonLines:
    """`{"event": ...}` for each event, last `{"summary": ...}`."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._skipped = 0

    def update(self, view: View) -> None:
        for event in view.events:
            if self._skipped and self._output.put(_json({"skipped": self._skipped})):
                self._skipped = 0
            if self._skipped or not self._output.put(_json({"event": event_view(event)})):
                self._skipped += 1

    def finish(self, summary: Summary) -> None:
        self._output.put(_json({"summary": summary_view(summary)}), must=True)
        self._output.drain()


def event_line(event: Event, task: Task | None) -> str:
    return _line(clock(event.at), event.identifier, event_word(event), event_detail(event, task))


def event_view(event: Event) -> dict[str, Any]:
    """The stable JSON form of an event."""
    return {
        "seq": event.seq,
        "at": event.at,
        "identifier": event.identifier or None,
        "action": event.action,
        "before": event.before,
        "after": event.after,
        "attempt": event.attempt,
        "actor": event.actor,
        "why": event.why or None,
        "data": event.data,
    }


def _line(at: str, identifier: str, word: str, detail: str) -> str:
    return f"{at}  {one_line(identifier) or '-':<7}  {word:<10}  {detail}".rstrip()


def _json(value: dict[str, Any]) -> str:
    # ASCII: whatever the text holds, neither a terminal nor a strict reader trips over it
    return json.dumps(value) + "\n"
