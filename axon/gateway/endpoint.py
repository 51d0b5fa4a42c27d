"""The real model endpoint over HTTP or HTTPS, its connections reused while they are clean."""

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

from axon.errors import EngineError, UsageError
from axon.gateway.heads import Response
from axon.gateway.keys import Keys
from axon.gateway.settings import GatewaySettings
from axon.gateway.wire import (
    ChildGone,
    Cut,
    Hangup,
    Headers,
    NoReply,
    Reply,
    Request,
    passed_on,
    problem,
    whole,
)
from axon.ledger import Session
from axon.security.secrets import Redactor

PIECE = 64 << 10
LARGEST_COPY = 256 << 10
KEPT_CONNECTIONS, KEPT_SECONDS = 16, 30.0
OURS = frozenset({"x-api-key", "authorization", "accept-encoding"})


class Endpoint:
    """Sends requests on with the real credentials."""

    def __init__(self, settings: GatewaySettings, redactor: Redactor) -> None:
        self._settings = settings
        self._keys = Keys(settings.credentials, settings.key_command, redactor)
        self._url = urlsplit(settings.base_url)
        self._proxy = urlsplit(settings.proxy) if settings.proxy else None
        self._context = _context(settings) if self._url.scheme == "https" else None
        self._idle: list[tuple[HTTPConnection, float]] = []
        self._lock = threading.Lock()

    def send(self, request: Request, session: Session, hangup: Hangup) -> Reply:
        """See Upstream. A key that was refused is fetched anew, where it can be."""
        try:
            own = self._keys.headers()
            reply = self._send(request, own, hangup)
            if reply.status == 401 and (other := self._keys.renewed(own)) is not None:
                reply.close()
                reply = self._send(request, other, hangup)
        except EngineError as error:
            return whole(problem(401, "authentication_error", str(error)))
        return reply

    def _send(self, request: Request, own: Headers, hangup: Hangup) -> Reply:
        """A connection that went stale meanwhile costs nothing but a second try."""
        while True:
            kept = self._kept_connection()
            connection = kept or self._new_connection()
            try:
                return self._exchange(connection, request, own, hangup)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if hangup.gone:
                    raise ChildGone from None
                if kept is None or isinstance(error, TimeoutError):
                    raise _no_reply(error) from None

    def close(self) -> None:
        """See Upstream."""
        while (kept := self._kept_connection()) is not None:
            kept.close()

    def _exchange(
        self, connection: HTTPConnection, request: Request, own: Headers, hangup: Hangup
    ) -> Reply:
        sock: socket.socket = connection.sock
        hangup.wakes(partial(_shut, sock))
        sock.settimeout(self._settings.header_seconds)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._put(sock, request, own)  # it may have answered before the end
        response = Response(sock, request.method)
        try:
            response.begin()
        except BaseException:
            response.close()
            raise
        if response.will_close:
            connection.close()  # the answer still holds its socket
        sock.settimeout(self._settings.idle_seconds)
        body = _Body(connection, response, hangup, self._keep)
        return Reply(
            status=response.status,
            headers=response.fields,
            pieces=body.pieces(),
            length=response.length,
            close=body.close,
        )

    def _put(self, sock: socket.socket, request: Request, own: Headers) -> None:
        """The head goes with the body, where copying that costs less than a second packet."""
        lines = [f"{request.method} {self._target(request.target)} HTTP/1.1\r\n"]
        lines.append(f"Host: {self._host}\r\n")
        lines += (f"{name}: {value}\r\n" for name, value in self._headers(request, own))
        head = ("".join(lines) + "\r\n").encode("latin-1")
        if len(request.body) <= LARGEST_COPY:
            sock.sendall(head + request.body)
        else:
            sock.sendall(head)
            sock.sendall(request.body)

    @property
    def _host(self) -> str:
        if self._plain_proxy:
            return self._url.netloc
        host, port = self._url.hostname or "", self._url.port
        name = host if host.isascii() else host.encode("idna").decode()
        named = f"[{name}]" if ":" in name else name
        usual = port in (None, 443 if self._context else 80)
        return named if usual else f"{named}:{port}"

    def _target(self, target: str) -> str:
        target = self._url.path + target
        return f"http://{self._url.netloc}{target}" if self._plain_proxy else target

    def _headers(self, request: Request, own: Headers) -> Headers:
        replaced = OURS | {name.lower() for name, _ in own}
        headers = (*passed_on(request.headers, without=replaced), *own)
        if self._plain_proxy:
            headers += tuple(_proxy_headers(self._proxy).items())
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            headers += (("content-length", str(len(request.body))),)
        return (*headers, ("accept-encoding", "identity"))

    @property
    def _plain_proxy(self) -> bool:
        """A proxy that is told the whole address, instead of one that is tunnelled through."""
        return self._proxy is not None and self._url.scheme == "http"

    def _new_connection(self) -> HTTPConnection:
        host = self._url.hostname or ""
        port = self._url.port or (443 if self._context else 80)
        to, to_port, timeout = host, port, self._settings.connect_seconds
        if self._proxy is not None:
            to, to_port = self._proxy.hostname or "", self._proxy.port or 80
        if self._context is None:
            connection = HTTPConnection(to, to_port, timeout=timeout)
        else:
            connection = HTTPSConnection(to, to_port, timeout=timeout, context=self._context)
            if self._proxy is not None:
                connection.set_tunnel(host, port, _proxy_headers(self._proxy))
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            trusted = not isinstance(error, ssl.SSLCertVerificationError)
            raise NoReply(_said(error), again=trusted) from None
        return connection

    def _kept_connection(self) -> HTTPConnection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection, since = self._idle.pop()
            if time.monotonic() - since < KEPT_SECONDS and _quiet(connection.sock):
                return connection
            connection.close()

    def _keep(self, connection: HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < KEPT_CONNECTIONS:
                self._idle.append((connection, time.monotonic()))
                return
        connection.close()


class _Body:
    """The body of one answer as it comes; gives the connection back when it ended well."""

    def __init__(
        self,
        connection: HTTPConnection,
        response: HTTPResponse,
        hangup: Hangup,
        keep: Callable[[HTTPConnection], None],
    ) -> None:
        self._connection, self._response = connection, response
        self._hangup, self._keep = hangup, keep
        self._open = True

    def pieces(self) -> Iterator[bytes]:
        left = self._response.length
        piece = b""
        try:
            while left is None or left > 0:
                piece = self._response.read1(PIECE if left is None else min(PIECE, left))
                if not piece:
                    break
                left = None if left is None else left - len(piece)
                if left != 0:
                    yield piece
        except (OSError, http.client.HTTPException) as error:
            raise Cut(f"the model endpoint's answer broke off: {_said(error)}") from None
        if left:
            raise Cut("the model endpoint closed the connection in the middle of its answer")
        if not self._response.will_close:  # before the last piece: the child may ask again at once
            self._done()
            self._keep(self._connection)
        if piece:
            yield piece

    def close(self) -> None:
        if self._open:
            self._done()
            self._connection.close()

    def _done(self) -> None:
        self._open = False
        self._hangup.wakes(None)
        self._response.close()


def _context(settings: GatewaySettings) -> ssl.SSLContext:
    path = settings.ca_file
    try:
        context = ssl.create_default_context(cafile=path or None)
        path = settings.extra_ca_file
        if path:
            context.load_verify_locations(path)
    except OSError as error:  # SSLError too
        raise UsageError(f"cannot read certificates from {path}: {error}; correct it") from None
    return context


def _no_reply(error: Exception) -> NoReply:
    """After a silence the endpoint may still be at work: asking again would only add to that."""
    return NoReply(_said(error), again=not isinstance(error, TimeoutError))


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); set SSL_CERT_FILE"
    if isinstance(error, TimeoutError):
        return "nothing came for too long"
    if isinstance(error, http.client.IncompleteRead | http.client.RemoteDisconnected):
        return "it closed the connection"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def _proxy_headers(proxy: SplitResult | None) -> dict[str, str]:
    if proxy is None or not proxy.username:
        return {}
    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(user.encode()).decode()}


def _shut(sock: socket.socket) -> None:
    """Wake whoever reads from `sock`; below TLS, whose state belongs to that thread."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _quiet(sock: socket.socket | None) -> bool:
    """Nothing came since: neither an end nor bytes nobody asked for."""
    if sock is None:
        return False
    sock.settimeout(0)
    try:
        socket.socket.recv(sock, 1, socket.MSG_PEEK)  # below TLS
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
