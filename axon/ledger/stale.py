"""Tasks that somebody has begun and of which nothing comes any more."""

from contextlib import suppress
from pathlib import Path

from axon.facts import dataclass
from axon.ledger import Ledger
from axon.tasks import State, Task

BEGUN = (State.IN_PROGRESS, State.REVIEW, State.BLOCKED)
HEARTBEAT = "heartbeat"  # the event that says so is no progress itself
LOOKED_AT = 20  # of a task's latest events


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A task begun, and when there last was a sign of progress."""

    task: Task
    since: float


def stale_tasks(
    ledger: Ledger,
    *,
    hours: float,
    now: float,
    recordings: Path | None = None,
    team: str = "",
    most: int | None = None,
) -> list[Stale]:
    """The longest forgotten first. Progress is what is written down: a move, an event, a request
    to the model, a line of a recording (`recordings`: their folder).

    `most`: look at no more than so many that have not moved, for those who ask often.
    """
    limit = now - hours * 3600
    quiet = [task for task in ledger.tasks(states=BEGUN, team=team) if task.updated_at < limit]
    quiet.sort(key=lambda task: task.updated_at)
    found = [Stale(task=t, since=_progress(ledger, t, recordings)) for t in quiet[:most]]
    return sorted((one for one in found if one.since < limit), key=lambda one: one.since)


def _progress(ledger: Ledger, task: Task, recordings: Path | None) -> float:
    name = task.identifier
    events = ledger.latest(identifier=name, limit=LOOKED_AT)
    last = [event.at for event in events if event.action != HEARTBEAT][-1:]  # clocks are set back
    signs = [task.updated_at, *last]
    for session in ledger.sessions(name, limit=1):
        signs += [session.started_at, session.ended_at or 0.0]
        if session.ended_at is None:
            signs += [row.at for row in ledger.session_spending(session.id)]
        if recordings is not None and session.ended_at is None:
            with suppress(OSError):
                signs.append((recordings / f"{session.id}.jsonl").stat().st_mtime)
    return max(signs)
