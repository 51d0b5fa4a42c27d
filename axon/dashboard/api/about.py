"""Who is in, what this server is, how it is set, and how it fares."""

import shutil
import time
from dataclasses import asdict
from typing import Any

from axon import __version__
from axon.dashboard.api.views import actions_of, moves_of
from axon.dashboard.desk import Body, Desk, File, Reply
from axon.dashboard.route import Field, Route
from axon.dashboard.web.answer import Refusal
from axon.errors import AxonError
from axon.tasks import Priority, State
from axon.team.status import latest_run


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
    contained, check = _containment(desk)
    checks = [_ledger_check(desk), _disk_check(desk), _run_check(desk), check]
    return {
        "ok": all(check["state"] != "fail" for check in checks),
        "checks": checks,
        "containment": contained,
    }


def _containment(desk: Desk) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What holds agents in on this machine; it is tried, so it is found out only once."""
    if "containment" not in desk.found:
        from axon.security.sandbox import choose, describe

        config = desk.page.config
        try:
            found = describe(choose(config, config.root.resolve(), config.root / ".git"))
        except AxonError as error:
            desk.found["containment"] = None, _check("sandbox", "fail", str(error))
        else:
            state = "warn" if found.tier == "none" else "ok"
            check = _check("sandbox", state, found.line.removeprefix("sandbox: "))
            desk.found["containment"] = asdict(found), check
    answer: tuple[dict[str, Any] | None, dict[str, Any]] = desk.found["containment"]
    return answer


def _check(name: str, state: str, reason: str, fix: str = "") -> dict[str, Any]:
    return {"name": name, "state": state, "reason": reason, "fix": fix or None}


def _ledger_check(desk: Desk) -> dict[str, Any]:
    try:
        tasks = sum(desk.ledger.counts().values())
    except AxonError as error:
        return _check("ledger", "fail", str(error), "axon ledger check")
    return _check("ledger", "ok", f"{tasks} tasks can be read")


def _disk_check(desk: Desk) -> dict[str, Any]:
    free = shutil.disk_usage(desk.page.state_dir).free >> 20
    floor = desk.page.config.disk_floor_mb
    if free < floor:
        fix = "free some space, or run axon gc"
        return _check("disk", "fail", f"{free} MB are free, the floor is {floor} MB", fix)
    return _check("disk", "ok", f"{free:,} MB are free")


def _run_check(desk: Desk) -> dict[str, Any]:
    run = latest_run(desk.ledger)
    if run is None:
        return _check("team", "ok", "no team has run yet")
    if run.halt:
        return _check("team", "warn", f"the last run ended: {run.halt_reason}", "start it again")
    if run.alive:
        return _check("team", "ok", f"{run.id} is running")
    if run.ended_at is None:
        return _check("team", "warn", f"{run.id} was killed", "axon team goes on from there")
    return _check("team", "ok", "no team is running")


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
    Route(method="GET", path="/api/openapi.json", handler=show_openapi, doc="this document"),
    Route(
        method="GET",
        path="/metrics",
        handler=show_metrics,
        doc="figures in Prometheus' text format",
        fresh=2.0,
    ),
)
