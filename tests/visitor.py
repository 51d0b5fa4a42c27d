"""Visit a served page: as a browser, as a program, or as an attacker who writes raw bytes."""

import json
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.drive import Axon

SECONDS = 10.0


@dataclass(frozen=True)
class Heard:
    """One response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json()["error"]["code"])


@dataclass
class Visitor:
    """Somebody who knows where the page is served, and its token."""

    port: int
    token: str
    process: "subprocess.Popen[str] | None" = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Any = None, *, bare: bool = False, **headers: Any
    ) -> Heard:
        """As a program does. `bare`: without token."""
        sent = {} if bare else {"Authorization": f"Bearer {self.token}"}
        data = None
        if method not in ("GET", "HEAD"):
            sent["Content-Type"] = "application/json"
            data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Heard(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: Any) -> Any:
        heard = self.ask("GET", path, **headers)
        assert heard.status == 200, heard
        return heard.json()

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        heard = self.ask("POST", path, body)
        assert heard.status == status, heard
        return heard.json() if heard.body else None

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def say(self, data: bytes, *, hang_up: bool = False) -> list[Heard]:
        """Everything that comes back until the server hangs up."""
        with self.connect() as sock:
            try:
                sock.sendall(data)
                if hang_up:
                    sock.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough
            return responses(everything(sock))


def everything(sock: socket.socket) -> bytes:
    """What comes until the other side hangs up; a hang is a failure."""
    pieces = []
    while True:
        try:
            piece = sock.recv(1 << 16)
        except ConnectionResetError:
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)


def responses(data: bytes) -> list[Heard]:
    """The responses in `data`; what is none is a failure."""
    found = []
    while data:
        head, empty_line, data = data.partition(b"\r\n\r\n")
        assert empty_line, head
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        assert len(data) >= length or "HEAD" in headers, (head, data)
        found.append(Heard(int(status), headers, data[:length]))
        data = data[length:]
    return found


def start(axon: Axon, *words: str) -> Visitor:
    """Serve the page of a project that is there."""
    process = axon.start("dashboard", "--port", "0", "--json", *words)
    assert process.stdout is not None
    lines = ""
    while not lines.endswith("}\n"):
        line = process.stdout.readline()
        if not line:
            raise AssertionError(process.communicate()[1])
        lines += line
    told = json.loads(lines)
    token = told["url"].partition("#token=")[2]
    return Visitor(port=told["port"], token=token, process=process)


def prepare(axon: Axon, tasks: int = 3) -> None:
    """A repository with a ledger and some tasks."""
    axon.make_repository()
    axon.ok("init")
    lines = [json.dumps({"title": f"Task {n}", "description": "x" * 50}) for n in range(tasks)]
    axon.ok("task", "import", "-", text="\n".join(lines))


def page_axon(pyz: Path, cache: Path, folder: Path) -> Axon:
    return Axon(pyz=pyz, root=folder / "project", cache=cache)
