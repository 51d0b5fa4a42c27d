"""The stream of events: nothing is missed, nothing comes twice, whatever happens in between."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from axon.ledger import Ledger, open_ledger
from axon.tasks import Draft
from tests.drive import Axon, wait_for
from tests.visitor import Visitor, everything, prepare, start

KILLS = 60 if os.environ.get("AXON_STORM") else 2  # make storm


@dataclass
class Watcher:
    """One who watches, as EventSource does: it comes back behind what it has seen last."""

    server: Visitor
    query: str = ""
    ids: list[int] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    others: list[tuple[str, Any]] = field(default_factory=list)
    _sock: socket.socket | None = None
    _rest: bytes = b""

    def connect(self, after: int | None = None) -> "Watcher":
        self.close()
        seen = self.ids[-1] if self.ids else after
        last = "" if seen is None else f"Last-Event-ID: {seen}\r\n"
        self._sock, self._rest = self.server.connect(), b""
        self._sock.sendall(
            f"GET /api/events{self.query} HTTP/1.1\r\nHost: {self.server.host}\r\n"
            f"Authorization: Bearer {self.server.token}\r\n{last}\r\n".encode()
        )
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._sock.recv(4096)
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert b"text/event-stream" in head and b"no-store" in head
        self._hear(b"")
        return self

    def read(self, seconds: float = 0.5) -> bool:
        """Take in what comes within the time; False once the server has hung up."""
        assert self._sock is not None
        self._sock.settimeout(seconds)
        try:
            piece = self._sock.recv(1 << 18)
        except TimeoutError:
            return True
        except OSError:
            return False
        self._hear(piece)
        return bool(piece)

    def _hear(self, piece: bytes) -> None:
        *messages, self._rest = (self._rest + piece).split(b"\n\n")
        for message in messages:
            self._take(message.decode())

    def _take(self, message: str) -> None:
        fields = dict(line.split(": ", 1) for line in message.split("\n") if ": " in line)
        if "data" not in fields:
            return
        data = json.loads(fields["data"])
        if fields["event"] == "event":
            self.ids.append(int(fields["id"]))
            self.events.append(data)
        else:
            assert "id" not in fields
            self.others.append((fields["event"], data))

    def until(self, seq: int, seconds: float = 15) -> "Watcher":
        ends = time.monotonic() + seconds
        while not self.ids or self.ids[-1] < seq:
            assert time.monotonic() < ends, (self.ids[-5:], seq)
            assert self.read(0.2), "hung up"
        return self

    def close(self) -> None:
        if self._sock:
            self._sock.close()


Watch = Callable[..., Watcher]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Watchers that are gone when the test is."""
    watchers: list[Watcher] = []

    def made(server: Visitor, query: str = "") -> Watcher:
        watchers.append(Watcher(server, query=query))
        return watchers[-1]

    yield made
    for watcher in watchers:
        watcher.close()


@pytest.fixture
def project(axon: Axon) -> Axon:
    prepare(axon)
    return axon


@pytest.fixture
def ledger(project: Axon) -> Iterator[Ledger]:
    found = open_ledger(f"file:{project.root / '.axon' / 'ledger.db'}")
    yield found
    found.close()


def tell(ledger: Ledger, count: int) -> int:
    """So many events, in one transaction; the number of the last."""
    ledger.add([Draft(title=f"Told {n}") for n in range(count)], actor="tester")
    return ledger.last_seq()


def test_what_happens_is_told_as_it_happens(project: Axon, ledger: Ledger, watch: Watch) -> None:
    server = start(project)
    watcher = watch(server).connect()
    wait_for(lambda: watcher.others or (watcher.read() and watcher.others))
    assert watcher.others[0] == ("hello", {"seq": ledger.last_seq()})
    last = tell(ledger, 3)
    watcher.until(last)
    assert watcher.ids == [last - 2, last - 1, last]
    assert watcher.events[0]["action"] == "add" and watcher.events[0]["identifier"] == "ENG-4"
    ledger.pause("lunch")
    wait_for(lambda: watcher.read() and [d for name, d in watcher.others if d.get("paused")])
    team = [data for name, data in watcher.others if name == "team"]
    assert team[-1]["paused"]["reason"] == "lunch" and len(team) <= 4
    watcher.close()


