"""The MCP servers of a session, all inside this process: axon's own, and those it relays."""

import asyncio
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axon import __version__
from axon.engines import EngineEvent, SessionRequest
from axon.errors import AxonError, StaleClaim
from axon.mcp.config import OWN_NAME
from axon.mcp.relay import Connection, RemoteTool, ServerFailed, close_all
from axon.mcp.spec import ToolSpec

if TYPE_CHECKING:
    from claude_agent_sdk import SdkMcpTool

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Toolbox:
    """Open it before the session, close it after. `over` is called when a tool ends that."""

    request: SessionRequest
    over: Callable[[], None]
    servers: dict[str, Any] = field(default_factory=dict)
    ended_by: str = ""
    _connections: list[Connection] = field(default_factory=list)

    async def open(self) -> list[EngineEvent]:
        """What a person should know: servers that could not be reached."""
        from claude_agent_sdk import create_sdk_mcp_server

        if self.request.talk:
            tools = [self._own(spec) for spec in self.request.talk]
            own: Any = create_sdk_mcp_server(OWN_NAME, __version__, tools)
            self.servers[OWN_NAME] = {**own, "alwaysLoad": True}  # not behind a search for tools
        agents = (self.request.agent, *(agent.name for agent in self.request.agents))
        self._connections = [
            Connection(server, sys.__stderr__ or sys.stderr)
            for server in self.request.servers
            if any(server.open_to(agent) for agent in agents)
        ]
        outcomes = await asyncio.gather(
            *(connection.open() for connection in self._connections), return_exceptions=True
        )
        notices = []
        for connection, outcome in zip(self._connections, outcomes, strict=True):
            if isinstance(outcome, ServerFailed):
                notices.append(EngineEvent(kind="notice", text=str(outcome)))
            elif outcome is not None:
                raise outcome
            else:
                name = connection.server.name
                tools = [_relayed(tool) for tool in connection.tools]
                self.servers[name] = create_sdk_mcp_server(name, __version__, tools)
        return notices

    async def close(self) -> None:
        await close_all(self._connections)

    def _own(self, spec: ToolSpec) -> "SdkMcpTool[Any]":
        async def call(arguments: dict[str, Any]) -> dict[str, Any]:
            try:
                text = await spec.call(arguments)
            except StaleClaim as error:
                self.over()
                return _said(str(error), failed=True)
            except AxonError as error:
                return _said(str(error), failed=True)
            except Exception:
                log.exception("tool failed name=%s", spec.name)  # the SDK tells only the model
                raise
            if spec.ends:
                self.ended_by = spec.name
                self.over()
            return _said(text)

        return _tool(spec.name, spec.description, spec.schema, spec.read_only, call)


def _relayed(tool: RemoteTool) -> "SdkMcpTool[Any]":
    async def call(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return await tool.call(arguments)
        except ServerFailed as error:
            return _said(str(error), failed=True)

    return _tool(tool.name, tool.description, tool.schema, tool.read_only, call)


def _tool(
    name: str, description: str, schema: dict[str, Any], read_only: bool, call: Any
) -> "SdkMcpTool[Any]":
    from claude_agent_sdk import SdkMcpTool, ToolAnnotations

    return SdkMcpTool(
        name=name,
        description=description,
        input_schema=schema,
        handler=call,
        annotations=ToolAnnotations(readOnlyHint=True) if read_only else None,
    )


def _said(text: str, *, failed: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "is_error": failed}
