"""What every agent engine takes and gives: a request in, typed events out, one result."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from axon.agents import AgentSpec
from axon.errors import EngineFault
from axon.mcp.spec import Server, ToolSpec
from axon.security.sandbox import UNCONTAINED, Contained

__all__ = [
    "Denial",
    "Engine",
    "EngineEvent",
    "EventKind",
    "SessionRequest",
    "SessionResult",
    "ToolSpec",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A tool call that was not let through, and why."""

    tool: str
    reason: str
    input: Any = None
    call: str = ""
    agent: str = ""  # "" is the main agent


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """One agent at work: everything it may know and use."""

    prompt: str
    cwd: Path
    home: Path  # its HOME and configuration, its own for the life of the task
    temporary: Path
    environment: dict[str, str]  # whole and final: nothing else is inherited
    task_file: Path  # the task as JSON
    identifier: str
    title: str
    model: str
    system_prompt: str = ""
    tools: tuple[str, ...] = ()
    max_turns: int | None = None
    max_seconds: float | None = None
    resume: str = ""  # engine session to continue
    agents: tuple[AgentSpec, ...] = ()  # subagents it may delegate to
    talk: tuple[ToolSpec, ...] = ()
    servers: tuple[Server, ...] = ()  # other MCP servers
    agent: str = "worker"  # name of the main agent, for what only some may use
    schema: dict[str, Any] | None = None  # JSON Schema the final answer must have
    contained: Contained = UNCONTAINED  # what its processes run in
    launcher: Path | None = None  # a file to start it by, out of its reach; None: in `home`
    # asked when the agent has finished: what it has to be told before it may; nothing ends it
    last_call: Callable[[], str] | None = None
    commands: tuple[str, ...] = ()  # of the project, that may run without one
    denied: Callable[[Denial], None] | None = None  # is told of each call not let through


EventKind = Literal[
    "init", "text", "thinking", "tool", "tool_result", "retry", "notice", "message", "result"
]  # message: the agent now has the prompt, or something that was said to it


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEvent:
    """Something the agent did; recorded as it is and shown live."""

    kind: EventKind
    agent: str = ""  # "" is the main agent, else the subagent's type
    tool: str = ""
    call: str = ""  # ties a tool_result to its tool
    text: str = ""
    input: Any = None
    output: Any = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResult:
    """How the session ended. `fault` is None when the agent finished by itself."""

    fault: EngineFault | None = None
    message: str = ""  # one line: what went wrong
    text: str = ""  # the agent's last words
    engine_session: str = ""
    turns: int = 0
    cost_usd: float | None = None  # the engine's own figure; the gateway's is the ledger's
    structured: Any = None
    resets_at: float | None = None  # rate_limit: Unix seconds
    ended_by: str = ""  # the tool of axon's own that ended it


class Engine(Protocol):
    """An agent that can be set to work."""

    name: str

    def run(self, request: SessionRequest) -> AsyncIterator[EngineEvent | SessionResult]:
        """Yield what happens, last the SessionResult. Closing the iterator ends the agent."""
        ...

    def say(self, text: str) -> bool:
        """Put a message into the running session; safe from any thread.

        False when there is none, or it takes no messages. Once the agent has it, an event
        "message" with this text follows.
        """
        ...

    def interrupt(self) -> None:
        """Ask the running turn to end soon; safe from any thread."""
        ...

    def can_resume(self, home: Path, engine_session: str) -> bool:
        """Whether the history of that session is still there."""
        ...

    def heard(self, home: Path, engine_session: str, text: str) -> bool:
        """Whether that session's history holds something said to it that contains `text`."""
        ...