def test_who_comes_back_misses_nothing_and_hears_nothing_twice(
    project: Axon, ledger: Ledger, watch: Watch
) -> None:
    server = start(project)
    whole = watch(server).connect(after=0)
    last = tell(ledger, 1200)  # more than a page
    whole.until(last)
    assert whole.ids == list(range(1, last + 1))
    coming = watch(server, query="?after=7").connect()
    coming.until(50)
    coming.close()
    later = tell(ledger, 40)
    coming.query = ""
    coming.connect().until(later)
    assert coming.ids == list(range(8, later + 1))
    future = watch(server).connect(after=10**12)  # of another ledger, it seems
    wait_for(lambda: future.others or (future.read() and future.others))
    assert future.others[0] == ("hello", {"seq": later})
    only = watch(server, query="?identifier=ENG-2").connect(after=0)
    named = watch(server, query="?run=run-9").connect(after=0)
    ledger.comment("ENG-2", "here")
    ledger.record("progress", actor="tester", run="run-9")
    only.until(later + 1)
    named.until(later + 2)
    assert {event["identifier"] for event in only.events} == {"ENG-2"} and len(only.ids) == 2
    assert named.ids == [later + 2]


def test_after_a_while_without_watchers_the_first_one_sees_what_is_now(
    project: Axon, ledger: Ledger, watch: Watch
) -> None:
    server = start(project)
    first = watch(server).connect()
    wait_for(lambda: len(first.others) > 1 or (first.read() and len(first.others) > 1))
    first.close()
    last = tell(ledger, 700)
    ledger.pause("lunch")
    second = watch(server).connect()
    wait_for(lambda: len(second.others) > 1 or (second.read() and len(second.others) > 1))
    (hello, said), (team, view) = second.others[:2]
    assert (hello, said, team) == ("hello", {"seq": last + 1}, "team")
    assert view["counts"]["todo"] == 703 and view["paused"]["reason"] == "lunch"
    second.until(tell(ledger, 1))
    assert len(second.ids) == 1


def test_a_killed_server_loses_no_event_and_tells_none_twice(
    project: Axon, ledger: Ledger, watch: Watch
) -> None:
    stop = threading.Event()

    def write() -> None:
        with_own = open_ledger(f"file:{project.root / '.axon' / 'ledger.db'}")
        while not stop.is_set():
            with_own.record("progress", actor="tester", identifier="ENG-1", why="x" * 200)
            stop.wait(0.002)
        with_own.close()

    first = start(project)
    watchers = [watch(first).connect(after=0) for _ in range(5)]
    writer = threading.Thread(target=write)
    writer.start()
    try:
        server = first
        for _ in range(KILLS):
            for watcher in watchers:
                watcher.until(ledger.last_seq())
            assert server.process is not None
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            for watcher in watchers:
                while watcher.read(5):
                    pass
            server = start(project)
            for watcher in watchers:
                watcher.server = server
                watcher.connect()
    finally:
        stop.set()
        writer.join()
    last = ledger.last_seq()
    for watcher in watchers:
        watcher.until(last)
        assert watcher.ids == list(range(1, last + 1))


HOSTILE = [
    "a\n\nevent: team\ndata: {}\n\n",
    "a\r\nid: 5\r\n\r\n",
    "<script>alert(1)</script> \x1b[2J\x1b]8;;http://evil.example\x07x\x1b]8;;\x07",
    "\u2028\u2029\u0085\x0b\x0c",
    "data: x",
    "\ud800 half",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_agents_say_cannot_break_the_stream(
    project: Axon, ledger: Ledger, watch: Watch, text: str
) -> None:
    server = start(project)
    watcher = watch(server).connect()
    ledger.record("progress", actor="agent", identifier="ENG-1", why=text, data={"text": text})
    last = tell(ledger, 1)
    watcher.until(last)
    assert watcher.ids == [last - 1, last]
    assert watcher.events[0]["actor"] == "agent"
    assert [name for name, _ in watcher.others if name == "team"] == ["team"]


def test_a_slow_reader_is_let_go_and_keeps_nobody_waiting(
    project: Axon, ledger: Ledger, watch: Watch
) -> None:
    server = start(project)
    quick = watch(server).connect()
    slow = server.connect()
    slow.sendall(
        f"GET /api/events HTTP/1.1\r\nHost: {server.host}\r\n"
        f"Authorization: Bearer {server.token}\r\n\r\n".encode()
    )
    wait_for(lambda: quick.others or (quick.read() and quick.others))
    last = 0
    for _ in range(15):  # far more than the kernel and we keep for one reader
        last = tell(ledger, 400)
        quick.until(last)
    assert quick.ids == list(range(quick.ids[0], last + 1))
    with slow:
        heard = everything(slow)  # what it was sent before it was let go
    assert b"id: " in heard and f"id: {last}\n".encode() not in heard


def test_a_refused_stream_is_no_stream(project: Axon) -> None:
    server = start(project)
    for value in ("x", "-1", "1e3", "9" * 40, "1, 2"):
        heard = server.ask("GET", "/api/events", Last_Event_ID=value)
        assert heard.status == 400 and heard.code == "bad_request"
    assert server.ask("GET", "/api/events?after=x").status == 400
