"""The client of task servers against servers that are slow, broken, hostile, or just different."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from axon.errors import LedgerError
from axon.ledger import open_ledger
from axon.ledger.task_mcp import client as task_client
from axon.ledger.task_mcp import wire as task_wire
from axon.ledger.task_mcp.client import McpClient, said
from axon.ledger.task_mcp.faults import Refusal, Unreachable
from axon.ledger.task_mcp.issues import issue_of, issues_of, name_for, state_of
from axon.ledger.task_mcp.wire import Wire
from axon.tasks import Priority, State

KEY = "k-0123456789-secret"
Reply = Callable[[dict[str, Any]], bytes]


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def result(request: dict[str, Any], answer: dict[str, Any], *headers: str) -> bytes:
    document = {"jsonrpc": "2.0", "id": request.get("id"), "result": answer}
    return http(200, json.dumps(document).encode(), "Content-Type: application/json", *headers)


def text(words: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": json.dumps(words)}]}


class Odd:
    """Answers each request of a client with the next of its replies; greets by itself."""

    def __init__(self) -> None:
        self.replies: list[bytes | Reply | None] = []  # None: hang up
        self.heads: list[str] = []
        self.methods: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reading, suppress(OSError):
            while request := self._read(reading):
                reply = self._reply(request)
                if reply is None:
                    return
                connection.sendall(reply)
                if b"\nConnection: close" in reply or b"Content-Length" not in reply:
                    return

    def _read(self, reading: Any) -> dict[str, Any]:
        head = b""
        while (line := reading.readline()) not in (b"", b"\r\n"):
            head += line
        if not head:
            return {}
        self.heads.append(head.decode())
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        request: dict[str, Any] = json.loads(reading.read(length))
        self.methods.append(request["method"])
        return request

    def _reply(self, request: dict[str, Any]) -> bytes | None:
        if request["method"] == "initialize":
            return result(request, {"protocolVersion": "2025-06-18"}, "Mcp-Session-Id: s1")
        if request["method"] == "notifications/initialized":
            return http(202)
        reply = self.replies.pop(0)
        return reply(request) if callable(reply) else reply

    def calls(self) -> int:
        return self.methods.count("tools/call")

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def odd() -> Iterator[Odd]:
    server = Odd()
    yield server
    server.close()


@pytest.fixture
def client(odd: Odd, monkeypatch: pytest.MonkeyPatch) -> Iterator[McpClient]:
    monkeypatch.setattr(task_client, "PAUSES", (0.01, 0.01, 0.01))
    monkeypatch.setattr(task_client, "CALL_SECONDS", 1.0)
    found = McpClient(wire=Wire(odd.url, KEY))
    yield found
    found.close()


def ok(request: dict[str, Any]) -> bytes:
    return result(request, text("fine"))


def event(*lines: str) -> bytes:
    """An event stream; it ends with the connection."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nMcp-Session-Id: s1\r\n\r\n"
    return head + "\n".join(lines).encode()


def answer_of(request: dict[str, Any], words: str) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": text(words)})


def test_it_speaks_the_protocol(odd: Odd, client: McpClient) -> None:
    odd.replies = [ok, ok]
    assert client.call("Task_X", {"a": "ü"}) == "fine" == client.call("Task_X", {})
    assert odd.methods == ["initialize", "notifications/initialized", "tools/call", "tools/call"]
    first, *others = odd.heads
    assert "Mcp-Session-Id" not in first and "POST /mcp HTTP/1.1" in first
    assert all("Mcp-Session-Id: s1" in head for head in others)
    assert all("MCP-Protocol-Version: 2025-06-18" in head for head in others)
    assert all(f"Authorization: Bearer {KEY}" in head for head in odd.heads)


