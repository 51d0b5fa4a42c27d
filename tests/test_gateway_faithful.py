"""What the real CLI sends through the gateway is what it sends to Anthropic itself."""

import io
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from axon.gateway.delegates import AGENT_ID
from axon.gateway.script import parse_script
from tests.fake_model import Handler, Model, Server
from tests.gateway_stand import KEY, TITLE, bench

CALL = {"subagent_type": "coding", "description": "write it", "prompt": "Write the greeting now"}
SHELL = {"name": "Bash", "input": {"command": "echo hi", "description": "say hi"}}
SCRIPT = {
    "tasks": [
        {
            "title": TITLE,
            "turns": [
                {"text": "I delegate.", "tools": [{"name": "Agent", "input": CALL}]},
                {"text": "Done."},
            ],
            "agents": {"coding": [{"text": "I look.", "tools": [SHELL]}, {"text": "ok"}]},
        }
    ]
}
# Of one connection or of one run.
OWN_HEADERS = {
    "host", "connection", "content-length", "accept-encoding", "x-api-key",
    "x-claude-code-session-id", "x-claude-code-prompt-id", "x-client-request-id",
    "x-claude-code-agent-id", "x-claude-code-prev-tool-durations",
}  # fmt: skip
# The CLI has no switch for it; README says so.
LEFT_OUT = {"mid-conversation-system-clear-at-2026-08-21"}
VOLATILE = re.compile(
    r"cch=[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|msg_script_\w+|toolu_script_\w+|\b[0-9a-f]{17,64}\b"
    r"|agentId: \w+|duration_ms: \d+|<usage>.*?</usage>|\d+ms\b",
    re.DOTALL,
)


class Listening(Handler):
    """The fake model, which keeps what it was sent."""

    seen: list[tuple[str, dict[str, str], dict[str, Any]]]

    def do_GET(self) -> None:
        self._refuse(404, "nothing here")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append((self.path, headers, json.loads(body)))
        rfile, self.rfile = self.rfile, io.BufferedReader(io.BytesIO(body))
        try:
            super().do_POST()
        finally:
            self.rfile = rfile


@contextmanager
def listening() -> Iterator[tuple[Server, Any]]:
    model = Model(script=parse_script(SCRIPT))
    handler = type("Kept", (Listening,), {"model": model, "seen": []})
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server, handler
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def intercepted(folder: Path, server: Server, handler: Any) -> Iterator[dict[str, str]]:
    """api.anthropic.com on loopback: a proxy that ends its TLS with a certificate of ours."""
    certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    proxy = socket.create_server(("127.0.0.1", 0))

    def talk(sock: socket.socket) -> None:
        with suppress(OSError), sock:
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(65536)
            if head.split()[1] != b"api.anthropic.com:443":
                return
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with context.wrap_socket(sock, server_side=True) as secure:
                handler(secure, ("127.0.0.1", 1), server)

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _ = proxy.accept()
                threading.Thread(target=talk, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    try:
        yield {"HTTPS_PROXY": address, "NODE_EXTRA_CA_CERTS": str(folder / "ca.pem")}
    finally:
        proxy.close()


def certificates(folder: Path) -> None:
    """An authority, and a certificate of api.anthropic.com and localhost by it."""
    names = "subjectAltName=DNS:api.anthropic.com,DNS:localhost"
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    (folder / "names").write_text(names + "\n")
    for words in (
        ("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
         "-subj", "/CN=test", "-addext", "basicConstraints=critical,CA:TRUE"),
        ("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=test"),
        ("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
         "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "names"),
    ):  # fmt: skip
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def run_cli(folder: Path, **variables: str) -> None:
    """The CLI as axon starts it, in short; each time with a home of its own."""
    import claude_agent_sdk

    from axon.engines.claude.options import _SETTINGS

    home, place = folder / "home", folder / "place"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    place.mkdir(exist_ok=True)
    agents = {"coding": {"description": "codes", "prompt": "You code.", "tools": ["Bash"]}}
    words = [
        str(Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"),
        *("-p", TITLE, "--model", "sonnet", "--output-format", "stream-json", "--verbose"),
        *("--permission-mode", "bypassPermissions", "--setting-sources", ""),
        *("--agents", json.dumps(agents), "--tools", "Bash,Read,Agent"),
    ]
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        **_SETTINGS, **variables,
    }  # fmt: skip
    done = subprocess.run(
        words,
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_cli_sends_the_same_through_the_gateway_and_directly(tmp_path: Path) -> None:
    with listening() as (server, handler):
        with intercepted(tmp_path, server, handler) as variables:
            run_cli(tmp_path, ANTHROPIC_API_KEY=KEY, **variables)
        direct = list(handler.seen)
        handler.seen.clear()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with bench(tmp_path, base_url=url) as made:
            made.start()
            run_cli(
                tmp_path,
                ANTHROPIC_API_KEY=made.token,
                ANTHROPIC_BASE_URL=f"http://127.0.0.1:{made.gateway.port}",
                _CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL="1",
            )
            names = [one.agent for one in made.ledger.spending()]
        through = list(handler.seen)
    assert len(direct) == len(through) == 4
    for (path, headers, body), (other_path, other_headers, other_body) in zip(
        direct, through, strict=True
    ):
        assert path == other_path
        assert betas(headers) - betas(other_headers) == LEFT_OUT
        assert betas(other_headers) <= betas(headers)
        assert kept(headers) == kept(other_headers)
        assert steady(body) == steady(other_body)
        assert other_headers["x-api-key"] == KEY
        assert "cache_control" in json.dumps(other_body["system"])
    assert sum(AGENT_ID in headers for _, headers, _ in through) == 2
    assert names == ["lead", "coding", "coding", "lead"]


def betas(headers: dict[str, str]) -> set[str]:
    return set(headers["anthropic-beta"].split(","))


def kept(headers: dict[str, str]) -> dict[str, str]:
    without = OWN_HEADERS | {"anthropic-beta"}
    return {name: value for name, value in headers.items() if name not in without}


def steady(body: dict[str, Any]) -> Any:
    return json.loads(VOLATILE.sub("<own>", json.dumps(body | {"metadata": None})))
