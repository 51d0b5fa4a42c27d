"""Show what the agents of a task did: sessions, gates and moves in the order of time."""

import heapq
import json
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axon.commands import add_ledger, ledger_of
from axon.config import Config
from axon.core.playback import Tail, render
from axon.core.terminal import fit, one_line, pad, paint, width, wrap
from axon.errors import NotFound
from axon.ledger import Event, Ledger, Session
from axon.tasks import ENDED, Task
from axon.team.screen.words import (
    clock,
    duration,
    event_detail,
    event_mood,
    event_word,
    gate_passed,
    money,
)

POLL_SECONDS = 0.3
GUTTER = 9  # "  12:40  "
_MOODS = {"good": "green", "bad": "red", "warn": "yellow"}
_SHADES = {
    "tool": "cyan",
    **dict.fromkeys(("prompt", "init", "thinking", "tool_result", "result"), "dim"),
}


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="identifier of a task, as ENG-1")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the task ends")
    parser.add_argument("--session", default="", metavar="ID", help="only this session")
    parser.add_argument("--json", action="store_true", help="print recorded events as JSON lines")
    add_ledger(parser)


def run(args: Namespace, config: Config) -> int:
    with closing(ledger_of(config)) as ledger:
        task = ledger.task(args.task)
        story = Story(ledger, config.state_dir / "sessions", args.task, args.session)
        printer = JsonPrinter() if args.json else Printer(task, color=config.color)
        while True:
            ended = ledger.task(args.task).state in ENDED or not args.follow
            for entry in story.news(last=ended):
                printer.show(entry)
            sys.stdout.flush()
            if ended:
                break
            time.sleep(POLL_SECONDS)
    if not story.sessions and not args.json:
        print(f"{one_line(task.identifier)} has no sessions: no agent has worked on it yet")
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened: to the task, in a session, or a session's begin or end."""

    at: float
    event: Event | None = None
    session: Session | None = None
    record: dict[str, Any] | None = None
    ends: bool = False


class Story:
    """All there is to tell of a task; each call of `news` tells what is new."""

    def __init__(self, ledger: Ledger, folder: Path, identifier: str, only: str = "") -> None:
        self.sessions: list[Session] = []
        self._ledger = ledger
        self._folder = folder
        self._identifier = identifier
        self._only = only
        self._seq = 0
        self._tails: dict[str, Tail] = {}
        self._open: set[str] = set()  # sessions whose end is not told yet

    def news(self, *, last: bool) -> Iterator[Entry]:
        """In the order of time. `last`: nothing more will come, so tell unfinished lines too."""
        # events first: a session that begins after this is told the next time, as its event is
        events = [] if self._only else list(self._events())
        found = self._ledger.sessions(self._identifier, limit=10_000)
        self.sessions = [s for s in found if self._only in ("", s.id)]
        if self._only and not self.sessions:
            raise NotFound(
                f"{self._identifier} has no session {self._only}; "
                f"axon logs {self._identifier} shows all it has"
            )
        streams = [self._session(session, last) for session in self.sessions]
        return heapq.merge(events, *streams, key=lambda entry: entry.at)

    def _events(self) -> Iterator[Entry]:
        while page := self._ledger.events(after=self._seq, identifier=self._identifier):
            self._seq = page[-1].seq
            # that a session began is told by its own heading
            yield from (Entry(at=e.at, event=e) for e in page if e.action != "session")

    def _session(self, session: Session, last: bool) -> Iterator[Entry]:
        at = session.started_at
        tail = self._tails.get(session.id)
        if tail is None:
            tail = self._tails[session.id] = Tail(self._folder / f"{session.id}.jsonl")
            yield Entry(at=at, session=session)
            if session.ended_at is None:
                self._open.add(session.id)
        for records in (tail.read(), tail.unfinished() if last else ()):
            for record in records:
                offset = record.get("at")
                if isinstance(offset, int | float):
                    at = session.started_at + offset
                yield Entry(at=at, session=session, record=record)
        if session.ended_at is not None and session.id in self._open:
            self._open.remove(session.id)
            yield Entry(at=session.ended_at, session=session, ends=True)


