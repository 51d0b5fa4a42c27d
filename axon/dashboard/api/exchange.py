"""Tasks as files: all of them out, and in again."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import fields, replace
from typing import Any

from axon.dashboard.api.issues import FILTERS
from axon.dashboard.desk import Body, Desk, File
from axon.dashboard.route import Field, Route
from axon.security.secrets import Redactor
from axon.tasks import Priority, State, Task, task_view

Pair = tuple[Task, Sequence[tuple[float, str, str]]]
FROM = (
    "markdown", "json", "csv",
    "symphony", "beads", "task-master", "vibe-kanban", "linear", "github",
)  # fmt: skip
LARGEST_FILE = 32 << 20
KINDS = {
    "json": ("application/json; charset=utf-8", "json"),
    "jsonl": ("application/x-ndjson; charset=utf-8", "jsonl"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "markdown": ("text/markdown; charset=utf-8", "md"),
}


def export(desk: Desk, body: Body) -> File:
    from axon.tasks.exchange import exported  # not needed to start

    tasks = desk.ledger.tasks(
        states=[State(name) for name in body.get("state", ())],
        priority=Priority.named(body["priority"]) if body.get("priority") else None,
        label=body.get("label", ""),
        text=body.get("q", ""),
        team=body.get("team", ""),
        project=body.get("project", ""),
        sort=body["sort"],
    )
    pairs = [
        (task, [(said.at, said.actor, said.body) for said in comments])
        for task, comments in desk.ledger.take_out(tasks)
    ]
    kind, suffix = KINDS[body["format"]]
    text = "".join(exported(pairs, body["format"]))
    if desk.redactor.suspects(text):
        text = "".join(exported(_cleaned(pairs, desk.redactor), body["format"]))
    return File(body=text.encode("utf-8", "replace"), kind=kind, name=f"tasks.{suffix}")


def _cleaned(pairs: Iterable[Pair], redactor: Redactor) -> Iterator[Pair]:
    """Without secrets; what is searched is each text itself, not how a format writes it."""
    for task, comments in pairs:
        texts: dict[str, Any] = {}
        for field in fields(task):
            said = getattr(task, field.name)
            if isinstance(said, str) and not isinstance(said, State):
                texts[field.name] = redactor.text(said)
            elif isinstance(said, tuple):
                texts[field.name] = tuple(map(redactor.text, said))
        yield replace(task, **texts), [(at, who, redactor.text(said)) for at, who, said in comments]


def take_in(desk: Desk, body: Body) -> dict[str, Any]:
    """All or nothing; `dry_run` says what would be done."""
    from axon.tasks.exchange import records_of

    config = desk.page.config
    how = {"conflict": body["conflict"], "dry_run": body["dry_run"]}
    records = records_of(body["content"], body["name"], config.team, body.get("from", ""))
    with closing(records):
        found = desk.ledger.take_in(records, **how)
    return {
        outcome: [task_view(task) for task in getattr(found, outcome)]
        for outcome in ("added", "updated", "skipped")
    } | {"dry_run": body["dry_run"], "notes": records.notes.lines()}


ROUTES = (
    Route(
        method="GET",
        path="/api/export",
        handler=export,
        doc="tasks as a file that an import takes",
        query=(Field(name="format", choices=tuple(KINDS), default="json"), *FILTERS),
    ),
    Route(
        method="POST",
        path="/api/import",
        handler=take_in,
        doc="add the tasks in a file, all or none",
        body=(
            Field(name="name", required=True, doc="of the file: its suffix tells the format"),
            Field(name="content", required=True),
            Field(name="from", choices=FROM, doc="what wrote it; else the file itself tells"),
            Field(name="dry_run", kind="boolean", default=False),
            Field(name="conflict", choices=("skip", "update", "duplicate"), default="skip"),
        ),
        most_bytes=LARGEST_FILE,
    ),
)
