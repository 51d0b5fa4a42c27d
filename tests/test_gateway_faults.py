"""Whatever the upstream does: nobody hammers it, nothing hangs, and the cause is on record."""

import json
import multiprocessing
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.client import IncompleteRead
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from axon.errors import LedgerError
from axon.gateway.listener import Listener
from axon.gateway.server import serve
from axon.gateway.wire import Answer as Sent
from axon.ledger import Ledger, Usage, open_ledger
from tests.drive import wait_for
from tests.gateway_stand import (
    KEY,
    Bench,
    Raw,
    asking_alone,
    bench,
    closed_by_peer,
    fake_model,
    logged,
    request,
)
from tests.test_gateway import SSE_HEAD, chunk, event


def spoiled(**fault: Any) -> dict[str, Any]:
    return {"text": "Done.", "usage": {"input_tokens": 10, "output_tokens": 5}, "fault": fault}


@contextmanager
def against(folder: Path, turn: dict[str, Any], **changes: Any) -> Iterator[tuple[Bench, Path]]:
    with fake_model(folder, [turn]) as (url, log), bench(folder, base_url=url, **changes) as made:
        made.start()
        yield made, log


def canned(status: int, body: Any, *headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} Whatever", "content-type: application/json", *headers]
    return "\r\n".join([*head, f"content-length: {len(data)}", "", ""]).encode() + data


def error(kind: str, message: str = "no", **more: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message, **more}}


def always(data: bytes) -> Raw:
    def talk(sock: socket.socket) -> None:
        while raw.read(sock):
            sock.sendall(data)

    raw = Raw(talk)
    return raw


def silent() -> Raw:
    """An upstream that listens and says nothing until it is hung up on."""

    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        closed_by_peer(sock)

    raw = Raw(talk)
    return raw


# ── nobody's request can succeed ──


def test_a_wrong_key_stops_the_run_at_once_and_is_told_nowhere(tmp_path: Path) -> None:
    echo = canned(401, error("authentication_error", f"invalid x-api-key {KEY}"))
    with always(echo) as raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()

        answer = made.ask()

        assert answer.status == 401
        assert answer.headers["x-should-retry"] == "false"
        assert len(raw.requests) == 1
        run = made.ledger.run(made.run)
        assert run.halt == "auth"
        assert "ANTHROPIC_API_KEY" in run.halt_reason
        assert made.faults() == ["auth"]
        assert made.usage() == (0, 0.0)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert KEY.encode() not in answer.body + kept


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (402, error("billing_error")),
        (400, error("billing_error")),
        (400, error("invalid_request_error", "Your credit balance is too low to access the API")),
        (429, error("rate_limit_error", details={"error_code": "enforced_spend_limit_reached"})),
    ],
)
def test_an_account_without_credit_stops_the_run(
    tmp_path: Path, status: int, body: dict[str, Any]
) -> None:
    with always(canned(status, body)) as raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        answer = made.ask()
        assert (answer.status, answer.headers["x-should-retry"]) == (status, "false")
        assert made.ledger.run(made.run).halt == "quota"
        assert made.faults() == ["quota"]


def test_the_childs_own_mistakes_are_passed_on(tmp_path: Path) -> None:
    body = error("invalid_request_error", "messages: too long")
    sent = canned(400, body, "request-id: r-1")
    with always(sent) as raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        answer = made.ask()
        assert answer.json == body
        assert answer.headers["request-id"] == "r-1"
        assert made.faults() == []
        assert made.ledger.run(made.run).halt == ""


# ── limits ──


@pytest.mark.parametrize("status", [429, 529])
def test_a_short_limit_is_waited_for_by_all(tmp_path: Path, status: int) -> None:
    with against(tmp_path, spoiled(status=status, retry_after=0.6)) as (made, log):
        began = time.monotonic()
        answers: list[int] = []
        first = threading.Thread(target=lambda: answers.append(made.ask().status))
        first.start()
        wait_for(lambda: logged(log))
        other = made.open_session(title="Another task")

        assert made.ask(request("Another task"), token=other).status == 200

        assert time.monotonic() - began > 0.6  # it had not been limited itself, and yet waited
        first.join()
        assert answers == [200]
        assert [entry["status"] for entry in logged(log)][0] == status
        assert len(logged(log)) == 3
        assert made.faults() == []


def test_a_long_limit_pauses_the_team_until_its_end(tmp_path: Path) -> None:
    with against(tmp_path, spoiled(status=429, retry_after=3000)) as (made, log):
        answer = made.ask()
        assert answer.status == 429
        assert answer.headers["x-should-retry"] == "false"
        paused = made.ledger.paused()
        assert paused is not None and paused[1] is not None
        until = paused[1]
        assert paused[0] == "rate limit"
        assert 2900 < until - time.time() < 3010
        (fault,) = made.events("session_fault")
        assert fault["fault"] == "rate_limit"
        assert fault["resets_at"] == pytest.approx(until, abs=1)
        assert len(logged(log)) == 1