class JsonPrinter:
    """Recorded events as they are, with their session."""

    def show(self, entry: Entry) -> None:
        if entry.record is not None and entry.session is not None:
            print(json.dumps({"session": entry.session.id, **entry.record}))


class Printer:
    """The story as a person reads it."""

    def __init__(self, task: Task, *, color: bool) -> None:
        self._task = task
        terminal = sys.stdout.isatty()
        self._color = color and terminal
        self._columns = max(min(shutil.get_terminal_size().columns - 1, 120), 30)
        self._session = ""  # whose records were shown last
        self._clock = ""

    def show(self, entry: Entry) -> None:
        for line in self._lines(entry):
            print(line)

    def _lines(self, entry: Entry) -> list[str]:
        if entry.event is not None:
            self._session = self._clock = ""
            return self._event(entry.event)
        assert entry.session is not None
        if entry.record is not None:
            again = [] if self._session in ("", entry.session.id) else self._rule(entry.session)
            self._session = entry.session.id
            return [*again, *self._record(entry.record)]
        self._session = entry.session.id
        return self._rule(entry.session, ends=entry.ends)

    def _rule(self, session: Session, *, ends: bool = False) -> list[str]:
        facts = ended_facts(session) if ends else session_facts(session)
        text = fit(" · ".join(facts), self._columns - 4)
        line = f"── {text} " + "─" * (self._columns - width(text) - 4)
        self._clock = ""
        painted = paint(line, "bold", self._color)
        return [painted] if ends else ["", painted]

    def _event(self, event: Event) -> list[str]:
        head = f"{clock(event.at)}  {pad(event_word(event), 10)}  "
        room = self._columns - width(head)
        lines = wrap(event_detail(event, self._task), room) if room > 20 else []
        lines = [head + lines[0], *(" " * width(head) + line for line in lines[1:])]
        output = event.data.get("log")
        if gate_passed(event) is False and isinstance(output, str):
            lines.append(" " * width(head) + one_line(f"whole output: .axon/{output}"))
        shade = _MOODS.get(event_mood(event))
        return [paint(line.rstrip(), shade, self._color) if shade else line for line in lines]

    def _record(self, record: dict[str, Any]) -> list[str]:
        lines = render(record, self._columns - GUTTER)
        at = record.get("at")
        told = duration(at) if isinstance(at, int | float) else ""
        shown, self._clock = ("" if told == self._clock else told), told
        gutters = [pad(shown, GUTTER - 2, right=True) + "  "] + [" " * GUTTER] * len(lines)
        shade = shade_of(record)
        return [
            (gutter + (paint(line, shade, self._color) if shade else line)).rstrip()
            for gutter, line in zip(gutters, lines, strict=False)
        ]


def session_facts(session: Session) -> list[str]:
    """What stands above a session."""
    facts = [
        f"attempt {session.attempt}",
        session.worker,
        " ".join(filter(None, (session.engine, session.model))),
        moment(session.started_at),
        *(ended_facts(session) if session.ended_at is not None else ["running"]),
    ]
    return [one_line(fact) for fact in facts]


def moment(at: float) -> str:
    """The time, with the day unless it is today."""
    day = time.strftime("%Y-%m-%d ", time.localtime(at))
    return ("" if day == time.strftime("%Y-%m-%d ") else day) + clock(at)


def ended_facts(session: Session) -> list[str]:
    """How a session ended; without an outcome it was cut short."""
    facts = [
        session.outcome or "cut short",
        duration((session.ended_at or session.started_at) - session.started_at),
        f"{session.turns} turn{'' if session.turns == 1 else 's'}" if session.turns else "",
        money(session.cost_usd),
    ]
    return [one_line(fact) for fact in facts if fact]


def shade_of(record: dict[str, Any]) -> str:
    data = record.get("data")
    facts = data if isinstance(data, dict) else {}
    if facts.get("is_error") or facts.get("fault") or record.get("kind") in ("gap", "damaged"):
        return "red"
    return _SHADES.get(str(record.get("kind")), "")
