"""Talk to another MCP server in an agent's place: its tools, and the calls of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from axon.errors import AxonError
from axon.mcp.spec import Server

if TYPE_CHECKING:
    from mcp import Client

log = logging.getLogger(__name__)

START_SECONDS = 15.0
CALL_SECONDS = 600.0
CLOSE_SECONDS = 8.0
MOST_TOOLS = 200


class ServerFailed(AxonError):
    """The server does not work; nothing of it is offered."""

    code = "mcp_server"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTool:
    """One tool of another server; `call` answers content and is_error as MCP has them."""

    name: str
    description: str
    schema: dict[str, Any]
    read_only: bool
    call: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(slots=True)
class Connection:
    """One server at work, from `open` to `close`, kept by a task of its own.

    What a program prints on stderr goes to `stderr`, which must be a real file. Programs start
    in /: what an agent has put into its workspace must not become part of them.
    """

    server: Server
    stderr: TextIO
    seconds: float = START_SECONDS
    tools: list[RemoteTool] = field(default_factory=list, init=False)
    _client: "Client | None" = field(default=None, init=False)
    _keeper: asyncio.Task[None] | None = field(default=None, init=False)
    _leave: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def open(self) -> None:
        """ServerFailed names the server and the reason."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(ready))
        try:
            async with asyncio.timeout(self.seconds):
                await asyncio.shield(ready)
        except TimeoutError:
            await self.close()
            raise self._failed(f"no answer within {self.seconds:g} seconds") from None
        except Exception as error:
            await self.close()
            raise self._failed(reason_of(error)) from None

    async def close(self) -> None:
        """Never raises; a program that does not leave by itself is ended."""
        self._leave.set()
        if self._keeper is None:
            return
        _, late = await asyncio.wait([self._keeper], timeout=CLOSE_SECONDS if self._client else 0.1)
        for task in late:
            task.cancel()
            await asyncio.wait([task], timeout=CLOSE_SECONDS)
        self._client = None

    async def _keep(self, ready: asyncio.Future[None]) -> None:
        """Enter and leave what the client needs in one task, as its cancel scopes demand."""
        try:
            async with AsyncExitStack() as stack:
                self._client = await stack.enter_async_context(self._connected(stack))
                self.tools = await self._listed(self._client)
                ready.set_result(None)
                await self._leave.wait()
        except Exception as error:
            if ready.done():
                log.warning("mcp server left name=%s reason=%r", self.server.name, str(error))
            else:
                ready.set_exception(error)
                ready.exception()  # it may be looked at by nobody: the wait can be over

    def _connected(self, stack: AsyncExitStack) -> "Client":
        import httpx2
        from mcp import Client, StdioServerParameters, stdio_client
        from mcp.client.streamable_http import streamable_http_client

        server = self.server
        if server.url:
            timeout = httpx2.Timeout(START_SECONDS, read=CALL_SECONDS)
            http = httpx2.AsyncClient(headers=server.headers, timeout=timeout)
            stack.push_async_callback(http.aclose)
            return Client(streamable_http_client(server.url, http_client=http))
        program = StdioServerParameters(
            command=server.command, args=list(server.args), env=server.env, cwd="/"
        )
        return Client(stdio_client(program, errlog=self.stderr))

    async def _listed(self, client: "Client") -> list[RemoteTool]:
        found: list[RemoteTool] = []
        cursor: str | None = None
        while len(found) < MOST_TOOLS:
            page = await client.list_tools(cursor=cursor)
            found += [self._tool(tool) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
        return found[:MOST_TOOLS]

    def _tool(self, tool: Any) -> RemoteTool:
        async def call(arguments: dict[str, Any]) -> dict[str, Any]:
            return await self._call(tool.name, arguments)

        return RemoteTool(
            name=tool.name,
            description=tool.description or "",
            schema={"type": "object", "properties": {}, **tool.input_schema},
            read_only=bool(tool.annotations and tool.annotations.read_only_hint),
            call=call,
        )

    async def _call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if self._client is None or self._keeper is None or self._keeper.done():
            raise self._failed("it has ended")
        try:
            result = await self._client.call_tool(
                name, arguments, read_timeout_seconds=CALL_SECONDS
            )
        except Exception as error:  # whatever the client meets, the model is told
            raise self._failed(reason_of(error)) from None
        content = [
            b.model_dump(mode="json", by_alias=True, exclude_none=True) for b in result.content
        ]
        return {"content": content, "is_error": result.is_error}

    def _failed(self, reason: str) -> ServerFailed:
        """Without what may be secret: a model and a terminal get to see it."""
        for value in (self.server.url, *self.server.headers.values()):
            reason = reason.replace(value, "***") if value else reason
        return ServerFailed(f"MCP server {self.server.name}: {reason}")


def reason_of(error: BaseException) -> str:
    """The innermost cause in one line; groups are what task groups make of it."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    said = " ".join(str(error).split())
    return said[:300] or type(error).__name__


async def close_all(connections: list[Connection]) -> None:
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*(connection.close() for connection in connections))
