"""All connections there are: they come, are written to as far as they take it, and go."""

import errno
import logging
import selectors
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE

from axon.dashboard.web.answer import Answer, first_lines, refusal
from axon.dashboard.web.connection import Connection, Phase
from axon.dashboard.web.head import Head

log = logging.getLogger(__name__)

CHUNK = 64 << 10
WRITE_SECONDS = 20.0  # and so much more as the rate needs
LEAST_RATE = 50_000  # bytes a second
IDLE_SECONDS = 75.0
LEAVE_SECONDS = 1.0
BUSY = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Wires(ABC):
    """At most `most` connections, together with the number that `elsewhere` tells."""

    def __init__(self, listener: socket.socket, most: int, elsewhere: Callable[[], int]) -> None:
        self._listener, self._most, self._elsewhere = listener, most, elsewhere
        self._selector = selectors.DefaultSelector()
        self._connections: dict[int, Connection] = {}

    @abstractmethod
    def _go_on(self, connection: Connection) -> None:
        """Do what can be done with what has come."""

    # ── coming and going ──

    def _accept(self) -> None:
        for _ in range(256):
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in BUSY:
                    log.warning("no more connections reason=%r", error.strerror)
                    self._make_room()
                return
            sock.setblocking(False)
            with suppress(OSError):  # not a TCP socket, or gone already
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, time.monotonic() + IDLE_SECONDS)
            if len(self._connections) + self._elsewhere() >= self._most:
                self._make_room()
            self._connections[connection.fd] = connection
            self._watch(connection, EVENT_READ)
            if len(self._connections) + self._elsewhere() > self._most:
                busy = refusal(503, "unavailable", "too many connections", retry_after="1")
                self._send(connection, busy, None)

    def _make_room(self) -> None:
        """The connection that has been idle for longest gives way."""
        idle = (c for c in self._connections.values() if c.phase is Phase.IDLE)
        if (oldest := min(idle, key=lambda c: c.deadline, default=None)) is not None:
            self._drop(oldest)

    def _watch(self, connection: Connection, events: int) -> None:
        if events == connection.events:
            return
        if not connection.events:
            self._selector.register(connection.sock, events, connection)
        elif not events:
            self._selector.unregister(connection.sock)
        else:
            self._selector.modify(connection.sock, events, connection)
        connection.events = events

    def _drop(self, connection: Connection) -> None:
        if self._connections.pop(connection.fd, None) is not connection:
            return
        self._watch(connection, 0)
        connection.out = None
        connection.phase = Phase.LEAVING
        connection.sock.close()

    def _sweep(self, now: float) -> None:
        for connection in [c for c in self._connections.values() if c.deadline <= now]:
            if connection.phase in (Phase.HEAD, Phase.BODY):
                late = refusal(408, "bad_request", "the request took too long")
                self._send(connection, late, None)
            else:
                self._drop(connection)

    # ── writing ──

    def _send(self, connection: Connection, answer: Answer, head: Head | None) -> None:
        """`head` None: it was none that could be read."""
        more = bool(connection.buffer) or not connection.eof
        keep = head is not None and head.keep and not answer.close and more
        gzipped = bool(head and head.gzip and answer.pack())
        status, body = answer.status, answer.squeezed if gzipped else answer.body
        bare = status in (204, 304)
        if head is not None and status == 200 and answer.etag and answer.revalidate:
            given = head.headers.get("if-none-match")
            if given and (answer.etag in given or given == "*"):
                status, bare = 304, True
        data = first_lines(status, keep) + answer.head(gzipped=gzipped, bare=bare) + b"\r\n"
        if not bare and (head is None or head.method != "HEAD"):
            data += body
        connection.close = not keep
        connection.work = None
        connection.served += 1
        connection.out = memoryview(data)
        connection.phase = Phase.WRITING
        connection.deadline = time.monotonic() + WRITE_SECONDS + len(data) / LEAST_RATE
        self._flush(connection)

    def _flush(self, connection: Connection) -> None:
        out = connection.out
        if out is None:
            return
        try:
            sent = connection.sock.send(out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(connection)
            return
        if sent < len(out):
            connection.out = out[sent:]
            self._watch(connection, connection.events | EVENT_WRITE)
            return
        connection.out = None
        if connection.close:
            self._leave(connection)
            return
        connection.phase = Phase.IDLE
        connection.deadline = time.monotonic() + IDLE_SECONDS
        events = connection.events
        self._watch(connection, EVENT_READ)
        if events & EVENT_WRITE and connection.buffer:
            self._go_on(connection)

    def _leave(self, connection: Connection) -> None:
        """Closing with bytes unread would take back what was sent last: read them first."""
        connection.phase = Phase.LEAVING
        connection.buffer.clear()
        connection.deadline = time.monotonic() + LEAVE_SECONDS
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
            return
        if connection.eof:
            self._drop(connection)
        else:
            self._watch(connection, EVENT_READ)
