"""What the work on a task has changed, and what its gates said of it."""

from pathlib import Path
from typing import Any

from axon.dashboard.desk import Body, Desk
from axon.dashboard.route import Field, Route
from axon.ledger import Event
from axon.team.screen.words import gate_passed

OUTPUT_BYTES = 256 << 10  # of a gate's log, from its end
GATES = 100


def issue_diff(desk: Desk, body: Body, identifier: str) -> dict[str, Any]:
    return _diff(desk, identifier.upper())


def session_diff(desk: Desk, body: Body, session: str) -> dict[str, Any]:
    """A session leaves its work on the branch of its task."""
    known = desk.ledger.session(session)
    return _diff(desk, known.identifier)


def _diff(desk: Desk, identifier: str) -> dict[str, Any]:
    from axon.dashboard.diffs import diff_of  # git is not needed to start

    return diff_of(desk.page.config, desk.ledger.task(identifier))


def issue_gate(desk: Desk, body: Body, identifier: str) -> dict[str, Any]:
    """Every run of a gate, newest first, with what it printed as far as that is kept."""
    task = desk.ledger.task(identifier.upper())
    found = desk.ledger.latest(identifier=task.identifier, action="gate", limit=body["limit"])
    return {"runs": [_run(desk.page.state_dir, event) for event in reversed(found)]}


def _run(folder: Path, event: Event) -> dict[str, Any]:
    data, log = event.data, str(event.data.get("log") or "")
    attempt = data.get("attempt")
    session = Path(log).name.removesuffix(".gate.log") if log.endswith(".gate.log") else None
    return {
        "at": event.at,
        "attempt": attempt if isinstance(attempt, int) else event.attempt,
        "passed": gate_passed(event),
        "code": data.get("code"),
        "seconds": data.get("seconds"),
        "why": event.why,
        "where": "merged" if data.get("where") == "landing" else "workspace",
        "output": _output(folder, log),
        "session": session,
    }


def _output(folder: Path, log: str) -> str | None:
    """None when it is not kept any more."""
    path = folder / log
    if not log or folder.resolve() not in path.resolve().parents:
        return None
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - OUTPUT_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return None


ROUTES = (
    Route(
        method="GET",
        path="/api/issues/{identifier}/diff",
        handler=issue_diff,
        doc="what the work on it changed",
    ),
    Route(
        method="GET",
        path="/api/issues/{identifier}/gate",
        handler=issue_gate,
        doc="runs of its gate, newest first",
        query=(Field(name="limit", kind="integer", default=20, least=1, most=GATES),),
    ),
    Route(
        method="GET",
        path="/api/sessions/{session}/diff",
        handler=session_diff,
        doc="what the work of its task changed",
    ),
)
