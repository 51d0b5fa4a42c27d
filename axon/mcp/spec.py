"""What a tool of axon's own is, and another server whose tools agents may use."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool of axon's own, offered in the session by the in-process MCP server `axon`.

    `call` gets the arguments and answers the text for the model; an AxonError it raises becomes
    a tool error whose message the model reads.
    """

    name: str
    description: str
    schema: dict[str, Any]  # JSON Schema of the arguments
    call: Callable[[dict[str, Any]], Awaitable[str]]
    read_only: bool = False
    ends: bool = False  # once it has succeeded the session is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Another MCP server: a program that is started, or an address.

    Its values may hold secrets. axon itself talks to it and passes its tools on, so that
    neither the agent nor its tools ever see them.
    """

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict, repr=False)
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    agents: tuple[str, ...] = ()  # that may use it; empty: all

    def open_to(self, agent: str) -> bool:
        return not self.agents or agent in self.agents
