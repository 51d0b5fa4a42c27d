"""The ledger as an MCP server, by the official package: it speaks every revision clients speak.

Importing this needs the engine's packages on the path: see axon.engines.vendor.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from axon import __version__
from axon.errors import AxonError
from axon.ledger import Ledger
from axon.mcp.answers import Caller
from axon.mcp.tools import TOOLS, call
from axon.tasks.text import clean, shortened

log = logging.getLogger(__name__)

MOST_SESSIONS = 256
LARGEST_BODY = 16 << 20  # a task's text of 4 MiB, escaped
IDLE_SECONDS = 1800.0
INSTRUCTIONS = (
    "The task ledger of a project that axon works on. Issues move Todo, In Progress, Review, "
    "Done; Task_ListWorkflowStates shows all ways. Agents of axon may claim Todo issues at any "
    "time: take one with Task_TransitionIssueState before you work on it."
)


class Desk:
    """The ledger in a thread of its own: a connection belongs to the thread that opened it."""

    def __init__(
        self,
        open_ledger: Callable[[], Ledger],
        team: str,
        *,
        stale_hours: float = 2.0,
        recordings: Path | None = None,
    ) -> None:
        self._team, self._stale_hours, self._recordings = team, stale_hours, recordings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._ledger = self._thread.submit(open_ledger).result()

    async def ask(self, actor: str, name: str, arguments: dict[str, Any]) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, call, self._caller(actor), name, arguments)

    def _caller(self, actor: str) -> Caller:
        return Caller(
            ledger=self._ledger,
            actor=actor,
            team=self._team,
            stale_hours=self._stale_hours,
            recordings=self._recordings,
        )

    def close(self) -> None:
        self._thread.submit(self._ledger.close)
        self._thread.shutdown()


def make_server(desk: Desk) -> Server[Any]:
    """The protocol's side of the Task_* tools."""

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=_tools())

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        try:
            said = await desk.ask(_actor(context), params.name, params.arguments or {})
        except AxonError as error:
            log.info("refused tool=%s reason=%r", params.name, str(error))
            return _result(str(error), is_error=True)
        except Exception:
            log.exception("tool failed tool=%s", params.name)
            return _result("axon failed at this; its log says why", is_error=True)
        return _result(said)

    return Server(
        "axon",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _result(text: str, *, is_error: bool = False) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], is_error=is_error
    )


def _tools() -> list[types.Tool]:
    return [
        types.Tool(
            name=tool.name,
            description=tool.description,
            input_schema=tool.schema,
            annotations=types.ToolAnnotations(
                read_only_hint=tool.reads, destructive_hint=False, open_world_hint=False
            ),
        )
        for tool in TOOLS
    ]


def _actor(context: ServerRequestContext[Any]) -> str:
    """Whom the ledger names for it: the client by its own word, which proves nothing."""
    client = context.session.client_params
    name = " ".join(clean(client.client_info.name).split()) if client else ""
    return f"mcp:{shortened(name, 60)}" if name else "mcp"


# ── transports ──


def serve_stdio(desk: Desk) -> None:
    """Until the client closes our stdin."""
    server = make_server(desk)

    async def serve() -> None:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(serve)


def http_app(desk: Desk, *, json_response: bool = True) -> Starlette:
    """Streamable HTTP at /mcp. No tool of ours has news to tell before its answer, so that comes
    as a whole; as an event stream for those who want that."""
    manager = StreamableHTTPSessionManager(
        app=make_server(desk),
        json_response=json_response,
        session_idle_timeout=IDLE_SECONDS,
        max_request_body_size=LARGEST_BODY,
        max_sessions=MOST_SESSIONS,
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    return Starlette(
        routes=[Route("/mcp", endpoint=StreamableHTTPASGIApp(manager))], lifespan=lifespan
    )


def sse_app(desk: Desk) -> Starlette:
    """The older HTTP+SSE: a stream at /sse, messages to /messages/."""
    server = make_server(desk)
    transport = SseServerTransport("/messages/", max_request_body_size=LARGEST_BODY)

    async def stream(request: Request) -> Response:
        connection = transport.connect_sse(request.scope, request.receive, request._send)
        async with connection as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
        return Response()

    return Starlette(
        routes=[
            Route("/sse", endpoint=stream, methods=["GET"]),
            Mount("/messages/", app=transport.handle_post_message),
        ]
    )
