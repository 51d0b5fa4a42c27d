"""Play a recording as it happened: the events that were recorded, in their own rhythm."""

import json
import math
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from axon.commands.logs import ended_facts, session_facts, shade_of
from axon.commands.sessions.recording import events_of, session_of
from axon.config import Config
from axon.core.playback import render
from axon.core.terminal import fit, pad, paint, width
from axon.errors import UsageError
from axon.ledger import Ledger
from axon.team.screen.words import duration

LONGEST_SECONDS = 2.0  # a pause, unless --real
GUTTER = 9  # "  12:40  "

Event = dict[str, Any]


def replay(args: Namespace, config: Config, ledger: Ledger) -> int:
    """Ctrl-C ends it, as it ends anything."""
    if not (args.speed > 0 and math.isfinite(args.speed)):
        raise UsageError("--speed must be a number above 0")
    if not (args.start >= 0 and math.isfinite(args.start)):
        raise UsageError("--from must be a number of seconds from 0")
    session = session_of(ledger, args.id)
    events = events_of(config, session)
    longest = math.inf if args.real else LONGEST_SECONDS
    played = in_rhythm(_from(events, args.start), args.speed, longest, time.sleep)
    if args.json:
        for event in played:
            print(json.dumps(event), flush=True)
        return 0
    color = config.color and sys.stdout.isatty()
    columns = max(min(shutil.get_terminal_size().columns - 1, 120), 30)
    print(_rule(session_facts(session), columns, color), flush=True)
    for event in played:
        for line in _lines(event, columns, color):
            print(line)
        sys.stdout.flush()
    running = session.ended_at is None
    ends = [f"still running; axon logs {session.identifier} --follow"] if running else []
    print(_rule(ends or ended_facts(session), columns, color))
    return 0


def in_rhythm(
    events: Iterable[Event],
    speed: float,
    longest: float,
    sleep: Callable[[float], None],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """Each event at its time; what printing takes is not waited for again."""
    due, last = clock(), None
    for event in events:
        at = event.get("at")
        if isinstance(at, int | float):
            pause = (at - last) / speed if last is not None else 0.0
            due += min(max(pause, 0.0), longest)
            last = at
            if (left := due - clock()) > 0:
                sleep(left)
            else:
                due = max(due, clock() - longest)
        yield event


def _from(events: Iterable[Event], start: float) -> Iterator[Event]:
    """What has no time of its own is there with what stands before it."""
    begun = start == 0
    for event in events:
        at = event.get("at")
        begun = begun or (isinstance(at, int | float) and at >= start)
        if begun:
            yield event


def _rule(facts: list[str], columns: int, color: bool) -> str:
    text = fit(" · ".join(facts), columns - 4)
    return paint(f"── {text} " + "─" * (columns - width(text) - 4), "bold", color)


def _lines(event: Event, columns: int, color: bool) -> list[str]:
    at = event.get("at")
    clock = duration(at) if isinstance(at, int | float) else ""
    lines = render(event, columns - GUTTER)
    gutters = [pad(clock, GUTTER - 2, right=True) + "  "] + [" " * GUTTER] * len(lines)
    shade = shade_of(event)
    return [
        (gutter + (paint(line, shade, color) if shade else line)).rstrip()
        for gutter, line in zip(gutters, lines, strict=False)
    ]


ACTIONS = {"replay": replay}
