"""Who is in, what this server is, how it is set, and how it fares."""

import time
from typing import Any

from axon import __version__
from axon.dashboard.api.views import actions_of, moves_of
from axon.dashboard.desk import Body, Desk, File, Reply
from axon.dashboard.route import Field, Route
from axon.dashboard.web.answer import Refusal
from axon.tasks import Priority, State


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
    from axon.dashboard.health import health_view

    return health_view(desk)


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
