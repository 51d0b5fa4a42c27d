"""The team: what it does now, and how a person holds, frees or ends it."""

import time
from typing import Any

from axon.dashboard.api.views import event_view
from axon.dashboard.desk import Body, Desk
from axon.dashboard.route import Field, Route
from axon.errors import UsageError
from axon.tasks.moments import moment
from axon.team.steering import stop_runs


def show_team(desk: Desk, body: Body) -> dict[str, Any]:
    from axon.team.status import team_view  # not needed to start

    page = desk.page
    hours = page.config.stale_hours
    return team_view(desk.ledger, page.state_dir / "sessions", time.time(), stale_hours=hours)


def pause(desk: Desk, body: Body) -> dict[str, Any]:
    now, until = time.time(), body.get("until")
    if isinstance(until, str):
        until = moment(until, now) if until else None
    elif until is not None and (isinstance(until, bool) or not isinstance(until, int | float)):
        raise UsageError("until must be a time, as 18:30, 30m, 2026-03-01T09:00, or Unix seconds")
    if until is not None and until <= now:
        raise UsageError("that time has passed; give a time to come")
    desk.ledger.pause(body.get("reason") or "by a person", until=until)
    return show_team(desk, body)


def resume(desk: Desk, body: Body) -> dict[str, Any]:
    desk.ledger.resume()
    return show_team(desk, body)


def stop(desk: Desk, body: Body) -> dict[str, Any]:
    stop_runs(desk.ledger)
    return show_team(desk, body)


def list_events(desk: Desk, body: Body) -> dict[str, Any]:
    """The newest in the range that was asked for."""
    filters = {
        name: body[name] for name in ("before", "identifier", "action", "actor") if body.get(name)
    }
    last = desk.ledger.last_seq()
    if body["after"] and not filters:  # what came since
        found = desk.ledger.events(after=body["after"], limit=body["limit"])
    else:
        found = desk.ledger.latest(after=body["after"], limit=body["limit"], **filters)
    return {"events": [event_view(event) for event in found], "last_seq": last}


ROUTES = (
    Route(
        method="GET",
        path="/api/team",
        handler=show_team,
        doc="run, workers, progress, what is waited for",
        fresh=0.5,
    ),
    Route(
        method="POST",
        path="/api/team/pause",
        handler=pause,
        doc="hold the team before its next task",
        body=(Field(name="reason"), Field(name="until", kind="any")),
    ),
    Route(method="POST", path="/api/team/resume", handler=resume, doc="let it go on"),
    Route(method="POST", path="/api/team/stop", handler=stop, doc="end the running team"),
    Route(
        method="GET",
        path="/api/events/list",
        handler=list_events,
        doc="history, newest last",
        query=(
            Field(name="after", kind="integer", default=0),
            Field(name="before", kind="integer", least=1),
            Field(name="limit", kind="integer", default=200, least=1, most=5000),
            Field(name="identifier"),
            Field(name="action"),
            Field(name="actor"),
        ),
        fresh=2.0,
    ),
)
