"""Who works in a session: the orchestrator and its nine specialised subagents."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """One agent as the engine gets it. `description` is what makes delegation right."""

    name: str
    description: str
    prompt: str
    tools: tuple[str, ...]
    model: str = ""  # empty: inherited from the session
