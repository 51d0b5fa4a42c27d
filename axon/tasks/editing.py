"""What a person may change about a task, and when."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from axon.errors import Forbidden, UsageError
from axon.tasks import Draft, State, Task
from axon.tasks.text import MAX_TASK_BYTES, MAX_TITLE, clean

EDITABLE = (
    "title", "description", "priority", "type", "labels", "project", "parent", "paths", "check",
    "max_attempts", "max_usd", "max_turns", "max_minutes", "not_before",
)  # fmt: skip
# Said of the work that is done, these would no longer be true.
JUDGED_BY = frozenset(
    {"paths", "check", "max_attempts", "max_usd", "max_turns", "max_minutes", "not_before"}
)
DEFAULTS: dict[str, Any] = {
    field.name: field.default for field in fields(Draft) if field.name in EDITABLE
}


def cleared(name: str) -> Any:
    """The value of a field that nobody has set. UsageError: it cannot be without one."""
    if name not in DEFAULTS:
        raise UsageError(f"no field {name!r} can be changed; use one of {', '.join(EDITABLE)}")
    if name == "title":
        raise UsageError("a task cannot be without a title; give it another one")
    return DEFAULTS[name]


def tidied(task: Task, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as the ledger keeps them. UsageError says what is wrong with one."""
    found = dict(changes)
    if unknown := found.keys() - set(EDITABLE):
        raise UsageError(
            f"no field {sorted(unknown)[0]!r} can be changed; use one of {', '.join(EDITABLE)}"
        )
    if "title" in found:
        found["title"] = _title(found["title"])
    if "description" in found:
        found["description"] = clean(found["description"]).strip("\n").rstrip()
    size = sum(
        len(found.get(name, getattr(task, name)).encode()) for name in ("title", "description")
    )
    if size > MAX_TASK_BYTES:
        raise UsageError(f"the task text has {size:,} bytes; the limit is {MAX_TASK_BYTES:,}")
    return {name: clean(v) if isinstance(v, str) else v for name, v in found.items()}


def refuse(task: Task, names: Iterable[str]) -> None:
    """Forbidden where the task's state does not allow to change these fields."""
    names = set(names)
    if task.state is State.IN_PROGRESS and "paths" in names:
        raise Forbidden(
            f"the paths of {task.identifier} keep other tasks off the files it works on now;"
            " change them when it is no longer In Progress, or cancel it first"
        )
    if task.state is State.DONE and (said := sorted(names & JUDGED_BY)):
        raise Forbidden(
            f"{task.identifier} is Done, and was worked by its {' and '.join(said)};"
            f" reopen it, then change {'them' if len(said) > 1 else 'it'}"
        )


def _title(text: str) -> str:
    title = " ".join(clean(text).split())
    if not title:
        raise UsageError("a task cannot be without a title; give it another one")
    if len(title) > MAX_TITLE or len(clean(text).strip().splitlines()) > 1:
        raise UsageError(
            f"a title is one line of at most {MAX_TITLE} characters; the rest is description"
        )
    return title
