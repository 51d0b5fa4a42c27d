"""Tasks: found, shown, added, changed, moved, talked about, and taken out."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from axon.dashboard.api.views import LONG, brief_view, detail_view, etag_of, event_view
from axon.dashboard.desk import Body, Desk, Reply
from axon.dashboard.route import LARGE_BODY, Field, Route
from axon.errors import Conflict, UsageError
from axon.ledger import Ledger
from axon.tasks import Draft, Priority, State, Task, task_view
from axon.tasks.editing import EDITABLE, cleared, refuse, tidied
from axon.tasks.fields import value

MOST_LISTED, MOST_EVENTS = 2000, 5000
PAGE_CHARS = 16 << 20  # a page ends early when its texts have become so long
DRAFT = tuple(field.name for field in fields(Draft) if field.name != "key")
ACTIONS = ("move", "edit", "delete", "retry", "cancel", "reopen")


def list_issues(desk: Desk, body: Body) -> dict[str, Any]:
    limit, offset = body["limit"], body["offset"]
    states = [State(name) for name in body.get("state", ())]
    filters = {name: body[name] for name in ("label", "team", "project") if body.get(name)}
    if body.get("priority"):
        filters["priority"] = Priority.named(body["priority"])
    if body.get("q"):
        filters["text"] = body["q"]
    view = brief_view if body["brief"] else task_view
    if filters:
        every = desk.ledger.tasks(states=states, sort=body["sort"], **filters)
        found, total = every[offset : offset + limit], len(every)
    else:
        found = desk.ledger.tasks(states=states, sort=body["sort"], limit=limit, offset=offset)
        counts = desk.ledger.counts()
        total = sum(counts[state] for state in (states or counts))
    return {
        "issues": [view(task) for task in (found if body["brief"] else bounded(found))],
        "total": total,
        "limit": limit,
        "offset": offset,
    }


def bounded(tasks: list[Task]) -> list[Task]:
    """As many as one page can take; `offset` leads to the others."""
    size = 0
    for number, task in enumerate(tasks):
        size += sum(len(getattr(task, name)) for name in LONG)
        if size > PAGE_CHARS and number:
            return tasks[:number]
    return tasks


def add_issue(desk: Desk, body: Body) -> Reply:
    facts = {name: value(name, raw) for name, raw in body.items() if raw is not None}
    facts.setdefault("team", desk.page.config.team)
    task = desk.ledger.add([Draft(**facts)])[0]
    place = {"Location": f"/api/issues/{task.identifier}"}
    return _detail(desk.ledger, task.identifier, status=201, headers=place)


def show_issue(desk: Desk, body: Body, identifier: str) -> Reply:
    return _detail(desk.ledger, identifier)


def _detail(ledger: Ledger, identifier: str, **facts: Any) -> Reply:
    task = ledger.task(identifier.upper())
    return Reply(data=detail_view(ledger, task), etag=etag_of(task), **facts)


def edit_issue(desk: Desk, body: Body, identifier: str) -> Reply:
    """Refused with the task as it is now, when somebody else was faster."""
    task = desk.ledger.task(identifier.upper())
    try:
        _edit(desk.ledger, task, body)
    except Conflict as error:
        now = _detail(desk.ledger, task.identifier, status=412)
        told = {"code": "precondition_failed", "message": str(error)}
        return replace(now, data={"error": told, "current": now.data})
    return _detail(desk.ledger, task.identifier)


def _edit(ledger: Ledger, task: Task, body: Body) -> None:
    """What is most likely to be refused comes first: nothing is to be half done."""
    seen = body.pop("if_match", None)
    changes = _changes({name: raw for name, raw in body.items() if name in EDITABLE})
    tidied(task, changes)
    refuse(task, changes)
    target = State(body["state"]) if body.get("state") else None
    if body.get("depends") is not None:
        task = _depend(ledger, task, value("depends", body["depends"]), seen)
        seen = task.version if seen is not None else None
    if changes:
        task = ledger.edit([task.identifier], changes, if_version=seen)[0]
        seen = task.version if seen is not None else None
    if target is not None and target is not task.state:
        if seen is not None and ledger.task(task.identifier).version != seen:
            raise Conflict(f"{task.identifier} was changed by somebody else; look at it again")
        ledger.move_all([task.identifier], target, why=body.get("why") or "")


def _changes(raw: Body) -> dict[str, Any]:
    return {
        name: cleared(name) if given is None else value(name, given) for name, given in raw.items()
    }


def _depend(ledger: Ledger, task: Task, wanted: Sequence[str], seen: int | None) -> Task:
    names = {name.upper() for name in wanted}
    on, off = sorted(names - set(task.depends)), sorted(set(task.depends) - names)
    if not on and not off:
        return task
    return ledger.depend(task.identifier, on=on, off=off, if_version=seen)


def delete_issue(desk: Desk, body: Body, identifier: str) -> dict[str, Any]:
    gone = desk.ledger.delete([identifier.upper()], why=body.get("why") or "")
    return {"deleted": gone[0].identifier}


def list_events(desk: Desk, body: Body, identifier: str) -> dict[str, Any]:
    task = desk.ledger.task(identifier.upper())
    found = desk.ledger.events(identifier=task.identifier, after=body["after"], limit=body["limit"])
    return {"events": [event_view(event) for event in found]}


def comment(desk: Desk, body: Body, identifier: str) -> Reply:
    desk.ledger.comment(identifier.upper(), body["body"])
    said = desk.ledger.comments(identifier.upper())
    comments = [{"at": one.at, "actor": one.actor, "body": one.body} for one in said]
    return Reply(data={"comments": comments}, status=201)


def answer(desk: Desk, body: Body, identifier: str) -> Reply:
    desk.ledger.answer(identifier.upper(), body["text"])
    return _detail(desk.ledger, identifier)


def tell(desk: Desk, body: Body, identifier: str) -> Reply:
    desk.ledger.send(identifier.upper(), body["text"])
    return Reply(data={}, status=202)


def _by_name(action: str) -> Any:
    def change(desk: Desk, body: Body, identifier: str) -> Reply:
        desk.ledger.change_all([identifier.upper()], action, why=body.get("why") or "")
        return _detail(desk.ledger, identifier)

    return change


def bulk(desk: Desk, body: Body) -> dict[str, Any]:
    """One change of many tasks: all of them or none."""
    names = [name.upper() for name in body["identifiers"]]
    if not names:
        raise UsageError("identifiers is empty; name the tasks")
    action, why = body["action"], body.get("why") or ""
    ledger = desk.ledger
    if action == "move":
        if not body.get("state"):
            raise UsageError("state is missing; say where to move them")
        tasks = ledger.move_all(names, State(body["state"]), why=why)
    elif action == "edit":
        changes = _changes(body.get("fields") or {})
        if "title" in changes and len(set(names)) > 1:
            raise UsageError("several tasks cannot have one title; name one task")
        tasks = ledger.edit(names, changes)
    elif action == "delete":
        tasks = ledger.delete(names, why=why)
    else:
        tasks = ledger.change_all(names, action, why=why)
    return {"issues": [task_view(task) for task in tasks]}


def undo(desk: Desk, body: Body) -> dict[str, Any]:
    undone = desk.ledger.undo()
    return {
        "action": undone.action,
        "at": undone.at,
        "issues": [task_view(task) for task in undone.tasks],
        "removed": list(undone.removed),
    }


STATES = tuple(State)
FILTERS = (
    Field(name="team", doc="team key, as ENG"),
    Field(name="project"),
    Field(name="state", kind="texts", choices=STATES, doc="may be repeated"),
    Field(name="priority", choices=tuple(p.label for p in Priority)),
    Field(name="label"),
    Field(name="q", doc="looked for in identifier, title and description"),
    Field(name="sort", choices=("age", "priority", "updated"), default="age"),
)
LISTS = ("labels", "paths", "depends")
WHY = Field(name="why", doc="kept in the task's history")


def _fields(names: Sequence[str]) -> tuple[Field, ...]:
    return tuple(
        Field(name=name, kind="texts" if name in LISTS else "any", doc="as axon task add has it")
        for name in names
    )


ONE = "/api/issues/{identifier}"
ROUTES = (
    Route(
        method="GET",
        path="/api/issues",
        handler=list_issues,
        doc="tasks, page by page",
        query=(
            *FILTERS,
            Field(name="limit", kind="integer", default=100, least=0, most=MOST_LISTED),
            Field(name="offset", kind="integer", default=0),
            Field(name="brief", kind="boolean", default=False, doc="without the long texts"),
        ),
        fresh=2.0,
    ),
    Route(
        method="POST",
        path="/api/issues",
        handler=add_issue,
        doc="add a task",
        body=(
            Field(name="title", required=True),
            *_fields([name for name in DRAFT if name != "title"]),
        ),
        status=201,
        most_bytes=LARGE_BODY,
    ),
    Route(
        method="POST",
        path="/api/issues/bulk",
        handler=bulk,
        doc="change many tasks, all or none",
        body=(
            Field(name="identifiers", kind="texts", required=True),
            Field(name="action", choices=ACTIONS, required=True),
            Field(name="state", choices=STATES),
            Field(name="fields", kind="object"),
            WHY,
        ),
        most_bytes=LARGE_BODY,
    ),
    Route(
        method="POST",
        path="/api/issues/undo",
        handler=undo,
        doc="take back the last change of a person",
    ),
    Route(
        method="GET",
        path=ONE,
        handler=show_issue,
        doc="everything about one task; its ETag is its version",
        fresh=2.0,
    ),
    Route(
        method="PUT",
        path=ONE,
        handler=edit_issue,
        doc="change fields, dependencies or the state; If-Match: 412 when others were faster",
        body=(
            *_fields(EDITABLE),
            Field(name="depends", kind="texts", doc="all that it waits for"),
            Field(name="state", choices=STATES),
            WHY,
        ),
        if_match=True,
        most_bytes=LARGE_BODY,
    ),
    Route(method="DELETE", path=ONE, handler=delete_issue, doc="take a task out", body=(WHY,)),
    Route(
        method="GET",
        path=ONE + "/events",
        handler=list_events,
        doc="what happened to the task, oldest first",
        query=(
            Field(name="after", kind="integer", default=0),
            Field(name="limit", kind="integer", default=500, least=1, most=MOST_EVENTS),
        ),
        fresh=2.0,
    ),
    Route(
        method="POST",
        path=ONE + "/comments",
        handler=comment,
        doc="say something about the task",
        body=(Field(name="body", required=True),),
        status=201,
        most_bytes=LARGE_BODY,
    ),
    Route(
        method="POST",
        path=ONE + "/answer",
        handler=answer,
        doc="answer what its agent asks",
        body=(Field(name="text", required=True),),
        most_bytes=LARGE_BODY,
    ),
    Route(
        method="POST",
        path=ONE + "/tell",
        handler=tell,
        doc="tell the agent something while it works",
        body=(Field(name="text", required=True),),
        status=202,
        most_bytes=LARGE_BODY,
    ),
    *(
        Route(
            method="POST",
            path=f"{ONE}/{action}",
            handler=_by_name(action),
            doc=f"{action} the task",
            body=(WHY,),
        )
        for action in ("retry", "cancel", "reopen")
    ),
)
