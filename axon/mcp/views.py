"""Tasks as issues: the JSON that MCP clients of a task server read."""

from datetime import UTC, datetime
from typing import Any

from axon.ledger import Comment, Figure, Ledger, Run, Session
from axon.tasks import State, Task, task_view
from axon.tasks.text import shortened

LISTED_TEXT = 500  # characters of a description where many issues are shown


def stamp(seconds: float) -> str:
    """ISO 8601 in UTC, with microseconds: the order of comments can be told from it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def issue_view(task: Task) -> dict[str, Any]:
    """All that is known of a task, under the names clients of task servers use."""
    return {
        "id": task.identifier,
        **task_view(task),
        "state": task.state.label,
        "state_type": task.state.value,
        "team_key": task.team,
        "not_before": stamp(task.not_before) if task.not_before else None,
        "created_at": stamp(task.created_at),
        "updated_at": stamp(task.updated_at),
    }


def listed_view(task: Task) -> dict[str, Any]:
    """An issue among many: long texts are cut, the figures of its attempts left out."""
    view = issue_view(task)
    view["description"] = shortened(task.description, LISTED_TEXT)
    view["error"] = shortened(task.error, LISTED_TEXT) or None
    for name in ("result", "answers", "tokens", "turns", "seconds", "failures", "version"):
        del view[name]
    return view


def comment_view(number: int, comment: Comment) -> dict[str, Any]:
    return {
        "id": str(number),
        "author": comment.actor,
        "body": comment.body,
        "created_at": stamp(comment.at),
    }


def whole_view(ledger: Ledger, identifier: str) -> dict[str, Any]:
    """One issue, with what it waits for and what was said about it, oldest first."""
    task = ledger.task(identifier)
    comments = ledger.comments(identifier)
    return issue_view(task) | {
        "waiting": [one.reason for one in ledger.waiting(identifier=identifier)],
        "comments": [comment_view(n, comment) for n, comment in enumerate(comments, 1)],
    }


def stats_view(figures: list[Figure], days: int) -> dict[str, Any]:
    """Sums of a project; money that nobody spent, or whose price is unknown, is null."""
    costs = [figure.cost_usd for figure in figures if figure.cost_usd is not None]
    by_state = {state.label: 0 for state in State}
    open_by_priority: dict[str, int] = {}
    for figure in figures:
        by_state[figure.state.label] += figure.count
        if figure.state not in (State.DONE, State.CANCELED):
            name = figure.priority.label
            open_by_priority[name] = open_by_priority.get(name, 0) + figure.count
    done = sum(figure.recent for figure in figures if figure.state is State.DONE)
    return {
        "total": sum(figure.count for figure in figures),
        "by_state": by_state,
        "open_by_priority": open_by_priority,
        f"done_in_{days}_days": done,
        "cost_usd": sum(costs) if costs else None,
        "tokens": sum(figure.tokens for figure in figures),
        "seconds_worked": round(sum(figure.seconds for figure in figures), 3),
    }


def run_view(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "alive": run.alive,
        "engine": run.engine,
        "target": run.target,
        "workers": run.workers,
        "started_at": stamp(run.started_at),
        "ended_at": stamp(run.ended_at) if run.ended_at else None,
        "halted": f"{run.halt}: {run.halt_reason}" if run.halt else None,
        "cost_usd": run.cost_usd,
    }


def session_view(session: Session) -> dict[str, Any]:
    return {
        "session": session.id,
        "issue": session.identifier,
        "attempt": session.attempt,
        "worker": session.worker,
        "model": session.model or None,
        "started_at": stamp(session.started_at),
        "ended_at": stamp(session.ended_at) if session.ended_at else None,
        "outcome": session.outcome or None,
        "turns": session.turns,
        "cost_usd": session.cost_usd,
        "tokens": session.tokens,
    }
