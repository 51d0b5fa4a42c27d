"""What there is to see of a team now: one projection, for the terminal, the page and metrics."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from axon.core.playback import last_words
from axon.gateway import GATEWAY
from axon.ledger import Ledger, Run, Session, WorkerStatus
from axon.monitoring.heartbeat import Concern, concerns
from axon.tasks import State, Task
from axon.tasks.text import shortened
from axon.team.recovery import exists

RECENT = 60  # sessions by which the time of the next one is guessed
LEAST = 3  # so many must have ended well before anything is guessed
MOST_SESSIONS = 500  # of a run, added up for its tokens
MAX_LINE = 300
IGNORED = "telegram ignored"  # the bookmark that counts messages of strangers
STALE_HOURS = 2.0


def team_view(
    ledger: Ledger, sessions: Path, now: float, *, stale_hours: float = STALE_HOURS
) -> dict[str, Any]:
    """The stable JSON form. `sessions`: the folder of recordings. Unknown is None."""
    latest = latest_run(ledger)
    recent = ledger.sessions(limit=RECENT)
    usual = _usual_seconds(recent)
    counts = ledger.counts()
    pause = ledger.paused()
    paused = {"reason": pause[0], "until": pause[1]} if pause else None
    workers = workers_of(ledger, latest)
    return {
        "run": asdict(latest) if latest else None,
        "workers": [_worker(ledger, one, recent, usual, sessions, now) for one in workers],
        "counts": counts,
        "progress": _progress(counts, latest, usual),
        "paused": paused,
        "holding": _holding(workers, now)
        or (paused if pause and _held_by_limit(pause[0]) else None),
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
        "questions": [_question(task) for task in asking(ledger)],
        "concerns": [concern.view for concern in concerns_now(ledger, sessions, now, stale_hours)],
        "outbox": ledger.channels(),
        "strangers": strangers(ledger),
        "spend": _spend(ledger, latest),
        "at": now,
    }


def concerns_now(ledger: Ledger, sessions: Path, now: float, stale_hours: float) -> list[Concern]:
    """What does not go on by itself."""
    return concerns(ledger, now, exists, stale_hours=stale_hours, recordings=sessions)


def strangers(ledger: Ledger) -> int:
    """Messages to the bot of whoever is not on its list."""
    return int(ledger.bookmark(IGNORED) or 0)


def asking(ledger: Ledger) -> list[Task]:
    """Tasks that only an answer brings on."""
    return [task for task in ledger.tasks(states=(State.BLOCKED,)) if task.question]


def _question(task: Task) -> dict[str, Any]:
    return {
        "identifier": task.identifier,
        "title": task.title,
        "question": task.question,
        "at": task.updated_at,
    }


def latest_run(ledger: Ledger) -> Run | None:
    """The newest that is alive, else the newest."""
    runs = ledger.runs()
    return next((run for run in runs if run.alive), runs[0] if runs else None)


def workers_of(ledger: Ledger, latest: Run | None) -> list[WorkerStatus]:
    """What those of a dead run last said of themselves is no news."""
    return ledger.workers(latest.id) if latest and latest.alive else []


def _holding(workers: list[WorkerStatus], now: float) -> dict[str, Any] | None:
    """What the gateway holds requests for: its `since` is when that ends."""
    found = next((w for w in workers if w.name == GATEWAY and w.since > now), None)
    return {"reason": found.doing, "until": found.since} if found else None


def _held_by_limit(reason: str) -> bool:
    """Whether not a person but the model's endpoint keeps everybody waiting."""
    return reason == "rate limit"


def _usual_seconds(recent: list[Session]) -> float | None:
    """How long a session that ended well takes."""
    took = [s.ended_at - s.started_at for s in recent if s.ended_at and s.outcome == "finished"]
    return sorted(took)[len(took) // 2] if len(took) >= LEAST else None


def _worker(
    ledger: Ledger,
    worker: WorkerStatus,
    recent: list[Session],
    usual: float | None,
    sessions: Path,
    now: float,
) -> dict[str, Any]:
    mine = (s for s in reversed(recent) if (s.run, s.worker) == (worker.run, worker.name))
    session = next((s for s in mine if s.ended_at is None), None) if worker.identifier else None
    tool, said = last_words(sessions / f"{session.id}.jsonl") if session else ("", "")
    title = ledger.task(worker.identifier).title if worker.identifier else None
    elapsed = max(0.0, now - worker.since) if worker.identifier and worker.since else None
    eta = None if usual is None or elapsed is None else max(0.0, usual - elapsed)
    return asdict(worker) | {
        "title": title,
        "tool": tool or None,
        "line": shortened(said, MAX_LINE) or None,
        "tokens": session.tokens if session else None,
        "elapsed_seconds": elapsed,
        "eta_seconds": eta,
        "session": session.id if session else None,
    }


def _progress(counts: Mapping[str, int], latest: Run | None, usual: float | None) -> dict[str, Any]:
    total = sum(counts.values()) - counts[State.CANCELED]
    done = counts[State.DONE]
    left = counts[State.TODO] + counts[State.IN_PROGRESS]
    known = usual is not None and latest is not None and latest.alive and left
    eta = left * usual / max(1, latest.workers) if known and usual and latest else None
    return {
        "done": done,
        "total": total,
        "percent": round(100 * done / total, 1) if total else None,
        "eta_seconds": eta,
    }


def _spend(ledger: Ledger, latest: Run | None) -> dict[str, Any]:
    if latest is None:
        return {"usd": None, "tokens": None, "budget_usd": None}
    found = ledger.sessions(limit=MOST_SESSIONS)
    whole = len(found) < MOST_SESSIONS or found[0].run != latest.id
    tokens = sum(session.tokens for session in found if session.run == latest.id)
    return {
        "usd": latest.cost_usd,
        "tokens": tokens if whole else None,
        "budget_usd": latest.max_usd,
    }