def test_a_limit_that_never_ends_is_given_up(tmp_path: Path) -> None:
    turn = spoiled(status=429, retry_after=0.1, times=1000)
    with against(tmp_path, turn, max_hold_seconds=0.5) as (made, log):
        assert made.ask().status == 429
        assert 2 <= len(logged(log)) <= 6
        assert made.ledger.paused() is not None
        assert made.faults() == ["rate_limit"]


def test_overload_that_lasts_is_no_reason_to_pause(tmp_path: Path) -> None:
    turn = spoiled(status=529, retry_after=0.1, times=1000)
    with against(tmp_path, turn, max_hold_seconds=0.3) as (made, _):
        answer = made.ask()
        assert (answer.status, answer.headers["x-should-retry"]) == (529, "false")
        assert made.ledger.paused() is None
        assert made.faults() == ["overloaded"]


def test_a_held_child_that_hangs_up_is_not_asked_for_again(tmp_path: Path) -> None:
    with against(tmp_path, spoiled(status=429, retry_after=1)) as (made, log):
        sock = asking_alone(made, made.gateway.port)
        wait_for(lambda: logged(log))
        sock.close()
        # another one waits for the same limit: by then the first would have been sent
        assert made.ask(request("Another task")).status == 200
        assert len(logged(log)) == 2


# ── failing ──


def test_passing_failures_are_not_noticed(tmp_path: Path) -> None:
    with against(tmp_path, spoiled(status=500, times=3)) as (made, log):
        assert made.ask().status == 200
        assert [entry["status"] for entry in logged(log)] == [500, 500, 500, 200]
        assert made.faults() == []
        assert made.usage()[0] == 15


def test_lasting_failures_are_passed_on_once(tmp_path: Path) -> None:
    with against(tmp_path, spoiled(status=503, times=1000)) as (made, log):
        answer = made.ask()
        assert (answer.status, answer.headers["x-should-retry"]) == (503, "false")
        assert len(logged(log)) == 4
        assert made.faults() == ["overloaded"]


def test_an_upstream_that_hangs_up_is_asked_again(tmp_path: Path) -> None:
    with against(tmp_path, spoiled(refuse=True, times=2)) as (made, log):
        assert made.ask().status == 200
        assert len(logged(log)) == 3


def test_nobody_there_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with bench(tmp_path, base_url=f"http://127.0.0.1:{port}") as made:
        made.start()
        answer = made.ask()
        assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
        assert answer.error == "axon: cannot reach the model endpoint: connection refused"
        assert made.faults() == ["network"]


def test_a_silent_upstream_is_given_up_and_not_asked_twice(tmp_path: Path) -> None:
    raw = silent()
    with raw, bench(tmp_path, base_url=raw.url, header_seconds=0.3) as made:
        made.start()
        answer = made.ask()
        assert answer.status == 502
        assert "nothing came for too long" in answer.error
        assert made.faults() == ["network"]
        assert raw.connections == 1


def test_a_redirect_is_not_followed_with_the_key(tmp_path: Path) -> None:
    there = "location: https://elsewhere.example/"
    with always(canned(307, b"", there)) as raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        answer = made.ask()
        assert answer.status == 502
        assert "redirects to https://elsewhere.example/" in answer.error
        assert "location" not in answer.headers


def test_nonsense_for_an_answer_is_a_network_fault(tmp_path: Path) -> None:
    with always(b"SSH-2.0-OpenSSH_9.6\r\n") as raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        assert made.ask().status == 502
        assert made.faults() == ["network"]


# ── in mid-stream ──


def broken_off(made: Bench) -> bytes:
    """What a child reads of an answer that does not end as it should."""
    with made.asking() as response:
        assert response.status == 200
        with pytest.raises(IncompleteRead) as broken:
            response.read()
    return broken.value.partial


def test_a_cut_stream_is_cut_for_the_child_and_counted(tmp_path: Path) -> None:
    with against(tmp_path, spoiled(cut=True)) as (made, _):
        assert b"message_start" in broken_off(made)
        assert len(made.events("stream_cut")) == 1
        assert made.faults() == []  # the agent will ask again
        assert made.usage()[0] == 11  # what the model had told so far


