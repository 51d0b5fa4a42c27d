"""What the Task_* tools do: each asks the ledger one thing, or changes one."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axon import __version__
from axon.errors import UsageError
from axon.ledger import Ledger
from axon.ledger.stale import stale_tasks
from axon.mcp.views import (
    issue_view,
    listed_view,
    run_view,
    session_view,
    stamp,
    stats_view,
    whole_view,
)
from axon.tasks import MOVES, Draft, State, Task
from axon.tasks.fields import value

DEFAULT_LIMIT, MOST = 50, 1000
DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One request's way to the ledger. `actor` is who is written down as having done it."""

    ledger: Ledger
    actor: str
    team: str  # of new issues that name none
    stale_hours: float = 2.0
    recordings: Path | None = None

    def issue(self, identifier: str) -> Task:
        return self.ledger.task(identifier.strip().upper())


# ── who and where ──


def who_am_i(caller: Caller) -> dict[str, Any]:
    return {"name": caller.actor, "server": f"axon {__version__}", **list_teams(caller)}


def list_teams(caller: Caller) -> dict[str, Any]:
    teams = {caller.team: 0} | caller.ledger.teams()
    return {
        "teams": [{"id": key, "key": key, "name": key, "issues": n} for key, n in teams.items()]
    }


def list_workflow_states(caller: Caller, team: str = "") -> dict[str, Any]:
    ways: dict[State, list[str]] = {state: [] for state in State}
    for (before, _), after in MOVES.items():
        if after.label not in ways[before]:
            ways[before].append(after.label)
    return {
        "states": [
            {"id": s.value, "name": s.label, "type": s.value, "position": n, "next": ways[s]}
            for n, s in enumerate(State)
        ]
    }


# ── issues ──


def create_issue(caller: Caller, title: str, team: str = "", **facts: Any) -> dict[str, Any]:
    named = {name: value(name, raw) for name, raw in facts.items()}
    team = value("team", team.upper() or caller.team)
    draft = Draft(title=value("title", title), team=team, **named)
    return issue_view(caller.ledger.add([draft], actor=caller.actor)[0])


def list_issues(
    caller: Caller,
    team: str = "",
    state: str = "",
    project: str = "",
    limit: int = DEFAULT_LIMIT,
    offset: int = 0,
) -> list[dict[str, Any]]:
    states = [state_named(state)] if state else []
    found = caller.ledger.tasks(
        states=states,
        team=team.upper(),
        project=project,
        sort="priority",
        limit=min(limit, MOST),
        offset=offset,
    )
    return [listed_view(task) for task in found]


def get_issue(caller: Caller, issue_id: str) -> dict[str, Any]:
    return whole_view(caller.ledger, caller.issue(issue_id).identifier)


def update_issue(
    caller: Caller, issue_id: str, depends: list[str] | None = None, **facts: Any
) -> dict[str, Any]:
    """Texts as given; `depends` is the whole list."""
    task = caller.issue(issue_id)
    named = {name: value(name, raw) for name, raw in facts.items()}
    if not named and depends is None:
        raise UsageError("nothing to change; name a field and its new value")
    if named:
        task = caller.ledger.edit([task.identifier], named, actor=caller.actor)[0]
    if depends is not None:
        wanted = [name.strip().upper() for name in depends]
        on = [name for name in wanted if name not in task.depends]
        off = [name for name in task.depends if name not in wanted]
        if on or off:
            task = caller.ledger.depend(task.identifier, on=on, off=off, actor=caller.actor)
    return issue_view(task)


def transition(caller: Caller, issue_id: str, target_state: str, why: str = "") -> dict[str, Any]:
    """`why` answers the question that a blocked issue asks."""
    task, target = caller.issue(issue_id), state_named(target_state)
    if task.state is State.BLOCKED and target is State.TODO and task.question and why.strip():
        return issue_view(caller.ledger.answer(task.identifier, why, actor=caller.actor))
    moved = caller.ledger.move_all([task.identifier], target, why=why, actor=caller.actor)
    return issue_view(moved[0])


def add_comment(caller: Caller, issue: str, body: str) -> dict[str, Any]:
    task = caller.issue(issue)
    caller.ledger.comment(task.identifier, body, actor=caller.actor)
    return {"issue": task.identifier, "author": caller.actor, "body": body}


def state_named(name: str) -> State:
    """A state by its display name or its plain one, in any case."""
    try:
        return State(name.strip().lower().replace(" ", "_").replace("-", "_"))
    except ValueError:
        known = ", ".join(state.label for state in State)
        raise UsageError(f"unknown state {name!r}; use one of {known}") from None


# ── figures ──


def stale_issues(
    caller: Caller, team: str = "", threshold_hours: float | None = None
) -> dict[str, Any]:
    now, hours = time.time(), caller.stale_hours if threshold_hours is None else threshold_hours
    found = stale_tasks(
        caller.ledger, hours=hours, now=now, recordings=caller.recordings, team=team.upper()
    )
    issues = [
        listed_view(one.task) | {"hours": round((now - one.since) / 3600, 2)}
        for one in found[:MOST]
    ]
    return {"threshold_hours": hours, "count": len(found), "issues": issues}


def project_stats(caller: Caller, team: str = "", project: str = "") -> dict[str, Any]:
    since = time.time() - DAYS * 86400
    figures = caller.ledger.figures(team=team.upper(), project=project, since=since)
    return {"team": team or None, "project": project or None} | stats_view(figures, DAYS)


def session_report(
    caller: Caller, issue_id: str = "", limit: int = DEFAULT_LIMIT
) -> dict[str, Any]:
    ledger = caller.ledger
    identifier = caller.issue(issue_id).identifier if issue_id else ""
    runs = ledger.runs()
    latest = next((run for run in runs if run.alive), runs[0] if runs else None)
    workers = ledger.workers(latest.id) if latest and latest.alive else []
    sessions = ledger.sessions(identifier, limit=min(limit, MOST))
    return {
        "latest_run": run_view(latest) if latest else None,
        "workers": [
            {
                "worker": worker.name,
                "issue": worker.identifier or None,
                "doing": worker.doing,
                "turns": worker.turns,
                "cost_usd": worker.cost_usd,
                "updated_at": stamp(worker.updated_at),
            }
            for worker in workers
        ],
        "sessions": [session_view(session) for session in sessions],
    }
