"""What the ledger tells besides tasks: events, sessions, runs, leases, figures."""

from dataclasses import field
from typing import Any

from axon.facts import dataclass
from axon.tasks import Priority, State

FATES = {State.FAILED: "failed", State.CANCELED: "was canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a failing task is tried again, and when it is given up."""

    max_attempts: int = 3  # of tasks that name none of their own
    backoff_seconds: float = 2.0  # after the first failure; doubled each time, at most 300
    max_losses: int = 10  # dead workers one task may cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One row of the append-only history. `attempt` is the fencing token of its claim."""

    seq: int
    at: float
    identifier: str  # "" for events of a run
    run: str
    actor: str  # "person", a worker's name, "landing", "coordinator", "gateway"
    action: str  # a move, or: add, comment, gate, session, run_started, worker_died, ...
    before: State | None
    after: State | None
    attempt: int
    why: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One engine session of one attempt. Its events are in `.axon/sessions/<id>.jsonl`."""

    id: str
    identifier: str
    attempt: int
    run: str
    worker: str
    engine: str
    model: str
    max_usd: float | None = None  # of its task, as is the next
    max_tokens: int | None = None
    agent: str = ""  # who leads it: worker, orchestrator, reviewer, planner
    started_at: float = 0.0
    ended_at: float | None = None
    outcome: str = ""  # "finished" or an EngineFault
    engine_session: str = ""
    turns: int = 0
    cost_usd: float | None = None  # None: nothing spent, or price unknown
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one request to the model used. `cost_usd` None: price unknown."""

    session: str
    model: str
    status: int
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float | None = None
    first_token_seconds: float | None = None
    seconds: float = 0.0
    agent: str = ""  # the subagent that asked; empty: the one who leads the session
    retries: int = 0  # how often the gateway asked again for this answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a task, a run or a day has used so far. `usd`: as far as prices are known."""

    usd: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One `axon team`. `halt` is an EngineFault that ends it, with its one-line reason."""

    id: str
    pid: int
    host: str
    target: str
    engine: str
    workers: int
    max_tasks: int | None = None
    max_usd: float | None = None
    max_tokens: int | None = None
    started_at: float = 0.0
    ended_at: float | None = None
    halt: str = ""
    halt_reason: str = ""
    stop_requested: bool = False
    alive: bool = False  # its leadership lease is current
    cost_usd: float | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """What a process of a run is doing; written by itself, may lag."""

    name: str
    run: str
    pid: int
    identifier: str = ""
    attempt: int = 0
    doing: str = ""  # "Edit src/x.py", "gate", "idle"
    turns: int = 0
    cost_usd: float | None = None
    since: float = 0.0  # when it took the task
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What requests on their way may still use: their prompts, and at most with the answers."""

    tokens: int = 0
    usd: float = 0.0
    most_tokens: int = 0
    most_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The exclusive right to a named duty ("landing"), fenced by `token`."""

    name: str
    holder: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Sums over the tasks of one state and priority."""

    state: State
    priority: Priority
    count: int
    recent: int  # of those moved since the moment asked about
    cost_usd: float | None  # None: nothing spent, or price unknown
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing in the ledger that is not as it must be."""

    where: str  # "task ENG-4", "event 17", "file"
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said about a task."""

    at: float
    actor: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A task to do that cannot be claimed before `on` is done (a child: done or canceled)."""

    identifier: str
    title: str
    on: str
    state: State  # of `on`
    child: bool = False  # `on` is a part of the task

    @property
    def stuck(self) -> bool:
        """No worker can change it: a person must."""
        return self.state in (State.FAILED, State.CANCELED, State.BLOCKED)

    @property
    def reason(self) -> str:
        if self.state in (State.FAILED, State.CANCELED):
            return f"waits for {self.on}, which {FATES[self.state]}"
        return f"waits for {self.on} ({self.state.label})"
