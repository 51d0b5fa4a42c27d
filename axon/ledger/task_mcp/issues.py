"""Issues as task servers tell of them: read with patience, whatever their exact shape is."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from axon.errors import UsageError
from axon.facts import dataclass
from axon.ledger.task_mcp.faults import Unreachable
from axon.tasks import Draft, State, Task
from axon.tasks.fields import CHECKS, value
from axon.tasks.text import clean

IDENTIFIER = re.compile(r"[A-Z0-9]{1,20}-[1-9][0-9]{0,9}")
# Names in use for our states, the usual one first. What a server does not have is shown to it
# as the next one that it has.
NAMES: dict[State, tuple[str, ...]] = {
    State.TODO: ("Todo", "To Do", "Open"),
    State.IN_PROGRESS: ("In Progress", "Doing", "Started"),
    State.REVIEW: ("Review", "In Review", "In Progress"),
    State.BLOCKED: ("Blocked", "On Hold", "In Progress"),
    State.DONE: ("Done", "Completed", "Closed"),
    State.FAILED: ("Failed", "Backlog", "Canceled"),
    State.CANCELED: ("Canceled", "Cancelled", "Duplicate"),
}
FACTS = tuple(name for name in CHECKS if name not in ("key", "team", "title", "description"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A comment. `at` is None when the server does not say when."""

    body: str
    at: float | None = None
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """`remote` is what the server calls it. `state` is None for one that axon does not have."""

    remote: str
    title: str
    description: str
    state: State | None
    state_name: str
    team: str
    facts: dict[str, Any]  # fields of a Draft that it tells
    comments: tuple[Said, ...]  # in the server's order

    @property
    def identifier(self) -> str:
        """Its name, when axon can take it over; else nothing."""
        return self.remote if IDENTIFIER.fullmatch(self.remote) else ""


def issue_of(raw: Any) -> Issue:
    """Unreachable: this is no issue."""
    if isinstance(raw, dict) and isinstance(raw.get("issue"), dict):
        raw = raw["issue"]
    remote = _text(raw, "identifier") or _text(raw, "id")
    if not remote:
        raise Unreachable("the task server answers with something that is no issue; see its log")
    state_name = _text(raw, "state") or _text(raw, "status")
    return Issue(
        remote=remote,
        title=_text(raw, "title") or remote,
        description=_text(raw, "description"),
        state=state_of(state_name),
        state_name=state_name,
        team=_text(raw, "team_key") or _text(raw, "team") or remote.rpartition("-")[0],
        facts=_facts(raw),
        comments=tuple(_comments(raw.get("comments"))),
    )


def issues_of(raw: Any) -> list[Issue]:
    """A list, bare or under a name of its own."""
    if isinstance(raw, dict):
        raw = raw.get("issues", [raw])
    if not isinstance(raw, list):
        raise Unreachable("the task server answers with something that is no list; see its log")
    return [issue_of(item) for item in raw]


def state_of(name: str) -> State | None:
    plain = re.sub(r"[^a-z]+", " ", name.lower()).strip()
    for state, names in NAMES.items():
        own = names if state not in (State.REVIEW, State.BLOCKED, State.FAILED) else names[:2]
        if plain in (other.lower() for other in own) and plain != "backlog":
            return state
    return None


def name_for(state: State, known: Sequence[str]) -> str:
    """What a server that has the states `known` calls ours; by our own name if none fits."""
    by_plain = {name.lower(): name for name in known}
    return next(
        (by_plain[name.lower()] for name in NAMES[state] if name.lower() in by_plain), state.label
    )


def arguments_for(task: Draft | Task, names: Iterable[str]) -> dict[str, Any]:
    """Those fields of a task as a tool takes them; null: it has none."""
    return {
        name: _argument(name, getattr(task, name))
        for name in ("title", "description", *FACTS)
        if name in names
    }


def _argument(name: str, said: Any) -> Any:
    if name == "priority":
        return said.label
    if name == "not_before" and said is not None:
        return datetime.fromtimestamp(said).astimezone().isoformat()
    return list(said) if isinstance(said, tuple) else said


def _facts(raw: dict[str, Any]) -> dict[str, Any]:
    """What it tells that a task can hold; anything odd is as good as not said."""
    found: dict[str, Any] = {}
    for name in FACTS:
        said = raw.get(name)
        if isinstance(said, dict):
            said = said.get("name")
        if said in (None, "", []):
            continue
        try:
            found[name] = value(name, said)
        except UsageError:
            continue
    return found


def _comments(raw: Any) -> list[Said]:
    if isinstance(raw, dict):
        raw = raw.get("nodes") or raw.get("comments")
    return [
        Said(
            body=_text(item, "body") or _text(item, "text"),
            at=_moment(item.get("created_at", item.get("createdAt", item.get("at")))),
            author=_text(item, "author") or _text(item, "user"),
        )
        for item in (raw if isinstance(raw, list) else [])
        if isinstance(item, dict)
    ]


def _text(raw: Any, name: str) -> str:
    """A text, a number as one, or the name of an object."""
    said = raw.get(name) if isinstance(raw, dict) else None
    if isinstance(said, dict):
        said = said.get("name") or said.get("key") or said.get("id")
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    return clean(said) if isinstance(said, str) else ""


def _moment(said: Any) -> float | None:
    if isinstance(said, int | float) and not isinstance(said, bool):
        return float(said)
    try:
        return datetime.fromisoformat(str(said)).timestamp()
    except (ValueError, OverflowError):
        return None
