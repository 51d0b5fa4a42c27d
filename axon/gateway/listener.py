"""The gateway's door on loopback: HTTP/1.1, a bounded number of connections, sizes and times."""

import contextlib
import io
import logging
import re
import select
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from axon.errors import AxonError
from axon.gateway.heads import fields, request_line
from axon.gateway.wire import (
    Answer,
    ChildGone,
    Cut,
    Hangup,
    Headers,
    Request,
    header,
    problem,
    unfolded,
)

log = logging.getLogger(__name__)

LARGEST_BODY = 64 << 20
MOST_CONNECTIONS = 1024
IDLE_SECONDS = 900.0  # a child's tools may take long between two requests
HEADER_SECONDS, BODY_SECONDS, WRITE_SECONDS = 20.0, 120.0, 120.0

TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-length: 0\r\n\r\n"
)

Handle = Callable[[Request, "Connection"], None]


class Listener(ThreadingMixIn, TCPServer):
    """Accepts connections and gives each a thread; `handle` answers requests."""

    allow_reuse_address = True  # a restarted gateway takes the same port at once
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(
        self,
        port: int,
        handle: Handle,
        *,
        most_connections: int = MOST_CONNECTIONS,
        header_seconds: float = HEADER_SECONDS,
    ) -> None:
        self.handle = handle
        self.header_seconds = header_seconds
        self.watcher = Watcher()
        self._free = threading.BoundedSemaphore(most_connections)
        super().__init__(("127.0.0.1", port), Connection)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        accept = partial(self.serve_forever, poll_interval=0.1)  # how soon it can be shut down
        for name, target in (("watcher", self.watcher.run), ("listener", accept)):
            threading.Thread(target=target, daemon=True, name=name).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.settimeout(1)
                request.sendall(FULL)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread to be had
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is nobody's fault; the rest is a bug."""
        if not isinstance(sys.exception(), OSError):
            log.exception("request failed")


