"""Show tasks: a table of many, everything about one."""

import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from axon.commands import print_json
from axon.config import Config
from axon.core.terminal import one_line, plain
from axon.errors import UsageError
from axon.ledger import Event, Ledger
from axon.tasks import Priority, State, Task, task_view
from axon.tasks.exchange.entry import state_named
from axon.tasks.moments import told
from axon.team.screen.closing import cost_text, state_text
from axon.team.screen.grid import GAP, Column, grid
from axon.team.screen.words import event_detail, event_word

WIDE = 10_000  # columns of a pipe: nothing is cut
COLUMNS = (
    Column(head="task"),
    Column(head="state"),
    Column(head="priority", rank=3),
    Column(head="attempts", right=True, rank=2),
    Column(head="cost", right=True, rank=1),
    Column(head="title", least=20, most=WIDE),
)
EVENTS_SHOWN = 20


def list_tasks(args: Namespace, config: Config, ledger: Ledger) -> int:
    tasks = found_tasks(args, ledger)
    if args.json:
        print_json([task_view(task) for task in tasks])
        return 0
    for line in task_table(tasks):
        print(line)
    if not tasks:
        print("no tasks; add some with axon task add TITLE or axon task import FILE")
    return 0


def found_tasks(args: Namespace, ledger: Ledger) -> list[Task]:
    """Those that the filters let through, in the order that was asked for."""
    if args.offset < 0 or (args.limit is not None and args.limit < 0):
        raise UsageError("--limit and --offset must be whole numbers from 0")
    return ledger.tasks(
        states=[state_named(name) for name in args.state],
        priority=Priority.named(args.priority) if args.priority else None,
        label=args.label,
        text=args.q,
        team=args.team or "",
        project=args.project,
        limit=args.limit,
        offset=args.offset,
        sort=args.sort,
    )


def task_table(tasks: Sequence[Task]) -> list[str]:
    """Heads and a line per task; cut to the terminal, whole in a pipe."""
    if not tasks:
        return []
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    rows = [
        [
            task.identifier,
            state_text(task),
            task.priority.label,
            str(task.attempts),
            cost_text(task),
            one_line(task.title),
        ]
        for task in tasks
    ]
    return [GAP.join(cells.values()).rstrip() for cells in grid(COLUMNS, rows, room)]


def show(args: Namespace, config: Config, ledger: Ledger) -> int:
    task = ledger.task(args.id.strip().upper())
    if args.json:
        print_json(_view(ledger, task))
        return 0
    for name, said in _facts(ledger, task):
        print(f"{name:<12}{one_line(said)}")
    if task.description:
        print(f"\n{plain(task.description)}")
    for comment in ledger.comments(task.identifier):
        print(f"\n{told(comment.at)} {one_line(comment.actor)}:\n{plain(comment.body)}")
    events = _events(ledger, task)
    print("\nhistory" + (f" (the last {EVENTS_SHOWN})" if len(events) > EVENTS_SHOWN else ""))
    for event in events[-EVENTS_SHOWN:]:
        print(f"  {told(event.at)}  {event_word(event)} {event_detail(event, task)}".rstrip())
    return 0


def _view(ledger: Ledger, task: Task) -> dict[str, Any]:
    waiting = ledger.waiting(identifier=task.identifier)
    return task_view(task) | {
        "waiting": [one.reason for one in waiting],
        "comments": [asdict(comment) for comment in ledger.comments(task.identifier)],
        "sessions": [asdict(session) for session in ledger.sessions(task.identifier)],
        "events": [asdict(event) for event in _events(ledger, task)],
    }


def _events(ledger: Ledger, task: Task) -> list[Event]:
    found: list[Event] = []
    while page := ledger.events(after=found[-1].seq if found else 0, identifier=task.identifier):
        found += page
    return found


def _facts(ledger: Ledger, task: Task) -> list[tuple[str, str]]:
    """What is known and worth a line."""
    waiting = ledger.waiting(identifier=task.identifier)
    facts = {
        "task": f"{task.identifier}  {task.title}",
        "state": state_text(task),
        "priority": task.priority.label,
        "asks": task.question if task.state is State.BLOCKED else "",
        "waiting": "; ".join(one.reason for one in waiting),
        "not before": told(task.not_before) if task.not_before else "",
        "type": task.type if task.type != "task" else "",
        "labels": ", ".join(task.labels),
        "project": task.project,
        "part of": task.parent,
        "depends on": ", ".join(task.depends),
        "paths": ", ".join(task.paths),
        "check": task.check,
        "worker": task.owner,
        "version": str(task.version or ""),
        "attempts": str(task.attempts) if task.attempts else "",
        "branch": task.branch,
        "landed": f"{task.landed_commit} on {task.target}" if task.landed_commit else "",
        "cost": cost_text(task) if task.attempts else "",
        "error": task.error,
        "result": task.result,
    }
    return [(name, said) for name, said in facts.items() if said]


ACTIONS = {"list": list_tasks, "show": show}
