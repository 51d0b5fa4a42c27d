"""Show the run, its workers, how many tasks are where, and what holds the others up."""

import time
from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import asdict
from typing import Any

from axon.commands import add_json, add_ledger, ledger_of, print_json
from axon.config import Config
from axon.core.terminal import one_line
from axon.ledger import Ledger, Run, Waiting, WorkerStatus
from axon.tasks import State, Task
from axon.tasks.moments import told
from axon.team.screen.words import duration, money, question_line

MOST_WAITING = 20


def configure(parser: ArgumentParser) -> None:
    add_ledger(parser)
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    with closing(ledger_of(config)) as ledger:
        if args.json:
            print_json(status_view(ledger))
            return 0
        for line in _lines(ledger):
            print(line)
    return 0


def status_view(ledger: Ledger) -> dict[str, Any]:
    """The stable JSON form."""
    latest = latest_run(ledger)
    pause = ledger.paused()
    return {
        "run": asdict(latest) if latest else None,
        "workers": [asdict(worker) for worker in _workers(ledger, latest)],
        "counts": ledger.counts(),
        "paused": {"reason": pause[0], "until": pause[1]} if pause else None,
        "waiting": [
            {
                "identifier": waiting.identifier,
                "title": waiting.title,
                "on": waiting.on,
                "stuck": waiting.stuck,
                "reason": waiting.reason,
            }
            for waiting in ledger.waiting()
        ],
        "questions": [
            {"identifier": task.identifier, "title": task.title, "question": task.question}
            for task in _asking(ledger)
        ],
    }


def _asking(ledger: Ledger) -> list[Task]:
    """Tasks that only an answer brings on."""
    return [task for task in ledger.tasks(states=(State.BLOCKED,)) if task.question]


def latest_run(ledger: Ledger) -> Run | None:
    """The newest that is alive, else the newest."""
    runs = ledger.runs()
    return next((run for run in runs if run.alive), runs[0] if runs else None)


def _workers(ledger: Ledger, latest: Run | None) -> list[WorkerStatus]:
    """What those of a dead run last said of themselves is no news."""
    return ledger.workers(latest.id) if latest and latest.alive else []


def _lines(ledger: Ledger) -> list[str]:
    counts = ledger.counts()
    if not any(counts.values()):
        return ["no tasks yet; add some with axon task add TITLE or axon task import FILE"]
    latest, now = latest_run(ledger), time.time()
    lines = [_run_line(latest, now) if latest else "no run yet; start one with axon team"]
    if pause := ledger.paused():
        until = f" until {told(pause[1])}" if pause[1] else ""
        lines.append(f"paused{until}: {one_line(pause[0])}; axon resume ends it")
    lines += [_worker_line(worker, now) for worker in _workers(ledger, latest)]
    lines.append(", ".join(f"{n} {State(name).label}" for name, n in counts.items() if n))
    lines += [question_line(task) for task in _asking(ledger)]
    return lines + _waiting_lines(ledger.waiting(limit=MOST_WAITING + 1))


def _run_line(latest: Run, now: float) -> str:
    if latest.alive:
        what = "is stopping" if latest.stop_requested or latest.halt else "is running"
        since = f"for {duration(now - latest.started_at)}"
    elif latest.ended_at:
        what, since = "ended", told(latest.ended_at)
    else:
        what, since = "was killed; axon team goes on from here", ""
    spent = money(latest.cost_usd)
    halt = f"{latest.halt}: {one_line(latest.halt_reason)}" if latest.halt else ""
    parts = [f"run {latest.id} {what} {since}".rstrip(), spent and f"{spent} spent", halt]
    return ", ".join(part for part in parts if part)


def _worker_line(worker: WorkerStatus, now: float) -> str:
    if not worker.identifier:
        return f"  {worker.name}  {one_line(worker.doing) or 'idle'}"
    since = duration(now - worker.since) if worker.since else ""
    parts = [worker.name, worker.identifier, one_line(worker.doing), since, money(worker.cost_usd)]
    return "  " + "  ".join(part for part in parts if part)


def _waiting_lines(waiting: list[Waiting]) -> list[str]:
    stuck = [one for one in waiting if one.stuck]
    lines = [f"{one.identifier} {one.reason}" for one in stuck[:MOST_WAITING]]
    if len(stuck) > MOST_WAITING:
        lines.append("and more; axon status --json lists them")
    return lines
