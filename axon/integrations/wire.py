"""One exchange with a web service: bounded in time and size, whatever the other side does."""

import base64
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

CONNECT_SECONDS = 10.0
LARGEST = 16 << 20


class Broken(Exception):
    """No answer came, or not the whole of it. `sent`: the request may have been acted upon."""

    def __init__(self, what: str, *, sent: bool = True) -> None:
        super().__init__(what)
        self.sent = sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the service answered, whole; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


class _Timed(io.RawIOBase):
    """Reads of one response, which together end at the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("it takes too long")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    seconds: float,
    largest: int = LARGEST,
    proxy: str = "",
) -> Answer:
    """Send one request on a connection of its own and read its answer. Broken says why not.

    `seconds` is for all of it together. No redirect is followed.
    """
    deadline = time.monotonic() + seconds
    sent = False
    try:
        connection = _connect(url, proxy, min(CONNECT_SECONDS, seconds))
        try:
            sent = True
            return _exchange(connection, method, url, headers, body, deadline, largest, proxy)
        finally:
            connection.close()
    except ssl.SSLCertVerificationError as error:
        what = f"its certificate is not trusted ({error.verify_message}); set SSL_CERT_FILE"
        raise Broken(what, sent=False) from None
    except TimeoutError:
        raise Broken(f"no whole answer came within {seconds:g} s", sent=sent) from None
    except http.client.IncompleteRead:
        raise Broken("its answer was cut off", sent=True) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Broken(" ".join(str(reason).split())[:200], sent=sent) from None


def _connect(url: str, proxy: str, seconds: float) -> http.client.HTTPConnection:
    parts, through = urlsplit(url), urlsplit(proxy) if proxy else None
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    host, to = parts.hostname or "", (parts.hostname or "", port)
    if through is not None:
        to = (through.hostname or "", through.port or 80)
    if not secure:
        connection = http.client.HTTPConnection(*to, timeout=seconds)
    else:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(*to, timeout=seconds, context=context)
        if through is not None:
            connection.set_tunnel(host, port, _proxy_headers(through))
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    deadline: float,
    largest: int,
    proxy: str,
) -> Answer:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"Connection": "close", "Accept-Encoding": "identity", **headers}
    if proxy and parts.scheme == "http":
        target, sent = f"http://{parts.netloc}{target}", {**sent, **_proxy_headers(urlsplit(proxy))}
    connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
    connection.request(method, target, body or None, sent)
    response = _response(connection, deadline)
    data = response.read(largest + 1)
    if len(data) > largest:
        raise Broken(f"it answers with more than {largest >> 20} MiB")
    if response.length:
        raise Broken("its answer was cut off")
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(status=response.status, headers=found, body=data)


def _response(connection: http.client.HTTPConnection, deadline: float) -> http.client.HTTPResponse:
    class Timed(http.client.HTTPResponse):
        """Its headers must be here by the deadline too."""

        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp.close()
            raw = sock.makefile("rb", buffering=0)
            self.fp = io.BufferedReader(_Timed(raw, sock, deadline))

    connection.response_class = Timed
    return connection.getresponse()


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(user.encode()).decode()}
