"""Every route there is, in one list: what the server answers, and what openapi.json tells."""

from typing import Any

from axon.dashboard.api import about, analytics, diffs, exchange, issues, sessions, team
from axon.dashboard.desk import Body, Desk
from axon.dashboard.route import Field, Route

MOST_SEQ = 2**53


def watch(desk: Desk, body: Body) -> Any:
    """The site hands this connection to the broadcaster; nothing is answered here."""
    raise AssertionError("the broadcaster has this connection")


EVENTS = Route(
    method="GET",
    path="/api/events",
    handler=watch,
    doc="what happens, as it happens (text/event-stream); Last-Event-ID goes on behind it",
    query=(
        Field(name="after", kind="integer", most=MOST_SEQ, doc="as Last-Event-ID"),
        Field(name="identifier", doc="only events of this task"),
        Field(name="run", doc="only events of this run"),
    ),
)
ROUTES = (
    *about.ROUTES,
    *issues.ROUTES,
    *diffs.ROUTES,
    *team.ROUTES,
    EVENTS,
    *sessions.ROUTES,
    *analytics.ROUTES,
    *exchange.ROUTES,
)
