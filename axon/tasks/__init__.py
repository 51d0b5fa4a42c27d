"""What a task is, and the one table of moves that changes its state."""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import IntEnum, StrEnum
from typing import Any, Literal, NamedTuple

from axon.errors import BadMove, UsageError
from axon.facts import dataclass


class State(StrEnum):
    TODO = "todo"
    IN_PROGRESS = "in_progress"
    REVIEW = "review"
    BLOCKED = "blocked"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def label(self) -> str:
        """As people read it: "In Progress"."""
        return self.value.replace("_", " ").title()


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELED})


class Priority(IntEnum):
    """Lower is sooner, so that the ledger can sort by it."""

    URGENT = 0
    HIGH = 1
    MEDIUM = 2
    LOW = 3

    @classmethod
    def named(cls, name: str) -> "Priority":
        try:
            return cls[name.strip().upper()]
        except KeyError:
            names = ", ".join(p.name.lower() for p in cls)
            raise UsageError(f"unknown priority {name!r}; use one of {names}") from None

    @property
    def label(self) -> str:
        return self.name.lower()


Action = Literal[
    "claim", "submit", "land", "ask", "answer", "release", "fail", "give_up",
    "retry", "cancel", "reopen",
]  # fmt: skip

MOVES: dict[tuple[State, Action], State] = {
    (State.TODO, "claim"): State.IN_PROGRESS,
    (State.IN_PROGRESS, "submit"): State.REVIEW,
    (State.REVIEW, "land"): State.DONE,
    (State.IN_PROGRESS, "ask"): State.BLOCKED,
    (State.BLOCKED, "answer"): State.TODO,
    (State.IN_PROGRESS, "release"): State.TODO,  # its worker died or was stopped
    (State.IN_PROGRESS, "fail"): State.TODO,  # tried again after a pause
    (State.REVIEW, "fail"): State.TODO,
    (State.IN_PROGRESS, "give_up"): State.FAILED,  # a failure at the attempt cap
    (State.REVIEW, "give_up"): State.FAILED,
    (State.FAILED, "retry"): State.TODO,
    (State.TODO, "cancel"): State.CANCELED,
    (State.IN_PROGRESS, "cancel"): State.CANCELED,
    (State.REVIEW, "cancel"): State.CANCELED,
    (State.BLOCKED, "cancel"): State.CANCELED,
    (State.FAILED, "cancel"): State.CANCELED,
    (State.CANCELED, "reopen"): State.TODO,
    (State.DONE, "reopen"): State.TODO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A task before the ledger has given it an identifier.

    `depends` and `parent` name tasks by identifier, or by `key`: any name that is unique
    within the import it came with.
    """

    title: str
    description: str = ""
    priority: Priority = Priority.MEDIUM
    type: str = "task"
    labels: tuple[str, ...] = ()
    team: str = ""
    project: str = ""
    parent: str = ""
    depends: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    check: str = ""
    max_attempts: int | None = None
    max_usd: float | None = None
    max_turns: int | None = None
    max_minutes: float | None = None
    not_before: float | None = None
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Draft):
    """A task as an export tells of it: also what became of it in the ledger it came from."""

    identifier: str = ""  # it had there, and keeps where it is free
    state: State = State.TODO
    facts: Mapping[str, Any] = field(default_factory=dict)  # fields of Task that no Draft has
    comments: tuple[tuple[float, str, str], ...] = ()  # at, actor, body
    given: frozenset[str] = frozenset()  # fields the file names: the only ones it may update
    origin: str = ""  # what it is called in the tool it comes from; one of its labels as well


class Head(NamedTuple):
    """What a record is called and whom it refers to, where the rest would cost too much."""

    title: str
    key: str
    team: str
    identifier: str
    state: State
    depends: tuple[str, ...]
    parent: str
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as the ledger has it. Times are Unix seconds."""

    identifier: str
    title: str
    description: str = ""
    state: State = State.TODO
    priority: Priority = Priority.MEDIUM
    type: str = "task"
    labels: tuple[str, ...] = ()
    team: str = ""
    project: str = ""
    parent: str = ""
    depends: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    check: str = ""
    max_attempts: int | None = None
    max_usd: float | None = None
    max_turns: int | None = None
    max_minutes: float | None = None
    not_before: float | None = None
    blocked: int = 0  # dependencies that are not done yet
    token: int = 0  # claims ever made: the fencing token of the latest one
    attempts: int = 0  # claims that were worked
    failures: int = 0  # attempts that count towards the cap
    losses: int = 0  # attempts that ended with the death of their worker
    owner: str = ""  # worker that holds the claim
    branch: str = ""
    commit: str = ""  # last commit of the branch that passed, or was given up
    target: str = ""  # branch it landed on, or is to land on
    landed_commit: str = ""
    verified: bool | None = None  # None: not judged; False: landed without any gate
    engine_session: str = ""  # the engine's own id, to resume
    feedback: str = ""  # what the next attempt must be told: gate output, conflict
    error: str = ""  # why the last attempt ended, when it did not end well
    result: str = ""  # the agent's own last words
    cost_usd: float | None = None  # None: nothing spent, or price unknown
    tokens: int = 0
    turns: int = 0
    seconds: float = 0.0  # worked, over all attempts
    created_at: float = 0.0
    updated_at: float = 0.0
    question: str = ""  # what its agent asked last; open while the task is blocked
    answers: str = ""  # all its agents ever asked, and what they were told
    version: int = 0  # changes made by people: what an editor saw must still be so


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work one task: every write of its holder carries it."""

    identifier: str
    token: int
    worker: str
    run: str


def target(identifier: str, state: State, action: Action) -> State:
    """The state that `action` leads to from `state`, or BadMove if the table has no such move."""
    after = MOVES.get((state, action))
    if after is None:
        raise BadMove(f"cannot {action.replace('_', ' ')} {identifier}: it is {state.label}")
    return after


def move(task: Task, action: Action, **changes: Any) -> Task:
    """Return `task` after `action`, or raise BadMove if its state forbids it."""
    return replace(task, state=target(task.identifier, task.state, action), **changes)


def task_view(task: Task) -> dict[str, Any]:
    """The stable JSON form of a task: CLI, API and export show these keys."""
    return {
        "identifier": task.identifier,
        "title": task.title,
        "description": task.description,
        "state": task.state.value,
        "priority": task.priority.label,
        "type": task.type,
        "labels": list(task.labels),
        "team": task.team,
        "project": task.project,
        "parent": task.parent or None,
        "depends": list(task.depends),
        "paths": list(task.paths),
        "check": task.check or None,
        "max_attempts": task.max_attempts,
        "max_usd": task.max_usd,
        "max_turns": task.max_turns,
        "max_minutes": task.max_minutes,
        "not_before": task.not_before,
        "blocked_by": task.blocked,
        "attempts": task.attempts,
        "failures": task.failures,
        "owner": task.owner or None,
        "branch": task.branch or None,
        "target": task.target or None,
        "landed_commit": task.landed_commit or None,
        "verified": task.verified,
        "error": task.error or None,
        "result": task.result or None,
        "cost_usd": task.cost_usd,
        "tokens": task.tokens,
        "turns": task.turns,
        "seconds": round(task.seconds, 3),
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "question": task.question if task.state is State.BLOCKED else None,
        "answers": task.answers or None,
        "version": task.version,
    }
