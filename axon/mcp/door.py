"""The HTTP door of `axon mcp`: who may come in, from where, and how long they may take."""

import hmac
import socket
from asyncio import Transport
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from axon.errors import AxonError

MOST_CONNECTIONS = 256
PATIENCE_SECONDS = 30.0  # for a whole request to arrive, once or twice as long
CLOSING_SECONDS = 2
BACKLOG = 256
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Door:
    """Looks at every request before anything else does. A browser page of another site fails
    at Host or Origin, a stranger at the key."""

    def __init__(self, app: App, *, key: str, local: bool) -> None:
        self._app = app
        self._key = key.encode("utf-8", "surrogateescape")
        self._local = local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope["headers"]) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(send, *refusal)

    def _refusal(self, headers: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        hosts, origins, words = (
            [value for name, value in headers if name == wanted]
            for wanted in (b"host", b"origin", b"authorization")
        )
        host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""
        if not host or (self._local and host_name(host) not in LOOPBACK):
            return 421, "this server answers to localhost only"
        if any(_authority(origin) != host for origin in origins):
            return 403, "requests from other sites are refused"
        if self._key and not (len(words) == 1 and self._opens(words[0])):
            return 401, "send the key: Authorization: Bearer ..."
        return None

    def _opens(self, word: bytes) -> bool:
        scheme, _, key = word.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(key.strip(), self._key)


def host_name(host: str) -> str:
    """A Host header's name without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _authority(origin: bytes) -> str:
    try:
        return urlsplit(origin.decode("latin-1").lower()).netloc
    except ValueError:
        return ""


async def _refuse(send: Send, status: int, why: str) -> None:
    body = f'{{"error": "axon: {why}"}}'.encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    headers.append((b"content-length", str(len(body)).encode()))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Impatient(H11Protocol):
    """Hangs up on whoever does not finish sending a request, or sends none."""

    _last: object = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def _watch(self) -> None:
        self._timer = self.loop.call_later(PATIENCE_SECONDS, self._look)

    def _look(self) -> None:
        """The same request still on its way as at the last look, or still none."""
        cycle = self.cycle
        waiting = cycle is None or cycle.response_complete or cycle.more_body
        if waiting and self._last == (id(cycle), waiting):
            self.transport.close()
            return
        self._last = (id(cycle), waiting)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)


def bind(host: str, port: int) -> socket.socket:
    """AxonError: the port is taken, or the address is not ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)  # now: whoever reads the address may come at once
    except OSError as error:
        raise AxonError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --http or --sse port"
        ) from None
    return listener


def serve(app: App, listener: socket.socket) -> None:
    """Until a signal comes."""
    config = uvicorn.Config(
        app,
        http=_Impatient,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=CLOSING_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])