@pytest.mark.parametrize(
    "fault",
    [
        http(500),
        http(503, b"<html>busy</html>", "Retry-After: 0"),
        http(429, b"", "Retry-After: 1"),
        None,
        http(200, b"")[:20],
        event(": a comment", "", 'data: {"jsonrpc": "2.0", "method": "notifications/x"}', ""),
        event("data: {"),
    ],
    ids=["500", "503", "429", "hang up", "cut head", "cut stream", "cut event"],
)
def test_what_passes_is_tried_again_unless_it_must_not_be_done_twice(
    odd: Odd, client: McpClient, fault: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_client, "CALL_SECONDS", 5.0)
    odd.replies = [fault, ok]
    assert client.call("Task_X", {}) == "fine"
    assert odd.calls() == 2
    odd.replies = [fault, ok]
    with pytest.raises(Unreachable):
        client.call("Task_X", {}, tries=1)
    assert odd.calls() == 3
    odd.replies = [fault] * 3
    with pytest.raises(Unreachable):
        client.call("Task_X", {})
    assert odd.calls() == 6


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (http(401), r"refuses our key \(401\); set MCP_API_KEY"),
        (http(403), r"refuses our key \(403\); set MCP_API_KEY"),
        (http(302, b"", "Location: http://evil.example/"), "sends us to http://evil.example/"),
        (http(404, b"<html>no</html>"), "answered 404 and nothing else; see that it runs"),
        (http(405), r"/mcp does not speak MCP over HTTP \(405\)"),
        (http(200, b"<html>hello</html>"), "does not speak MCP: no JSON-RPC in its answer"),
        (http(200, b"\xff\xfe"), "no JSON-RPC"),
        (http(200, b"[" * 100_000), "no JSON-RPC"),
        (http(200, b"[]"), "no JSON-RPC"),
        (http(200, b'{"id": 1}'), "an answer without a result"),
        (http(200, b'{"id": 1, "result": [1]}'), "an answer without a result"),
    ],
    ids=str,
)
def test_what_does_not_pass_is_said_at_once(
    odd: Odd, client: McpClient, reply: bytes, problem: str
) -> None:
    again = b" 404 " in reply  # it may have forgotten our session
    odd.replies = [reply, reply]
    with pytest.raises(Unreachable, match=problem) as caught:
        client.call("Task_X", {})
    assert odd.calls() == 1 + again and KEY not in str(caught.value)
    assert "evil" not in "".join(odd.heads)


def drip(piece: bytes, seconds: float = 20.0) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        ends = time.monotonic() + seconds
        with suppress(OSError):
            while time.monotonic() < ends:
                connection.sendall(piece)
                threading.Event().wait(0.05)

    return serve


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b": ping\n\n"),
    ],
    ids=["nothing", "head", "body", "stream"],
)
def test_every_wait_ends(monkeypatch: pytest.MonkeyPatch, start: bytes, piece: bytes) -> None:
    monkeypatch.setattr(task_client, "CALL_SECONDS", 0.5)
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                held.append(connection)
                with suppress(OSError):
                    connection.sendall(start)
                threading.Thread(target=drip(piece, 3), args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    client = McpClient(wire=Wire(f"http://127.0.0.1:{listener.getsockname()[1]}"))
    began = time.monotonic()
    with pytest.raises(Unreachable, match="cannot reach"):
        client.call("Task_X", {})
    assert time.monotonic() - began < 2.5
    client.close()
    listener.close()
    for connection in held:
        connection.close()


def test_a_huge_answer_is_not_taken(
    odd: Odd, client: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_wire, "LARGEST_ANSWER", 1 << 20)
    odd.replies = [http(200, b" " * (2 << 20)), event("data: " + "x" * (2 << 20), "", "")]
    for _ in range(2):
        with pytest.raises(Unreachable, match="more than 1 MiB"):
            client.call("Task_X", {})


def test_an_answer_may_come_in_a_stream(odd: Odd, client: McpClient) -> None:
    def stream(request: dict[str, Any]) -> bytes:
        whole = answer_of(request, "streamed")
        half = whole.index(",")
        return event(
            "retry: 100",
            "id: 1",
            "data:",
            "",
            ": keep-alive",
            'data: {"jsonrpc": "2.0", "id": 999, "result": {}}',
            "",
            f"data: {whole[:half]}",
            f"data: {whole[half:]}\r",
            "\r",
            "",
        )

    odd.replies = [stream, ok]
    assert client.call("Task_X", {}) == "streamed"
    assert client.call("Task_X", {}) == "fine"


def test_a_forgotten_session_is_begun_again(odd: Odd, client: McpClient) -> None:
    gone = http(404, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"gone"}}')
    odd.replies = [ok, gone, ok, http(400, b"no session"), ok]
    for _ in range(3):
        assert client.call("Task_X", {}) == "fine"
    assert odd.methods.count("initialize") == 3


