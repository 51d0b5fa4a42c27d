"""A gateway with a real ledger in front of whatever a test makes it talk to."""

import hashlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from axon.gateway.script import parse_script
from axon.gateway.server import Gateway
from axon.gateway.settings import GatewaySettings
from axon.ledger import Ledger, Run, Session, Usage, open_ledger
from axon.tasks import Claim, Draft
from tests.fake_model import Model, serve

KEY = "sk-ant-test-0123456789-the-real-key"
TITLE = "Add a greeting"
MESSAGES = "/v1/messages?beta=true"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"]["message"])


@dataclass
class Bench:
    """The gateway under test and one open session with its token."""

    settings: GatewaySettings
    ledger: Ledger
    gateway: Gateway = field(init=False)
    run: str = "run-1"
    sessions: int = 0
    token: str = ""
    session: Session = field(init=False)

    def start(self, *, open_books: Callable[[], Ledger] | None = None) -> None:
        url = self.settings.ledger_url
        self.gateway = Gateway(self.settings, open_books or (lambda: open_ledger(url)))
        self.gateway.start()

    def open_session(self, *, title: str = TITLE, max_usd: float | None = None) -> str:
        """Claim a new task, start a session on it, and return the session's token."""
        self.sessions += 1
        token = f"token-{self.sessions}"
        self.ledger.add([Draft(title=title)])
        task = self.ledger.claim(worker="worker-1", run=self.run, lease_seconds=60)
        assert task is not None
        claim = Claim(identifier=task.identifier, token=task.token, worker="worker-1", run=self.run)
        self.session = Session(
            id=f"session-{self.sessions}",
            identifier=task.identifier,
            attempt=task.token,
            run=self.run,
            worker="worker-1",
            engine="claude",
            model="sonnet",
            max_usd=max_usd,
            agent="lead",
        )
        digest = hashlib.sha256(token.encode()).hexdigest()
        self.ledger.start_session(self.session, token_hash=digest, claim=claim)
        self.token = token
        return token

    def ask(
        self,
        body: dict[str, Any] | bytes | None = None,
        *,
        token: str | None = None,
        path: str = MESSAGES,
        method: str = "POST",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own, answered whole."""
        with self.asking(body, token=token, path=path, method=method, headers=headers) as response:
            return Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )

    @contextmanager
    def asking(
        self,
        body: dict[str, Any] | bytes | None = None,
        *,
        token: str | None = None,
        path: str = MESSAGES,
        method: str = "POST",
        headers: dict[str, str] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        body = request() if body is None and method == "POST" else body
        sent = json.dumps(body).encode() if isinstance(body, dict) else body
        credentials = {"x-api-key": self.token if token is None else token}
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        try:
            connection.request(method, path, sent, credentials | (headers or {}))
            yield connection.getresponse()
        finally:
            connection.close()

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """What the ledger's file holds beyond what is shown."""
        store: Any = getattr(self.ledger, "_store")  # noqa: B009
        found: list[tuple[Any, ...]] = store.read(lambda tx: tx.db.execute(query).fetchall())
        return found

    def events(self, action: str) -> list[dict[str, Any]]:
        found = self.ledger.events(limit=10_000)
        return [event.data | {"why": event.why} for event in found if event.action == action]

    def faults(self) -> list[str]:
        return [event["fault"] for event in self.events("session_fault")]

    def usage(self) -> tuple[int, float | None]:
        """Tokens and cost of the task at hand, as the ledger has them."""
        task = self.ledger.task(self.session.identifier)
        return task.tokens, task.cost_usd


@contextmanager
def bench(
    folder: Path, *, max_usd: float | None = None, max_tokens: int | None = None, **changes: Any
) -> Iterator[Bench]:
    """A bench whose gateway is not started yet."""
    url = f"file:{folder / 'ledger.db'}"
    ledger = open_ledger(url, create=True)
    run = Run(
        id="run-1",
        pid=1,
        host="here",
        target="main",
        engine="claude",
        workers=1,
        max_usd=max_usd,
        max_tokens=max_tokens,
    )
    ledger.start_run(run, 60)
    settings = GatewaySettings(
        ledger_url=url,
        run="run-1",
        root=str(folder),
        credentials=(("x-api-key", KEY),),
        retry_seconds=(0.01, 0.02, 0.03),
    )
    made = Bench(replace(settings, **changes), ledger)
    made.open_session()
    try:
        yield made
    finally:
        if hasattr(made, "gateway"):
            made.gateway.close()
        ledger.close()


def request(text: str = TITLE, *, stream: bool = True, answers: int = 0) -> dict[str, Any]:
    """What the CLI asks, in short; `answers` of the model are in the conversation already."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"Do this: {text}"}]
    for number in range(answers):
        messages.append({"role": "assistant", "content": f"turn {number}"})
        messages.append({"role": "user", "content": "go on"})
    return {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1000,
        "stream": stream,
        "tools": [{"name": "Write", "input_schema": {"type": "object"}}],
        "messages": messages,
    }


@contextmanager
def fake_model(folder: Path, turns: list[dict[str, Any]]) -> Iterator[tuple[str, Path]]:
    """The address of a model that plays `turns`, and its log."""
    log = folder / "model.jsonl"
    script = parse_script({"tasks": [{"title": TITLE, "turns": turns}]})
    server = serve(Model(script=script, key=KEY, log=log), 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", log
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def logged(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


class Raw:
    """An upstream that does on each connection whatever the test says, byte by byte."""

    def __init__(self, *talks: Callable[[socket.socket], None]) -> None:
        self._talks = talks
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "Raw":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        threads = []
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                break
            talk = self._talks[min(self.connections, len(self._talks) - 1)]
            self.connections += 1
            threads.append(threading.Thread(target=self._talk, args=(sock, talk), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join(5)

    def _talk(self, sock: socket.socket, talk: Callable[[socket.socket], None]) -> None:
        with sock, suppress(OSError):
            sock.settimeout(10)
            talk(sock)

    def read(self, sock: socket.socket) -> bytes:
        """One request, whole; b"" at the end."""
        seen = b""
        while b"\r\n\r\n" not in seen:
            piece = sock.recv(65536)
            if not piece:
                return b""
            seen += piece
        head, _, body = seen.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += sock.recv(1 << 20)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]


def closed_by_peer(sock: socket.socket) -> bool:
    """Whether the other side ends the connection within the socket's timeout."""
    try:
        while sock.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def asking_alone(made: Bench, port: int) -> socket.socket:
    """A connection on which a request was sent; nobody reads the answer yet."""
    sock = socket.create_connection(("127.0.0.1", port), 10)
    body = json.dumps(request()).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nx-api-key: {made.token}\r\n"
    sock.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
    return sock


def usage(**figures: Any) -> Usage:
    return Usage(session="session-1", model="claude-sonnet-4-5", status=200, **figures)


def usage_rows(made: Bench) -> int:
    """How many requests were counted."""
    return int(made.sql("SELECT count(*) FROM usage")[0][0])