class Connection(BaseHTTPRequestHandler):
    """One connection of a child, and the way back for the answer at hand (see wire.Child)."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener
    hangup: Hangup
    raw_requestline: bytes
    _plain: bool  # how the head at hand is written
    _fields: Headers

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._timed = _TimedReader(self.connection)
        self.rfile = self._reader = io.BufferedReader(self._timed, 64 << 10)
        self._chunked = self._started = self._until_closed = False

    def handle_one_request(self) -> None:
        self.close_connection = True
        self._started = False
        self.hangup = Hangup()
        try:
            self._timed.allow(IDLE_SECONDS)
            if self._reader.peek(1):
                self._timed.allow(self.server.header_seconds)
                super().handle_one_request()
        except OSError:  # too slow, or gone
            self.close_connection = True

    def parse_request(self) -> bool:
        """As inherited, where the head is no plain one."""
        line = request_line(self.raw_requestline)
        found = fields(self._reader.peek()) if line else None
        if line is None or found is None or header(found[0], "expect"):
            self._plain = False
            return super().parse_request()
        self._plain = True
        self._fields, end = found
        self._reader.read(end)
        self.command, self.path = line
        self.request_version = "HTTP/1.1"
        self.close_connection = header(self._fields, "connection").lower() == "close"
        return True

    def _serve(self) -> None:
        """Read one request whole and have it answered."""
        keep = not self.close_connection
        self.close_connection = True  # until an answer was sent whole
        request = self._read()
        if request is None:
            return
        try:
            with self.server.watcher.watching(self.connection, self.hangup):
                self.server.handle(request, self)
            self.close_connection = not keep or self._until_closed
        except AxonError as error:
            if not self._started:
                self.answer(problem(503, "api_error", f"axon: {error}", again=True))
        except (ChildGone, Cut):
            pass  # closing the connection says it all

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _serve

    def _read(self) -> Request | None:
        if not self._plain:
            self._fields = tuple((name, unfolded(value)) for name, value in self.headers.items())
        refusal = self._refusal()
        if refusal is not None:
            self.send_error(*refusal)
            return None
        length = int(header(self._fields, "content-length") or "0")
        self._timed.allow(BODY_SECONDS)
        body = self.rfile.read(length)
        if len(body) < length:
            return None
        return Request(method=self.command, target=self.path, headers=self._fields, body=body)

    def _refusal(self) -> tuple[int, str] | None:
        """Why this head announces nothing that can be answered."""
        lengths = [v for name, v in self._fields if name.lower() == "content-length"] or ["0"]
        if self.request_version == "HTTP/0.9":
            return 505, "speak HTTP/1.1"
        if not self._plain and self._broken():
            return 400, "broken header"
        if header(self._fields, "transfer-encoding"):
            return 411, "send a content-length"
        if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            return 400, "broken content-length"
        if len(lengths[0]) > 12 or int(lengths[0]) > LARGEST_BODY:
            return 413, f"at most {LARGEST_BODY >> 20} MiB"
        if not self.path.startswith("/") or not (self.path.isascii() and self.path.isprintable()):
            return 400, "broken request target"
        return None

    def _broken(self) -> bool:
        return bool(self.headers.defects) or not all(map(TOKEN.fullmatch, self.headers))

    def start(self, status: int, headers: Headers, length: int | None) -> None:
        bodiless = status in (204, 304) or self.command == "HEAD"
        unknown = length is None and not bodiless
        self._chunked = unknown and self.request_version != "HTTP/1.0"
        self._until_closed = unknown and not self._chunked
        lines = [f"{name}: {value}\r\n" for name, value in headers]
        if self._chunked:
            lines.append("transfer-encoding: chunked\r\n")
        elif length is not None and status not in (204, 304):
            lines.append(f"content-length: {length}\r\n")
        self._started = True
        head = f"HTTP/1.1 {status} {_phrase(status)}\r\n{''.join(lines)}\r\n"
        self._send(head.encode("latin-1", "replace"))

    def write(self, piece: bytes) -> None:
        if self.command != "HEAD" and piece:
            self._send(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)

    def end(self) -> None:
        if self._chunked:
            self._send(b"0\r\n\r\n")

    def answer(self, answer: Answer) -> None:
        self.start(answer.status, answer.headers, len(answer.body))
        self.write(answer.body)
        self.end()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is not even a request is answered in the API's own shape, then hung up on."""
        self.close_connection = True
        self.command, self.request_version = self.command or "GET", self.protocol_version
        with contextlib.suppress(ChildGone):
            self.answer(problem(code, "invalid_request_error", f"axon: {message or code}"))

    def _send(self, data: bytes) -> None:
        try:
            if self.connection.gettimeout() != WRITE_SECONDS:  # each change is a call of its own
                self.connection.settimeout(WRITE_SECONDS)
            self.connection.sendall(data)
        except OSError:
            raise ChildGone from None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is inherited
        log.debug(format, *args)


class Watcher:
    """Notices a child's hang-up while its request is being worked on and nothing is read."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select(0.5):
                self._look(key)

    @contextlib.contextmanager
    def watching(self, sock: socket.socket, hangup: Hangup) -> Iterator[None]:
        with self._lock:
            self._selector.register(sock, selectors.EVENT_READ, (sock, hangup))
        try:
            yield
        finally:
            with self._lock, contextlib.suppress(KeyError):
                self._selector.unregister(sock)

    def _look(self, key: selectors.SelectorKey) -> None:
        """Something came: the end of the connection, or a request ahead of its turn."""
        sock, hangup = key.data
        with self._lock:
            if self._selector.get_map().get(key.fd) != key:
                return  # that request has been answered meanwhile
            if not _readable(sock):
                return  # what came was this very request, and has been read meanwhile
            self._selector.unregister(sock)
            try:
                gone = not sock.recv(1, socket.MSG_PEEK)
            except OSError:
                gone = True
        if gone:
            hangup.set()


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a moment that covers all reads together, not each."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._deadline = 0.0

    def allow(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


def _readable(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