def test_a_connection_that_was_closed_meanwhile_is_made_anew(odd: Odd, client: McpClient) -> None:
    closing = [lambda request: result(request, text(1), "Connection: close")] * 3
    odd.replies = [*closing, ok]
    assert [client.call("Task_X", {}, tries=1) for _ in range(4)] == [1, 1, 1, "fine"]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"content": [{"type": "text", "text": '[{"a": 1}]'}]}, [{"a": 1}]),
        ({"content": [{"type": "text", "text": '{"a": 1}'}] * 2}, [{"a": 1}, {"a": 1}]),
        ({"content": []}, []),
        ({"content": [{"type": "text", "text": "moved"}]}, "moved"),
        ({"content": [], "structuredContent": {"result": [1]}}, [1]),
        ({"content": [{"type": "image"}], "structuredContent": {"a": 1}}, {"a": 1}),
        (text({"identifier": "ENG-1", "error": "red"}), {"identifier": "ENG-1", "error": "red"}),
    ],
)
def test_tools_answer_in_many_ways(answer: dict[str, Any], found: Any) -> None:
    assert said(answer) == found


@pytest.mark.parametrize(
    "answer",
    [
        {"content": [{"type": "text", "text": "no\nway"}], "isError": True},
        text({"error": "no way"}),
        {"structuredContent": {"error": "no way"}},
    ],
)
def test_refusals_come_in_many_ways(answer: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="no way"):
        said(answer)


def test_issues_are_read_with_patience() -> None:
    issue = issue_of(
        {
            "issue": {
                "id": 7,
                "identifier": "OPS-7",
                "title": "Mend\0 it",
                "state": {"name": "In progress"},
                "priority": {"name": "High"},
                "labels": ["a", "a"],
                "max_usd": -3,
                "depends": "nonsense",
                "team": {"key": "OPS"},
                "comments": {"nodes": [{"text": "hi", "createdAt": "2026-01-01T00:00:00Z"}, 5]},
            }
        }
    )
    assert (issue.remote, issue.identifier, issue.title) == ("OPS-7", "OPS-7", "Mend it")
    assert (issue.state, issue.team) == (State.IN_PROGRESS, "OPS")
    assert issue.facts == {"priority": Priority.HIGH, "labels": ("a",)}
    assert [(c.body, c.at) for c in issue.comments] == [("hi", 1767225600.0)]
    plain = issue_of({"id": "c0ffee", "state": "Icebox"})
    assert (plain.remote, plain.identifier, plain.state) == ("c0ffee", "", None)
    assert [i.remote for i in issues_of({"issues": [{"id": "1"}, {"id": "2"}]})] == ["1", "2"]
    odd: list[Any] = ["moved", 5, None, {"issues": 3}, [[]], {"state": "Todo"}]
    for nonsense in odd:
        with pytest.raises(Unreachable):
            issues_of(nonsense)


def test_states_are_known_by_many_names() -> None:
    for state in State:
        assert state_of(state.label) is state is state_of(state.value)
        assert name_for(state, ()) == state.label
    for name, known in {
        "TO DO": State.TODO,
        "In-Review": State.REVIEW,
        "Cancelled": State.CANCELED,
    }.items():
        assert state_of(name) is known
    assert state_of("Backlog") is None and state_of("") is None
    few = ("Backlog", "todo", "In progress", "Done", "Cancelled")
    assert [name_for(state, few) for state in State] == [
        "todo", "In progress", "In progress", "In progress", "Done", "Backlog", "Cancelled",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mcp+http://127.0.0.1:1/mcp", "needs #file=PATH"),
        ("mcp+http:///mcp#file=x", "address is mcp"),
        ("mcp+http://u:secret@host/mcp#file=x", "must not hold a key; set MCP_API_KEY"),
        ("mcp+http://host:port/mcp#file=x", "is no number"),
        ("mcp+ftp://host/mcp#file=x", "no ledger backend for mcp.ftp: addresses"),
    ],
)
def test_bad_addresses_are_explained(url: str, problem: str) -> None:
    with pytest.raises(LedgerError, match=problem) as caught:
        open_ledger(url)
    assert "secret" not in str(caught.value)
