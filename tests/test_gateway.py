"""What a child sends reaches the model unchanged, is counted to the token, and stays in bounds."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drive import wait_for
from tests.gateway_stand import (
    KEY,
    MESSAGES,
    Bench,
    Raw,
    asking_alone,
    bench,
    closed_by_peer,
    fake_model,
    logged,
    request,
)

TURN: dict[str, Any] = {
    "text": "I write it.",
    "tools": [{"name": "Write", "input": {"file_path": "a.txt", "content": "hi\n"}}],
    "usage": {
        "input_tokens": 1000,
        "output_tokens": 200,
        "cache_read_input_tokens": 5000,
        "cache_creation_input_tokens": 300,
    },
}
TURN_USD = (1000 * 3 + 200 * 15 + 5000 * 0.3 + 300 * 3.75) / 1e6
SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[Bench, Path]]:
    """A bench before a fake model that has one turn, and the model's log."""
    with fake_model(tmp_path, [TURN]) as (url, log), bench(tmp_path, base_url=url) as made:
        made.start()
        yield made, log


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def assert_counted(made: Bench, tokens: int, cost_usd: float) -> None:
    counted, cost = made.usage()
    assert counted == tokens
    assert cost == pytest.approx(cost_usd)


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


# ── faithful ──


def test_everything_passes_but_the_credentials(started: tuple[Bench, Path]) -> None:
    made, log = started
    headers = {
        "anthropic-beta": "one,two",
        "X-Claude-Code-Session-Id": "s-1",
        "anthropic-version": "2023-06-01",
        "accept-encoding": "gzip, br",
        "connection": "keep-alive, x-private",
        "x-private": "of this connection only",
    }

    answer = made.ask(headers=headers)

    assert answer.status == 200
    (seen,) = logged(log)
    assert seen["path"] == MESSAGES
    assert seen["headers"]["x-api-key"] == KEY
    assert seen["headers"]["anthropic-beta"] == "one,two"
    assert seen["headers"]["x-claude-code-session-id"] == "s-1"
    assert seen["headers"]["accept-encoding"] == "identity"
    assert "x-private" not in seen["headers"]
    assert made.token not in json.dumps(seen)


def test_bearer_tokens_open_too_and_custom_headers_are_sent(tmp_path: Path) -> None:
    own = (("x-team", "blue"), ("authorization", "Bearer the-real-token"))
    with (
        fake_model(tmp_path, [TURN]) as (url, log),
        bench(tmp_path, base_url=url, credentials=own) as made,
    ):
        made.start()
        made.ask(headers={"authorization": f"Bearer {made.token}"}, token="")
    (seen,) = logged(log)
    assert seen["headers"]["authorization"] == "Bearer the-real-token"
    assert seen["headers"]["x-team"] == "blue"
    assert "x-api-key" not in seen["headers"]


def test_streamed_bytes_arrive_when_they_come(tmp_path: Path) -> None:
    first_seen = threading.Event()

    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        sock.sendall(SSE_HEAD + chunk(b"event: ping\n"))
        first_seen.wait(10)
        sock.sendall(chunk(b"data: {}\n\n") + b"0\r\n\r\n")

    raw = Raw(talk)
    with raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        with made.asking() as response:
            assert response.read1(100) == b"event: ping\n"  # while the upstream still holds back
            first_seen.set()
            assert response.read() == b"data: {}\n\n"


def test_whole_answers_keep_their_length_and_are_counted(started: tuple[Bench, Path]) -> None:
    made, _ = started
    answer = made.ask(request(stream=False))
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.json["usage"]["output_tokens"] == 200
    assert_counted(made, 6500, TURN_USD)


def test_probes_and_counting_pass_and_cost_nothing(started: tuple[Bench, Path]) -> None:
    made, log = started
    assert made.ask(method="HEAD", path="/").status == 200
    assert made.ask(path="/v1/messages/count_tokens?beta=true").json["input_tokens"] > 0
    assert [(entry["method"], entry["path"]) for entry in logged(log)] == [
        ("HEAD", "/"),
        ("POST", "/v1/messages/count_tokens?beta=true"),
    ]
    assert made.usage() == (0, None)


def test_a_path_in_the_base_url_comes_first(tmp_path: Path) -> None:
    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    raw = Raw(talk)
    with raw, bench(tmp_path, base_url=f"{raw.url}/anthropic") as made:
        made.start()
        assert made.ask().status == 204
    assert raw.requests[0].startswith(b"POST /anthropic/v1/messages?beta=true HTTP/1.1\r\n")


def test_thirty_megabytes_go_through_both_ways(tmp_path: Path) -> None:
    large = b"x" * (30 << 20)

    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        head = (
            f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {len(large)}\r\n\r\n"
        )
        sock.sendall(head.encode() + large)

    raw = Raw(talk)
    with raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        assert made.ask(large).body == large
    assert raw.requests[0].endswith(large)