def test_a_stream_that_falls_silent_is_cut(tmp_path: Path) -> None:
    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        sock.sendall(SSE_HEAD + chunk(event("ping")))
        closed_by_peer(sock)

    raw = Raw(talk)
    with raw, bench(tmp_path, base_url=raw.url, idle_seconds=0.3) as made:
        made.start()
        assert b"ping" in broken_off(made)
        (told,) = made.events("stream_cut")
        assert told["why"].endswith("broke off: nothing came for too long")


def test_a_short_body_is_cut_too(tmp_path: Path) -> None:
    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this")

    raw = Raw(talk)
    with raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        assert broken_off(made) == b"only this"


def test_an_error_told_in_mid_stream_is_on_record(tmp_path: Path) -> None:
    told = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    stream = SSE_HEAD + chunk(told) + b"0\r\n\r\n"
    with always(stream) as raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        assert made.ask().body == told
        assert [event["why"] for event in made.events("stream_cut")] == [
            "the model broke off: overloaded_error"
        ]


def test_broken_and_giant_events_pass_unharmed(tmp_path: Path) -> None:
    start = {"model": "claude-haiku-4-5", "usage": {"input_tokens": 5, "output_tokens": 1}}
    parts = [
        event("message_start", message=start),
        b'event: content_block_delta\ndata: {"usage": \n\n',
        b"data: " + b"x" * (3 << 20) + b"\n\n",
        event("message_delta", usage={"output_tokens": 8}),
        event("message_stop"),
    ]
    stream = SSE_HEAD + b"".join(map(chunk, parts)) + b"0\r\n\r\n"
    with always(stream) as raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        assert made.ask().body == b"".join(parts)
        assert made.usage()[0] == 13


# ── transport ──


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of localhost, trusted by nobody; certificate and key."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret


