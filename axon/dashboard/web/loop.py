"""The one thread that reads and answers all connections, and lets none of them hold it up."""

import logging
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE

from axon.dashboard.web.answer import Answer, Refusal, refusal
from axon.dashboard.web.connection import Connection, Phase
from axon.dashboard.web.crew import Crew
from axon.dashboard.web.head import MAX_HEAD, Head, bad, check_start, read_head
from axon.dashboard.web.known import Answers, Heads
from axon.dashboard.web.plan import Site, Stream, Work
from axon.dashboard.web.stream import Broadcaster
from axon.dashboard.web.wires import CHUNK, LEAST_RATE, Wires

log = logging.getLogger(__name__)

HEAD_SECONDS = 10.0  # for a whole head, from its first byte
BODY_SECONDS = 20.0  # and so much more as the rate needs
WORK_SECONDS = 300.0
SWEEP_SECONDS = 0.5
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Loop(Wires):
    """Serves `site` on `listener` until `stop`."""

    def __init__(
        self,
        listener: socket.socket,
        site: Site,
        crew: Crew,
        broadcaster: Broadcaster,
        most: int,
    ) -> None:
        super().__init__(listener, most, lambda: broadcaster.count)
        self._site, self._crew, self._broadcaster = site, crew, broadcaster
        self._room = bytearray(CHUNK)
        self._heads = Heads()
        self._answers = Answers()
        self._done: deque[tuple[list[Connection], Work, int, Answer]] = deque()
        self._ours, self._theirs = socket.socketpair()
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # it will wake anyway, or has ended
            self._theirs.send(b"x")

    def run(self) -> None:
        self._listener.setblocking(False)
        for sock in (self._ours, self._theirs):
            sock.setblocking(False)
        self._selector.register(self._listener, EVENT_READ, self._listener)
        self._selector.register(self._ours, EVENT_READ, self._ours)
        sweep = time.monotonic() + SWEEP_SECONDS
        while not self._stopped.is_set():
            for key, events in self._selector.select(SWEEP_SECONDS):
                self._on(key.data, events)
            if self._done:
                self._deliver()
            if (now := time.monotonic()) >= sweep:
                sweep = now + SWEEP_SECONDS
                self._sweep(now)
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._broadcaster.stop()
        self._selector.close()
        self._ours.close()
        self._theirs.close()

    def _on(self, data: Connection | socket.socket, events: int) -> None:
        if isinstance(data, Connection):
            try:
                if events & EVENT_WRITE:
                    self._flush(data)
                if events & EVENT_READ and data.sock.fileno() >= 0:
                    self._readable(data)
            except Exception:  # a bug: it costs one connection, and is told
                log.exception("connection dropped")
                self._drop(data)
        elif data is self._listener:
            self._accept()
        else:
            with suppress(BlockingIOError):
                data.recv(4096)

    # ── reading ──

    def _readable(self, connection: Connection) -> None:
        try:
            count = connection.sock.recv_into(self._room)
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)
            return
        if connection.phase is Phase.LEAVING:
            if not count:
                self._drop(connection)
            return
        if not count:
            connection.eof = True
            if connection.phase in (Phase.WORKING, Phase.WRITING):
                self._watch(connection, connection.events & ~EVENT_READ)
            else:
                self._drop(connection)
            return
        connection.buffer += memoryview(self._room)[:count]
        if connection.phase in (Phase.WORKING, Phase.WRITING):
            if len(connection.buffer) > CHUNK:  # it must wait for its answers first
                self._watch(connection, connection.events & ~EVENT_READ)
            return
        self._go_on(connection)

    def _go_on(self, connection: Connection) -> None:
        """Do what can be done with what has come."""
        try:
            while connection.buffer and connection.phase <= Phase.BODY:
                if not (
                    self._take_body(connection)
                    if connection.phase is Phase.BODY
                    else self._take_head(connection)
                ):
                    return
        except Refusal as refused:
            self._send(connection, refused.answer, connection.head)

    def _take_head(self, connection: Connection) -> bool:
        """Whether a whole head was there."""
        buffer = connection.buffer
        end = buffer.find(b"\r\n\r\n")
        if connection.phase is Phase.IDLE:
            connection.phase, connection.head = Phase.HEAD, None
            connection.deadline = time.monotonic() + HEAD_SECONDS
        if end < 0 or end > MAX_HEAD:
            check_start(buffer)
            if len(buffer) > MAX_HEAD:
                raise bad("the headers are too large", 431, "too_large")
            return False
        data = bytes(buffer[: end + 4])
        del buffer[: end + 4]
        if known := self._heads.find(data):
            connection.head = known.head
            self._take_work(connection, known.head, known)
            return True
        connection.head = head = read_head(data)
        plan = self._site.plan(head)
        if head.length and not isinstance(plan, Work):
            raise bad("a request for this has no body")
        if isinstance(plan, Answer):
            self._send(connection, plan, head)
        elif isinstance(plan, Stream):
            self._hand_over(connection, plan)
            return False
        else:
            self._heads.keep(data, plan)
            self._take_work(connection, head, plan)
        return True

    def _take_work(self, connection: Connection, head: Head, work: Work) -> None:
        connection.work = work
        if head.length:
            connection.phase = Phase.BODY
            seconds = BODY_SECONDS + head.length / LEAST_RATE
            connection.deadline = time.monotonic() + seconds
            if head.expects and not connection.buffer:
                with suppress(OSError):  # then it does without
                    connection.sock.send(CONTINUE)
            return
        self._begin(connection, work, b"")

    def _take_body(self, connection: Connection) -> bool:
        head, work = connection.head, connection.work
        assert head is not None and work is not None
        if len(connection.buffer) < head.length:
            return False
        body = bytes(connection.buffer[: head.length])
        del connection.buffer[: head.length]
        self._begin(connection, work, body)
        return True

    # ── answering ──

    def _begin(self, connection: Connection, work: Work, body: bytes) -> None:
        """Answer from what is known, or let a thread of the crew find out."""
        pulse = self._site.pulse() if work.key else 0
        if work.key and (found := self._answers.find(work.key, pulse)):
            self._send(connection, found, work.head)
            return
        crowd = self._answers.crowd(work.key, pulse, connection)
        self._wait(connection)
        if crowd is None:
            return

        def done(answer: Answer) -> None:
            self._done.append((crowd, work, pulse, answer))
            self._wake()

        if not self._crew.take(work, body, done):
            self._answers.forget(work.key, pulse)
            self._send(connection, _busy(), work.head)

    def _wait(self, connection: Connection) -> None:
        connection.phase = Phase.WORKING
        connection.deadline = time.monotonic() + WORK_SECONDS

    def _deliver(self) -> None:
        while self._done:
            crowd, work, pulse, answer = self._done.popleft()
            self._answers.keep(work, pulse, answer)
            for connection in crowd:
                if connection.phase is Phase.WORKING:
                    self._send(connection, answer, connection.head)  # each asked in its own way
                    self._go_on(connection)

    def _hand_over(self, connection: Connection, stream: Stream) -> None:
        self._connections.pop(connection.fd)
        self._watch(connection, 0)
        self._broadcaster.join(connection.sock, stream)


def _busy() -> Answer:
    return refusal(503, "unavailable", "too many requests at once", retry_after="1")
