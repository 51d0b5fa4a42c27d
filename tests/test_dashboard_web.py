"""The loop, the crew and their bounds, with a site of the test's own behind a real socket."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from axon.dashboard.web import wires
from axon.dashboard.web.answer import Answer, Refusal, data_answer
from axon.dashboard.web.body import read_body
from axon.dashboard.web.crew import Crew
from axon.dashboard.web.head import Head, read_head
from axon.dashboard.web.loop import Loop
from axon.dashboard.web.plan import Stream, Work
from axon.dashboard.web.stream import Broadcaster, Told
from axon.errors import LedgerError
from tests.drive import wait_for
from tests.visitor import Heard, everything, responses

NOISES = 2_000_000 if os.environ.get("AXON_STORM") else 20_000  # make storm


class NoFeed:
    """Nothing ever happens."""

    def pulse(self) -> int:
        return 1

    def last_seq(self) -> int:
        return 0

    def events(self, after: int, limit: int) -> list[Told]:
        return []

    def team(self) -> bytes:
        return b""


@dataclass
class TestSite:
    """`/plain`, and work: /slow waits until `go`, /same is asked once for all, /bug fails."""

    __test__ = False
    go: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    version: int = 1

    def pulse(self) -> int:
        return self.version

    def plan(self, head: Head) -> Answer | Work | Stream:
        if head.path == "/plain":
            return Answer(body=b"x" * 100_000, kind="text/plain")
        if head.path == "/events":
            return Stream()
        key = (head.target,) if head.path == "/same" else ()
        return Work(head=head, run=lambda desk, body: self.work(head, body), key=key, fresh=5)

    def work(self, head: Head, body: bytes) -> Answer:
        self.asked.append(head.path)
        match head.path:
            case "/slow" | "/same":
                self.go.wait(10)
            case "/bug":
                raise ZeroDivisionError("secret detail")
            case "/ledger":
                raise LedgerError("no space left; free some")
        return data_answer({"path": head.path, "bytes": len(body), "version": self.version})


@dataclass
class Server:
    site: TestSite
    loop: Loop
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def ask(self, path: str, more: str = "Connection: close\r\n") -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()

    def get(self, path: str) -> Heard:
        with self.connect() as sock:
            sock.sendall(self.ask(path))
            (heard,) = responses(everything(sock))
        return heard


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with contextlib.ExitStack() as stack:

        def start(most: int = 100, threads: int = 4) -> Server:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
            site, broadcaster = TestSite(), Broadcaster(NoFeed)
            loop = Loop(listener, site, Crew(lambda: object(), threads), broadcaster, most)
            broadcaster.start()
            thread = threading.Thread(target=loop.run, daemon=True)
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(loop.stop)
            stack.callback(site.go.set)
            return Server(site, loop, listener.getsockname()[1])

        yield start


def test_the_one_that_is_idle_for_longest_makes_room(serve: Serve) -> None:
    server = serve(most=10)
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(server.connect()) for _ in range(10)]
        for sock in socks[1:]:
            sock.sendall(server.ask("/plain", ""))
            heard = b""
            while heard.count(b"x") < 100_000:  # the whole answer: its end looks like its middle
                heard += sock.recv(1 << 20)
        assert server.get("/plain").status == 200
        assert socks[0].recv(10) == b""  # it never asked for anything
        socks[1].sendall(server.ask("/plain", ""))
        assert socks[1].recv(10) == b"HTTP/1.1 2"


def test_when_all_are_busy_a_newcomer_is_told(serve: Serve) -> None:
    server = serve(most=5)
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            sock = stack.enter_context(server.connect())
            sock.sendall(server.ask("/slow"))
        wait_for(lambda: len(server.site.asked) == 4)
        late = server.get("/plain")
        assert late.status == 503 and late.headers["retry-after"] == "1"
        server.site.go.set()
    wait_for(lambda: server.get("/plain").status == 200)


def test_slow_work_keeps_only_its_own_asker_waiting(serve: Serve) -> None:
    server = serve(threads=2)
    with server.connect() as slow:
        slow.sendall(server.ask("/slow"))
        began = time.monotonic()
        assert server.get("/quick").status == 200 and server.get("/plain").status == 200
        assert time.monotonic() - began < 5
        server.site.go.set()
        assert responses(everything(slow))[0].json()["path"] == "/slow"


def test_who_asks_the_same_at_once_is_answered_together(serve: Serve) -> None:
    server = serve()
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(server.connect()) for _ in range(20)]
        for sock in socks:
            sock.sendall(server.ask("/same"))
        wait_for(lambda: server.site.asked)
        server.site.go.set()
        heard = [responses(everything(sock))[0] for sock in socks]
    assert {one.status for one in heard} == {200} and server.site.asked == ["/same"]
    assert server.get("/same").json()["version"] == 1 and server.site.asked == ["/same"]
    server.site.version = 2  # something was written
    assert server.get("/same").json()["version"] == 2
    assert server.site.asked == ["/same"] * 2


def test_each_of_a_crowd_is_answered_in_its_own_way(serve: Serve) -> None:
    server = serve()
    with contextlib.ExitStack() as stack:
        head, kept, plain = (stack.enter_context(server.connect()) for _ in range(3))
        head.sendall(server.ask("/same").replace(b"GET", b"HEAD"))
        wait_for(lambda: server.site.asked)
        kept.sendall(server.ask("/same", "If-None-Match: *\r\n"))
        plain.sendall(server.ask("/same"))
        time_to_arrive = server.get("/quick")
        assert time_to_arrive.status == 200
        server.site.go.set()
        assert everything(head).endswith(b"\r\n\r\n")
        assert responses(everything(plain))[0].json()["path"] == "/same"
        assert kept.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        kept.sendall(server.ask("/plain"))  # it may stay
        assert responses(everything(kept))[0].status == 200


def test_who_asks_twice_and_hangs_up_hears_both_answers(serve: Serve) -> None:
    server = serve()
    with server.connect() as sock:
        sock.sendall(server.ask("/slow", "") + server.ask("/quick", ""))
        sock.shutdown(socket.SHUT_WR)
        wait_for(lambda: server.site.asked)
        assert server.get("/other").status == 200
        server.site.go.set()
        heard = responses(everything(sock))
    assert [one.json()["path"] for one in heard] == ["/slow", "/quick"]


def test_who_leaves_while_it_is_worked_on_costs_nothing(serve: Serve) -> None:
    server = serve(threads=1)
    for _ in range(5):
        with server.connect() as sock:
            sock.sendall(server.ask("/slow"))
    server.site.go.set()
    assert server.get("/after").json()["path"] == "/after"


def test_a_bug_is_told_without_its_details(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    server = serve()
    heard = server.get("/bug")
    assert heard.status == 500 and heard.code == "bug" and b"secret" not in heard.body
    assert "ZeroDivisionError" in caplog.text
    away = server.get("/ledger")
    assert (away.status, away.code) == (503, "unavailable")
    assert away.json()["error"]["message"] == "no space left; free some"


def test_a_reader_that_never_reads_is_let_go(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "WRITE_SECONDS", 0.2)
    monkeypatch.setattr(wires, "LEAST_RATE", 1 << 30)
    server = serve()
    with server.connect() as sock:
        with contextlib.suppress(BlockingIOError, TimeoutError):
            sock.setblocking(False)
            for _ in range(200):  # 20 MB of answers
                sock.sendall(server.ask("/plain", ""))
        wait_for(lambda: not server.loop._connections)
    assert server.get("/plain").status == 200


def test_streams_count_as_connections(serve: Serve) -> None:
    server = serve(most=3)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            sock = stack.enter_context(server.connect())
            sock.sendall(server.ask("/events", ""))
            assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert server.get("/plain").status == 503
    wait_for(lambda: server.get("/plain").status == 200)


@pytest.mark.parametrize(
    ("coding", "gzip"),
    [
        ("gzip", True), ("GZIP, br", True), ("br;q=1.0, gzip;q=0.8", True), ("gzip;q=0", False),
        ("gzip;q=0.0", False), ("identity", False), ("", False), ("x-gzip", False), ("*", False),
        ("gzip ; q = 0", False), ("deflate, gzip;q=0, br", False), ("gzip;q=0.001", True),
    ],
)  # fmt: skip
def test_gzip_is_for_those_who_take_it(coding: str, gzip: bool) -> None:
    head = read_head(f"GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {coding}\r\n\r\n".encode())
    assert head.gzip is gzip


@pytest.mark.timeout(3000)
def test_heads_and_bodies_of_noise_raise_nothing_but_refusals() -> None:
    import random

    rng = random.Random(3)
    good = b"POST /api/issues?q=%41 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nA: b, c\r\n\r\n"
    text = b'{"a": [1, 2.5e3, {"b": "c\\u00e9\\n"}], "d": null, "e": true}'
    for read, sample in ((read_head, good), (read_body, text)):
        taken: list[Any] = []
        for _ in range(NOISES):
            noise = bytearray(sample)
            for _ in range(rng.randrange(1, 4)):
                place = rng.randrange(len(noise))
                match rng.randrange(3):
                    case 0:
                        noise[place] = rng.randrange(256)
                    case 1:
                        del noise[place]
                    case _:
                        noise.insert(place, rng.choice(b'\r\n\0 :"\\{}[]%/.'))
            with contextlib.suppress(Refusal):
                taken.append(read(bytes(noise)))
        assert taken
