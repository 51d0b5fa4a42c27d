"""Which sessions there are, and what is known of one."""

import shutil
import sys
from argparse import Namespace
from collections import Counter
from dataclasses import asdict
from typing import Any

from axon.commands import print_json
from axon.commands.logs import moment
from axon.commands.sessions.recording import events_of, path_of, session_of
from axon.config import Config
from axon.core.terminal import one_line
from axon.errors import NotFound, UsageError
from axon.ledger import Ledger, Session
from axon.team.screen.grid import GAP, Column, grid
from axon.team.screen.words import duration, money

WIDE = 10_000  # columns of a pipe: nothing is cut
COLUMNS = (
    Column(head="session"),
    Column(head="task"),
    Column(head="attempt", right=True, rank=5),
    Column(head="worker", rank=4),
    Column(head="model", rank=3, least=8, most=40),
    Column(head="started", rank=1),
    Column(head="time", right=True),
    Column(head="turns", right=True, rank=2),
    Column(head="cost", right=True),
    Column(head="outcome"),
)


def list_sessions(args: Namespace, config: Config, ledger: Ledger) -> int:
    if args.limit < 0:
        raise UsageError("--limit must be a whole number from 0")
    task = ledger.task(args.task.strip().upper()).identifier if args.task else ""
    found = ledger.sessions(task, limit=args.limit)
    if args.json:
        print_json([asdict(session) for session in found])
        return 0
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    for cells in grid(COLUMNS, [_row(session) for session in found], room) if found else ():
        print(GAP.join(cells.values()).rstrip())
    if not found:
        print("no sessions: no agent has worked yet")
    return 0


def _row(session: Session) -> list[str]:
    ended = session.ended_at
    return [
        one_line(session.id),
        one_line(session.identifier),
        str(session.attempt),
        one_line(session.worker),
        one_line(session.model or session.engine),
        moment(session.started_at),
        duration(ended - session.started_at) if ended else "-",
        str(session.turns or "-"),
        money(session.cost_usd) or ("unknown" if session.tokens else "-"),
        one_line(_outcome(session)),
    ]


def _outcome(session: Session) -> str:
    return "running" if session.ended_at is None else session.outcome or "cut short"


def show(args: Namespace, config: Config, ledger: Ledger) -> int:
    session = session_of(ledger, args.id)
    recording = _recording(config, session)
    if args.json:
        print_json(asdict(session) | {"recording": recording})
        return 0
    heads = [column.head for column in COLUMNS]
    for head, said in zip(heads, _row(session), strict=True):
        print(f"{head:<12}{said}")
    print(f"{'tokens':<12}{session.tokens:,}")
    for head, said in _recorded(recording):
        print(f"{head:<12}{one_line(said)}")
    return 0


def _recording(config: Config, session: Session) -> dict[str, Any] | None:
    """What stands in the file; None when there is none."""
    kinds: Counter[str] = Counter()
    tools: Counter[str] = Counter()
    errors, lost, seconds = 0, 0, 0.0
    try:
        for event in events_of(config, session):
            kinds[str(event["kind"])] += 1
            at, data = event.get("at"), event.get("data")
            seconds = max(seconds, at) if isinstance(at, int | float) else seconds
            errors += bool(isinstance(data, dict) and data.get("is_error"))
            if event["kind"] == "tool":
                tools[str(event.get("tool"))] += 1
            if event["kind"] == "gap" and isinstance(event.get("lost"), int):
                lost += event["lost"]
    except NotFound:
        return None
    path = path_of(config, session)
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "seconds": seconds,
        "events": sum(kinds.values()),
        "kinds": dict(kinds),
        "tools": dict(tools.most_common()),
        "errors": errors,
        "lost": lost,
    }


def _recorded(recording: dict[str, Any] | None) -> list[tuple[str, str]]:
    if recording is None:
        return [("recording", "none")]
    tools = ", ".join(f"{name} {count}" for name, count in recording["tools"].items())
    damaged = recording["kinds"].get("damaged", 0)
    facts = [
        ("recording", f"{recording['events']:,} events in {duration(recording['seconds'])}"),
        ("file", recording["file"]),
        ("tools", tools),
        ("errors", str(recording["errors"] or "")),
        ("lost", f"{recording['lost']} events" if recording["lost"] else ""),
        ("damaged", f"{damaged} lines" if damaged else ""),
    ]
    return [(name, said) for name, said in facts if said]


ACTIONS = {"list": list_sessions, "show": show}
