"""Who is in, what this server is, how it is set, and how it fares."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from axon import __version__
from axon.dashboard.api.views import actions_of, moves_of
from axon.dashboard.desk import Body, Desk, File, Reply
from axon.dashboard.route import Field, Route
from axon.dashboard.web.answer import Refusal
from axon.monitoring.health.books import ledger_readable, team
from axon.monitoring.health.check import Check, CheckState, looked
from axon.tasks import Priority, State
from axon.team.status import concerns_now, latest_run

if TYPE_CHECKING:  # the page's process needs none of it to start
    from axon.security.sandbox import Containment


def login(desk: Desk, body: Body) -> Reply:
    if not desk.guard.opens(body["token"].strip()):
        raise Refusal(
            401, "unauthorized", "the token is wrong; the one printed at the start is right"
        )
    return Reply(status=204, headers={"Set-Cookie": desk.guard.set_cookie()})


def logout(desk: Desk, body: Body) -> Reply:
    return Reply(status=204, headers={"Set-Cookie": desk.guard.set_cookie(forget=True)})


def show_me(desk: Desk, body: Body) -> dict[str, Any]:
    """What the page must know before it can show anything."""
    config = desk.page.config
    return {
        "auth": bool(desk.guard.token),
        "project": config.root.name,
        "version": __version__,
        "team": config.team,
        "teams": desk.ledger.teams(),
        "moves": {state.value: moves_of(state) for state in State},
        "actions": {state.value: actions_of(state) for state in State},
        "priorities": [priority.label for priority in Priority],
        "states": [{"name": state.value, "label": state.label} for state in State],
    }


def show_config(desk: Desk, body: Body) -> dict[str, Any]:
    return {"settings": list(desk.page.shown)}


def show_metrics(desk: Desk, body: Body) -> File:
    from axon.monitoring.metrics import metrics_text

    text = metrics_text(desk.ledger, desk.page.config, time.time())
    return File(body=text.encode(), kind="text/plain; version=0.0.4; charset=utf-8")


def show_openapi(desk: Desk, body: Body) -> dict[str, Any]:
    from axon.dashboard.openapi import document
    from axon.dashboard.routes import ROUTES  # which lists this handler too

    return document(ROUTES, __version__)


def show_health(desk: Desk, body: Body) -> dict[str, Any]:
    """What takes no time of what `axon health` looks at."""
    from axon.team.health import fast_probes

    check, contained = _containment(desk)
    checks = [
        ledger_readable(desk.ledger),
        _team(desk),
        check,
        *(looked(probe) for probe in fast_probes(desk.page.config)),
    ]
    return {
        "ok": all(check.state is not CheckState.FAIL for check in checks),
        "checks": [check.view for check in checks],
        "containment": asdict(contained) if contained else None,
    }


def _containment(desk: Desk) -> "tuple[Check, Containment | None]":
    """It is tried, so it is found out only once."""
    if "containment" not in desk.found:
        from axon.team.health.probes import containment

        desk.found["containment"] = containment(desk.page.config)
    answer: tuple[Check, Containment | None] = desk.found["containment"]
    return answer


def _team(desk: Desk) -> Check:
    page, ledger = desk.page, desk.ledger
    sessions, hours = page.state_dir / "sessions", page.config.stale_hours
    return team(latest_run(ledger), concerns_now(ledger, sessions, time.time(), hours))


ROUTES = (
    Route(
        method="POST",
        path="/api/login",
        handler=login,
        doc="exchange the token for a cookie",
        body=(Field(name="token", required=True),),
        status=204,
        most_bytes=4096,
        open=True,
    ),
    Route(method="POST", path="/api/logout", handler=logout, doc="forget the cookie", status=204),
    Route(
        method="GET",
        path="/api/me",
        handler=show_me,
        doc="the project, its states and the moves between them",
        fresh=2.0,
    ),
    Route(method="GET", path="/api/config", handler=show_config, doc="settings, masked"),
    Route(method="GET", path="/api/health", handler=show_health, doc="how this host fares"),
    Route(
        method="GET", path="/api/openapi.json", handler=show_openapi, doc="this document", fresh=60
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=show_metrics,
        doc="figures in Prometheus' text format",
        fresh=2.0,
    ),
)