def test_clean_connections_are_used_again_and_stale_ones_never_fail(tmp_path: Path) -> None:
    def twice(sock: socket.socket) -> None:
        for _ in range(2):
            raw.read(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        raw.read(sock)  # and hangs up in the face of the third

    raw = Raw(twice)
    with raw, bench(tmp_path, base_url=raw.url, retry_seconds=()) as made:
        made.start()
        assert [made.ask().status for _ in range(5)] == [200] * 5
        assert raw.connections == 3
        assert made.faults() == []


# ── counted ──


def test_usage_and_cost_are_those_of_the_upstream(started: tuple[Bench, Path]) -> None:
    made, log = started
    answers = [made.ask(), made.ask(request(answers=1)), made.ask(request(answers=7))]
    assert [answer.status for answer in answers] == [200, 200, 200]

    sent = sum(entry["usage"][kind] for entry in logged(log) for kind in TURN["usage"])
    tokens, cost = made.usage()
    assert tokens == sent
    assert cost is not None and cost > TURN_USD


def test_what_the_child_has_seen_the_end_of_is_counted(tmp_path: Path) -> None:
    """The worker adds up as soon as its session ends: the figures must be there by then."""
    held = threading.Event()

    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        start = {"model": "claude-haiku-4-5", "usage": {"input_tokens": 7, "output_tokens": 1}}
        body = event("message_start", message=start)
        body += event("message_delta", delta={}, usage={"output_tokens": 9})
        sock.sendall(SSE_HEAD + chunk(body + event("message_stop")))
        held.wait(10)  # the end of the stream itself is late

    raw = Raw(talk)
    with raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        with made.asking() as response:
            while b"message_stop" not in response.read1(65536):
                pass
            assert_counted(made, 16, (7 + 9 * 5) / 1e6)
            held.set()


def test_unknown_prices_are_unknown(tmp_path: Path) -> None:
    with fake_model(tmp_path, [TURN]) as (url, _), bench(tmp_path, base_url=url) as made:
        made.start()
        made.ask(request() | {"model": "local-model-7b"})
        assert made.usage() == (6500, None)


# ── who may ──


@pytest.mark.parametrize("token", ["", "token-2", "wrong"])
def test_without_an_open_session_there_is_no_way_in(
    started: tuple[Bench, Path], token: str
) -> None:
    made, log = started
    made.ledger.end_session(made.session.id, outcome="finished")
    refused = [made.ask(token=token) for _ in range(3)]
    assert [answer.status for answer in refused] == [401] * 3
    assert refused[0].headers["x-should-retry"] == "false"
    assert refused[0].json["error"]["type"] == "authentication_error"
    assert logged(log) == []
    assert len(made.events("gateway_refused")) == 1


def test_a_token_dies_with_its_session(started: tuple[Bench, Path]) -> None:
    made, _ = started
    assert made.ask().status == 200
    made.ledger.end_session(made.session.id, outcome="finished")
    wait_for(lambda: made.ask().status == 401, 5)


# ── gone children ──


def test_a_child_that_hangs_up_ends_the_request_upstream(tmp_path: Path) -> None:
    ended = threading.Event()

    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        if closed_by_peer(sock):  # no byte was sent: only the hang-up can wake the gateway
            ended.set()

    raw = Raw(talk)
    with raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        sock = asking_alone(made, made.gateway.port)
        wait_for(lambda: raw.requests)
        sock.close()
        assert ended.wait(5)
        assert raw.connections == 1  # nobody asked again for a child that has gone


def test_a_child_gone_in_mid_stream_ends_it_and_is_counted(tmp_path: Path) -> None:
    ended = threading.Event()

    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        start = {"model": "claude-haiku-4-5", "usage": {"input_tokens": 70, "output_tokens": 1}}
        sock.sendall(SSE_HEAD + chunk(event("message_start", message=start)))
        if closed_by_peer(sock):
            ended.set()

    raw = Raw(talk)
    with raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        with made.asking() as response:
            response.read1(100)
        assert ended.wait(5)
        wait_for(lambda: made.usage()[0] == 71)
        assert made.events("stream_cut") == []  # it was not the model's doing


# ── bad peers ──


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 411),
        ("POST /v1/messages HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        ("POST /v1/messages HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        ("POST /v1/messages HTTP/1.1\r\ncontent-length: 99999999999999\r\n\r\n", 413),
        ("POST http://evil.example/ HTTP/1.1\r\ncontent-length: 0\r\n\r\n", 400),
        ("POST /v1/messages HTTP/1.1\r\nbro ken: 1\r\n\r\n", 400),
        ("GET /\r\n\r\n", 505),
        ("BREW / HTTP/1.1\r\n\r\n", 501),
        ("nonsense\r\n\r\n", 400),
        ("GET /" + "x" * 70_000 + " HTTP/1.1\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\n" + "a: b\r\n" * 200 + "\r\n", 431),
    ],
)
def test_broken_requests_are_refused_and_hung_up_on(
    started: tuple[Bench, Path], head: str, status: int
) -> None:
    made, _ = started
    with socket.create_connection(("127.0.0.1", made.gateway.port), 10) as sock:
        sock.sendall(head.encode())
        seen = b""
        while piece := sock.recv(65536):
            seen += piece
    assert seen.startswith(f"HTTP/1.1 {status} ".encode())
    assert b'"type": "error"' in seen


def test_requests_follow_each_other_on_one_connection(started: tuple[Bench, Path]) -> None:
    made, _ = started
    one = f"HEAD / HTTP/1.1\r\nx-api-key: {made.token}\r\n\r\n".encode()
    last = one.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nconnection: close\r\n")
    with socket.create_connection(("127.0.0.1", made.gateway.port), 10) as sock:
        sock.sendall(one + one + last)  # even ahead of their turn
        seen = b""
        while piece := sock.recv(65536):
            seen += piece
    assert seen.count(b"HTTP/1.1 200 ") == 3