@contextmanager
def over_tls(certificate: tuple[Path, Path]) -> Iterator[Raw]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def talk(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secure:
            while raw.read(secure):
                secure.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    raw = Raw(talk)
    raw.url = raw.url.replace("http://127.0.0.1", "https://localhost")
    with raw:
        yield raw


def test_https_with_a_certificate_file_of_ones_own(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    trusted = str(certificate[0])
    with over_tls(certificate) as raw, bench(tmp_path, base_url=raw.url, ca_file=trusted) as made:
        made.start()
        assert [made.ask().body for _ in range(3)] == [b"ok"] * 3
        assert raw.connections == 1


def test_an_untrusted_certificate_is_refused_with_advice(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    with over_tls(certificate) as raw, bench(tmp_path, base_url=raw.url) as made:
        made.start()
        answer = made.ask()
        assert answer.status == 502
        assert "set SSL_CERT_FILE" in answer.error
        assert raw.requests == []


def test_https_goes_through_a_proxy_with_a_password(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    """The proxy sees where to, never what."""

    def tunnel(sock: socket.socket) -> None:
        proxy.read(sock)
        target = socket.create_connection(("127.0.0.1", int(raw.url.rpartition(":")[2])))
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=pipe, args=(target, sock), daemon=True)
        back.start()
        pipe(sock, target)
        back.join()
        target.close()

    proxy = Raw(tunnel)
    address = proxy.url.replace("http://", "http://user:pa%3Ass@")
    trusted = str(certificate[0])
    with (
        over_tls(certificate) as raw,
        proxy,
        bench(tmp_path, base_url=raw.url, ca_file=trusted, proxy=address) as made,
    ):
        made.start()
        assert made.ask().body == b"ok"
    assert proxy.requests[0].startswith(b"CONNECT localhost:")
    assert b"proxy-authorization: basic dxnlcjpwytpzcw==" in proxy.requests[0].lower()
    assert len(proxy.requests) == 1 and KEY.encode() not in proxy.requests[0]


def pipe(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


# ── its own process, its own ledger ──


@contextmanager
def process(made: Bench, port: int = 0) -> Iterator[tuple[BaseProcess, Connection, Any]]:
    """The gateway as the coordinator starts it: process, leash, its first word."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    child = context.Process(target=serve, args=(replace(made.settings, port=port), theirs))
    child.start()
    theirs.close()
    try:
        assert ours.poll(30)
        yield child, ours, ours.recv()
    finally:
        ours.close()
        child.join(5)
        child.kill()
        child.join()
        child.close()


def asked(made: Bench, port: int) -> int:
    made.gateway = type("Remote", (), {"port": port, "close": lambda self: None})()
    return made.ask().status


@pytest.mark.parametrize("how", ["word", "closed"])
def test_it_leaves_with_its_leash(tmp_path: Path, how: str) -> None:
    raw = silent()
    with raw, bench(tmp_path, base_url=raw.url) as made, process(made) as (child, leash, port):
        sock = asking_alone(made, port)
        wait_for(lambda: raw.requests)
        leash.send("stop") if how == "word" else leash.close()
        child.join(5)
        assert child.exitcode == 0
        assert closed_by_peer(sock)  # in the middle of a request: its child sees an end
        sock.close()


def test_killed_it_comes_back_on_the_same_port_and_counts_on(tmp_path: Path) -> None:
    turn = {"text": "Done.", "usage": {"input_tokens": 10, "output_tokens": 5}}
    with fake_model(tmp_path, [turn]) as (url, _), bench(tmp_path, base_url=url) as made:
        with process(made) as (child, _, port):
            idle = socket.create_connection(("127.0.0.1", port), 10)
            assert asked(made, port) == 200
            os.kill(child.pid or 0, signal.SIGKILL)
            child.join(5)
            with process(made, port) as (_, _, again):
                assert again == port
                assert asked(made, port) == 200
            idle.close()
        assert made.usage()[0] == 30


def test_what_keeps_it_from_starting_is_said_in_place_of_the_port(tmp_path: Path) -> None:
    with bench(tmp_path) as made, socket.create_server(("127.0.0.1", 0)) as taken:
        with process(made, taken.getsockname()[1]) as (_, _, word):
            assert word == "cannot start: Address already in use"
        made.settings = replace(made.settings, ledger_url="file:/nonexistent/ledger.db")
        with process(made) as (_, _, word):
            assert word.startswith("cannot start: ") and "/nonexistent" in word


class Stubborn:
    """A ledger that for a while takes no usage, as on a full disk."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.full = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def spend(self, usage: Usage) -> None:
        if self.full:
            raise LedgerError("disk full")
        self._ledger.spend(usage)


def test_what_the_ledger_cannot_take_now_is_counted_later(tmp_path: Path) -> None:
    turn = {"text": "Done.", "usage": {"input_tokens": 10, "output_tokens": 5}}
    with fake_model(tmp_path, [turn]) as (url, log), bench(tmp_path, base_url=url) as made:
        opened: list[Stubborn] = []

        def open_books() -> Ledger:
            opened.append(Stubborn(open_ledger(made.settings.ledger_url)))
            return opened[-1]

        made.start(open_books=open_books)
        assert made.ask().status == 200
        refused = made.ask()  # what cannot be counted is not spent
        assert refused.status == 503
        assert "x-should-retry" not in refused.headers
        assert len(logged(log)) == 1
        opened[0].full = False
        wait_for(lambda: made.usage()[0] == 15)
        assert made.ask().status == 200


# ── crowds and dawdlers ──


@contextmanager
def listening(**bounds: Any) -> Iterator[Listener]:
    def handle(_: Any, child: Any) -> None:
        child.answer(Sent(status=200, headers=(), body=b"ok"))

    listener = Listener(0, handle, **bounds)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


def test_a_slow_head_is_hung_up_on_however_busy_it_looks() -> None:
    with listening(header_seconds=0.5) as listener:
        sock = socket.create_connection(("127.0.0.1", listener.port), 10)
        drip(sock, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 90)
        sock.close()


def drip(sock: socket.socket, data: bytes) -> None:
    """One byte at a time; returns when the other side has had enough."""
    began = time.monotonic()
    pause = threading.Event()
    try:
        for byte in data:
            sock.sendall(bytes([byte]))
            pause.wait(0.05)
    except OSError:
        assert time.monotonic() - began < 5
        return
    raise AssertionError("it would have waited for ever")


def test_one_connection_too_many_is_told_to_come_back() -> None:
    with listening(most_connections=3) as listener:
        address = ("127.0.0.1", listener.port)
        ask = b"GET / HTTP/1.1\r\n\r\n"
        held = [socket.create_connection(address, 10) for _ in range(3)]
        for sock in held:
            sock.sendall(ask)
            assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        with socket.create_connection(address, 10) as extra:
            assert extra.recv(100).startswith(b"HTTP/1.1 503 ")
        for sock in held:
            sock.close()
        wait_for(lambda: answered(address, ask))


def answered(address: tuple[str, int], ask: bytes) -> bool:
    with socket.create_connection(address, 10) as sock:
        sock.sendall(ask)
        return sock.recv(100).startswith(b"HTTP/1.1 200 ")


def test_many_at_once_are_all_answered_and_all_counted(tmp_path: Path) -> None:
    turn = {"text": "Done.", "usage": {"input_tokens": 10, "output_tokens": 5}}
    with against(tmp_path, turn) as (made, _):
        statuses: list[int] = []
        ask: Callable[[], None] = lambda: statuses.append(made.ask().status)  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 60
        assert made.usage()[0] == 60 * 15
