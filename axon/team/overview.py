"""The state of a team in a few lines, the same on a terminal and on a phone."""

import time

from axon.core.terminal import one_line
from axon.ledger import Ledger, Run, Waiting, WorkerStatus
from axon.tasks import State
from axon.tasks.moments import told
from axon.team.screen.words import duration, money, question_line
from axon.team.status import asking, latest_run, strangers, workers_of

MOST_WAITING = 20


def status_lines(ledger: Ledger) -> list[str]:
    counts = ledger.counts()
    if not any(counts.values()):
        return ["no tasks yet; add some with axon task add TITLE or axon task import FILE"]
    latest, now = latest_run(ledger), time.time()
    lines = [_run_line(latest, now) if latest else "no run yet; start one with axon team"]
    if pause := ledger.paused():
        until = f" until {told(pause[1])}" if pause[1] else ""
        lines.append(f"paused{until}: {one_line(pause[0])}; axon resume ends it")
    lines += [_worker_line(worker, now) for worker in workers_of(ledger, latest)]
    lines.append(", ".join(f"{n} {State(name).label}" for name, n in counts.items() if n))
    lines += [question_line(task) for task in asking(ledger)]
    return lines + _waiting_lines(ledger.waiting(limit=MOST_WAITING + 1)) + _unsent_lines(ledger)


def _unsent_lines(ledger: Ledger) -> list[str]:
    """Channels that do not take what they are told."""
    lines = []
    for channel in ledger.channels():
        first = next(iter(ledger.open_letters(channel, limit=1)), None)
        if first is not None and first.error:
            lines.append(f"{one_line(channel)} was not told all yet: {one_line(first.error)}")
    if count := strangers(ledger):
        lines.append(f"{count} message{'s' * (count > 1)} of strangers to the bot ignored")
    return lines


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
