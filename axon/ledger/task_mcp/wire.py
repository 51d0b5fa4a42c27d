"""One HTTP exchange of JSON-RPC: bounded in time and size, whatever the server does."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from axon import __version__
from axon.errors import LedgerError
from axon.facts import dataclass
from axon.ledger.task_mcp.timed import timed_response

CONNECT_SECONDS = 5.0
LARGEST_ANSWER = 64 << 20
DEFAULT_PATH = "/mcp"


class Broken(Exception):
    """The exchange failed. `passing`: it may work in a moment."""

    def __init__(
        self, what: str, *, passing: bool = False, retry_after: float = 0.0, advice: str = ""
    ) -> None:
        super().__init__(what)
        self.passing = passing
        self.retry_after = retry_after
        self.advice = advice or "see that it runs, and that ledger.url or TASK_MCP_URL names it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The message that answered a request; none when only a status came."""

    url: str
    status: int
    session: str
    document: dict[str, Any] | None


class Wire:
    """The way to one address. A connection is kept between exchanges while both sides like."""

    def __init__(self, url: str, key: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise LedgerError("a task server's address is mcp+http://HOST/mcp or mcp+https://…")
        if parts.username or parts.password:
            raise LedgerError(
                "a task server's address must not hold a key; set MCP_API_KEY instead"
            )
        try:
            port = parts.port
        except ValueError:
            raise LedgerError("the port in the task server's address is no number") from None
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        path = parts.path if parts.path not in ("", "/") else DEFAULT_PATH
        self._target = f"{path}?{parts.query}" if parts.query else path
        self._key = key
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def post(
        self,
        document: dict[str, Any],
        headers: dict[str, str],
        request: int | None,
        deadline: float,
    ) -> Answer:
        """Send a message; the answer to it when it is the request with that id."""
        body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        try:
            response = self._send(body, headers, deadline)
            try:
                return self._read(response, request)
            finally:
                if not response.isclosed():  # something is left unread
                    self.close()
        except ssl.SSLCertVerificationError as error:
            raise Broken(
                f"{self.url} is not trusted: {error.verify_message}", advice="set SSL_CERT_FILE"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Broken(f"cannot reach {self.url}: {reason}", passing=True) from None

    def _send(
        self, body: bytes, headers: dict[str, str], deadline: float
    ) -> http.client.HTTPResponse:
        connection = self._connection or self._connect()
        self._connection = connection
        assert connection.sock is not None
        connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
        sent = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "User-Agent": f"axon/{__version__}",
            **headers,
        }
        if self._key:
            sent["Authorization"] = f"Bearer {self._key}"
        connection.request("POST", self._target, body, sent)
        response = timed_response(connection, deadline)
        if response.will_close:
            self._connection = None
        return response

    def _connect(self) -> http.client.HTTPConnection:
        connection = (
            http.client.HTTPSConnection(
                self._host,
                self._port,
                timeout=CONNECT_SECONDS,
                context=ssl.create_default_context(),
            )
            if self._secure
            else http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        )
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _read(self, response: http.client.HTTPResponse, request: int | None) -> Answer:
        status = response.status
        self._refuse(status, response)
        kind = (response.getheader("content-type") or "").partition(";")[0].strip().lower()
        if request is None or status == 202:
            response.read(LARGEST_ANSWER)
            document = None
        elif kind == "text/event-stream":
            document = self._event(response, request)
        else:
            document = self._document(response, status)
        session = response.getheader("mcp-session-id") or ""
        return Answer(url=self.url, status=status, session=session, document=document)

    def _refuse(self, status: int, response: http.client.HTTPResponse) -> None:
        if status in (401, 403):
            raise Broken(
                f"{self.url} refuses our key ({status})", advice="set MCP_API_KEY to the right one"
            )
        if 300 <= status < 400:
            raise Broken(
                f"{self.url} sends us to {response.getheader('location')}",
                advice="name that address, if you trust it",
            )
        if status in (405, 406, 415, 501):
            raise Broken(f"{self.url}{self._target} does not speak MCP over HTTP ({status})")
        if status == 429 or status >= 500:
            after = response.getheader("retry-after") or ""
            seconds = float(after) if after.isascii() and after.isdigit() else 0.0
            raise Broken(f"{self.url} answers {status}", passing=True, retry_after=seconds)

    def _document(self, response: http.client.HTTPResponse, status: int) -> dict[str, Any] | None:
        body = response.read(LARGEST_ANSWER + 1)
        if len(body) > LARGEST_ANSWER:
            raise Broken(f"{self.url} answers with more than {LARGEST_ANSWER >> 20} MiB")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and ("result" in document or document.get("id") is not None):
            return document
        if status >= 400:
            return None
        if not body:
            raise Broken(f"{self.url} ended its answer before it was whole", passing=True)
        raise Broken(f"{self.url}{self._target} does not speak MCP: no JSON-RPC in its answer")

    def _event(self, response: http.client.HTTPResponse, request: int) -> dict[str, Any]:
        """The event of a stream that answers our request; others are news we did not ask for."""
        for data in _events(response):
            try:
                document = json.loads(data)
            except (ValueError, RecursionError):
                continue
            ours = isinstance(document, dict) and document.get("id") == request
            if ours and ("result" in document or "error" in document):
                return dict(document)
        raise Broken(f"{self.url} ended its answer before it was whole", passing=True)


def _events(response: http.client.HTTPResponse) -> Iterator[str]:
    """The data of each server-sent event."""
    size, data = 0, [b""][:0]
    while line := response.readline(LARGEST_ANSWER):
        size += len(line)
        if size >= LARGEST_ANSWER:
            raise Broken(f"an answer has more than {LARGEST_ANSWER >> 20} MiB")
        line = line.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data).decode("utf-8", "replace")
            data = []
