"""How the work goes, over the last days."""

from functools import partial
from typing import Any

from axon.dashboard.desk import Body, Desk, File
from axon.dashboard.route import Field, Route

DAYS = Field(name="days", kind="integer", default=30, least=7, most=90, doc="the latest so many")
TEAM = Field(name="team", doc="only tasks of this team key")


def _answer(part: str, desk: Desk, body: Body) -> dict[str, Any]:
    from axon.dashboard.analytics.answers import PARTS

    return PARTS[part](desk, body)


def _export(desk: Desk, body: Body) -> File:
    from axon.dashboard.analytics.answers import export

    return export(desk, body)


ROUTES = (
    *(
        Route(
            method="GET",
            path=f"/api/analytics/{name}",
            handler=partial(_answer, name),
            doc=doc,
            query=(DAYS, TEAM) if name == "velocity" else (DAYS,),
            fresh=2.0,
        )
        for name, doc in (
            ("velocity", "tasks landed, made and failed, day by day"),
            ("efficiency", "how many succeed, at which try, in which time"),
            ("bottlenecks", "where tasks spend their time, and what is stuck"),
            ("summary", "counts, hours of activity, cost of a landed task"),
            ("cost", "spend by day, model, agent and task"),
        )
    ),
    Route(
        method="GET",
        path="/api/analytics/export",
        handler=_export,
        doc="all of it as a file",
        query=(DAYS, TEAM, Field(name="format", choices=("json", "csv"), default="json")),
    ),
)
