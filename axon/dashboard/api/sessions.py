"""Recorded sessions: which there are, what stands in them, and what they changed."""

from pathlib import Path
from typing import Any

from axon.dashboard.api.views import session_view, title_of
from axon.dashboard.desk import Body, Desk
from axon.dashboard.route import Field, Route
from axon.errors import NotFound
from axon.ledger import Session

MOST_EVENTS, MOST_LISTED = 5000, 1000
PAGE_CHARS = 4 << 20  # a page ends early when it has become so large


def list_sessions(desk: Desk, body: Body) -> dict[str, Any]:
    """Newest first."""
    name, limit, offset = body.get("identifier", ""), body["limit"], body["offset"]
    task = desk.ledger.task(name.upper()).identifier if name else ""
    found = desk.ledger.sessions(task, limit=limit + offset)[::-1][offset:]
    titles = {s.identifier: title_of(desk.ledger, s.identifier) for s in found}
    return {
        "sessions": [session_view(session, titles[session.identifier]) for session in found],
        "total": desk.ledger.session_count(task),
        "limit": limit,
        "offset": offset,
    }


def show_session(desk: Desk, body: Body, session: str) -> dict[str, Any]:
    known = desk.ledger.session(session)
    path = _path(desk, known)
    found = desk.shared.recordings.find(path)
    return session_view(known, title_of(desk.ledger, known.identifier)) | {
        "events": found.count,
        "seconds": found.seconds,
        "agents": list(found.agents),
        "markers": list(found.markers),
        "recorded": path.is_file(),
    }


def list_events(desk: Desk, body: Body, session: str) -> dict[str, Any]:
    """As they were recorded; `next` goes into `after` for those that follow."""
    known = desk.ledger.session(session)
    wanted, limit = body.get("q", "").lower(), body["limit"]
    found: list[dict[str, Any]] = []
    following, last, size = body["after"], True, 0
    for event in desk.shared.recordings.events(_path(desk, known), body["after"]):
        if len(found) >= limit or size > PAGE_CHARS:
            last = False
            break
        following = event["seq"]
        if not wanted or wanted in str(event).lower():
            found.append(event)
            size += len(str(event))
    return {"events": found, "last": last, "next": following}


def list_usage(desk: Desk, body: Body, session: str) -> dict[str, Any]:
    """Each request to the model, in seconds since the session began."""
    known = desk.ledger.session(session)
    return {
        "usage": [
            {
                "at": round(max(0.0, spent.at - known.started_at), 3),
                "model": spent.model,
                "tokens": spent.tokens,
                "cost_usd": spent.cost_usd,
            }
            for spent in desk.ledger.session_spending(known.id, limit=body["limit"])
        ]
    }


def show_blob(desk: Desk, body: Body, session: str, sha: str) -> Any:
    from axon.core.playback import blob  # not needed to start

    known = desk.ledger.session(session)
    found = blob(desk.page.state_dir, sha)
    if found is None:
        raise NotFound(f"session {known.id} has no such payload; axon gc removes old ones")
    return found


def _path(desk: Desk, session: Session) -> Path:
    return desk.page.state_dir / "sessions" / f"{session.id}.jsonl"


ONE = "/api/sessions/{session}"
ROUTES = (
    Route(
        method="GET",
        path="/api/sessions",
        handler=list_sessions,
        doc="sessions, newest first",
        query=(
            Field(name="identifier", doc="only those of this task"),
            Field(name="limit", kind="integer", default=100, least=0, most=MOST_LISTED),
            Field(name="offset", kind="integer", default=0, most=10**6),
        ),
        fresh=2.0,
    ),
    Route(
        method="GET", path=ONE, handler=show_session, doc="a session, and where to jump to in it"
    ),
    Route(
        method="GET",
        path=ONE + "/events",
        handler=list_events,
        doc="what was recorded",
        query=(
            Field(name="after", kind="integer", default=0),
            Field(name="limit", kind="integer", default=1000, least=1, most=MOST_EVENTS),
            Field(name="q", doc="only events that hold this text"),
        ),
    ),
    Route(
        method="GET",
        path=ONE + "/usage",
        handler=list_usage,
        doc="tokens and cost of each request to the model, oldest first",
        query=(Field(name="limit", kind="integer", default=10_000, least=1, most=100_000),),
        fresh=2.0,
    ),
    Route(
        method="GET",
        path=ONE + "/blobs/{sha}",
        handler=show_blob,
        doc="a payload that was stored apart",
    ),
)
