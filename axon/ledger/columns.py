"""The columns of a task's row, the queues it may stand in, and the SQL that reads it whole."""

import json
from dataclasses import fields
from operator import attrgetter
from typing import Any

from axon.tasks import Priority, State, Task
from axon.tasks.text import clean

NAMES = tuple(field.name for field in fields(Task))
LISTS = ("labels", "depends", "paths")
REALS = frozenset(
    (
        "max_usd", "max_minutes", "not_before", "cost_usd", "seconds", "created_at", "updated_at",
        "lease_until", "claimed_boot", "backoff_until",
    )
)  # fmt: skip
# What is long, or seldom set, is kept apart, so that a move need not read and write it again.
APART = (
    "description", "type", "labels", "project", "parent", "depends", "check", "max_attempts",
    "max_usd", "max_turns", "max_minutes", "branch", "target", "landed_commit", "engine_session",
    "feedback", "error", "result", "question", "answers", "version",
)  # fmt: skip
SHOWN = tuple(name for name in NAMES if name not in APART)
HIDDEN = (
    "apart",  # the sum of what is; 0 when nothing is
    "queue",  # what it waits in, see below
    "folder",  # of its first path
    "run",  # that claimed it last
    "lease_boot",
    "lease_until",
    "claimed_boot",
    "backoff_boot",
    "backoff_until",
    "dependents",  # rows of dependency that need it
    "comments",
    "events",
    "sessions",
    "messages",
    "unread",
)
FRESH: dict[str, Any] = {
    "apart": 0, "queue": None, "folder": "", "run": "", "lease_boot": "", "lease_until": 0.0,
    "claimed_boot": 0.0, "backoff_boot": "", "backoff_until": 0.0, "dependents": 0,
    "comments": 0, "events": 0, "sessions": 0,
    "messages": 0, "unread": 0,
}  # fmt: skip
COLUMNS = ("id", *SHOWN, *HIDDEN)
WIDTH = len(COLUMNS)
FIELDS = ", ".join((*(f'task."{name}"' for name in (*COLUMNS, "sum")), "apart.facts"))
JOIN = "LEFT JOIN apart ON apart.id = task.id"
SELECT = f"SELECT {FIELDS} FROM task {JOIN}"
INSERT = (
    "INSERT INTO task (" + ", ".join(f'"{name}"' for name in (*COLUMNS, "sum")) + ")"
    f" VALUES ({'?, ' * WIDTH}?)"
)

# Where a task is, for the index that claims read. Those queues that a claim changes stand side
# by side: one page of the index is then written, not three. A task that is done is in none.
REVIEW, RUNNING, READY, SCOPED_READY, HELD, LATER, BACKOFF, ASKING, FAILED, CANCELED = range(10)
QUEUES = {
    "in_progress": RUNNING, "review": REVIEW, "blocked": ASKING, "failed": FAILED,
    "canceled": CANCELED, "done": None,
}  # fmt: skip
TODO = (READY, SCOPED_READY, HELD, LATER, BACKOFF)
STATE = {state.value: state for state in State}
PRIORITY = {priority.value: priority for priority in Priority}
BY_NAME = f"{SELECT} WHERE identifier = ?"
BY_ID = f"{SELECT} WHERE task.id = ?"
SCAN = "SELECT " + ", ".join(f'"{name}"' for name in (*COLUMNS, "sum")) + " FROM task ORDER BY id"
ABSENT = "SELECT total(identifier = :name), count(*) FROM task NOT INDEXED"
NAMED = """
    SELECT 0, count(*) FROM task NOT INDEXED WHERE EXISTS (
        SELECT 1 FROM task AS named INDEXED BY sqlite_autoindex_task_1
        WHERE named.identifier = task.identifier AND named.id = task.id
    )
"""
Known = dict[str, Any]


def stored(name: str, value: Any) -> Any:
    """A value as SQLite will hand it back."""
    kind = type(value)
    if kind is str:
        return clean(value)
    if kind is float:
        return value if name in REALS else int(value)
    if value is None:
        return None
    if kind is tuple:
        return json.dumps(value) if value else "[]"
    if isinstance(value, str):  # of an enum
        return clean(str(value))
    return float(value) if name in REALS else int(value)


def queues_of(state: str) -> tuple[int, ...]:
    """Where tasks of a state may be; not of those that are done."""
    queue = QUEUES.get(state)
    return TODO if queue is None else (queue,)


EMPTY = Task(identifier="", title="")
_SHOWN, _APART = attrgetter(*SHOWN), attrgetter(*APART)
_DEFAULTS = _APART(EMPTY)
# Where the texts stand among those that are shown, and what else SQLite keeps in another form.
_TEXTS = tuple(n for n, name in enumerate(SHOWN) if isinstance(getattr(EMPTY, name), str))
_OTHERS = tuple(n for n, name in enumerate(SHOWN) if n not in _TEXTS)


def row_of(task: Task) -> Known:
    """The fields that stand in the row; an import has millions, mostly empty."""
    values = list(_SHOWN(task))
    for place in _TEXTS:
        if value := values[place]:
            values[place] = clean(str(value))
    for place in _OTHERS:
        value = values[place]
        if value is not None:
            values[place] = "[]" if value == () else stored(SHOWN[place], value)
    return dict(zip(SHOWN, values, strict=True))


def kept(name: str, value: Any) -> Any:
    """A value as it stands in the JSON of what is kept apart."""
    if isinstance(value, tuple | list):
        return [clean(one) for one in value]
    if isinstance(value, str):
        return clean(value)
    return float(value) if name in REALS and value is not None else value
