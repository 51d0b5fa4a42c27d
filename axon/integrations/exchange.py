"""One HTTP exchange with a service outside: bounded in time and size, and never led elsewhere."""

import base64
import functools
import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from axon import __version__
from axon.errors import UsageError
from axon.ledger.task_mcp.timed import timed_response

CONNECT_SECONDS = 10.0
LARGEST_ANSWER = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked. `url` may hold a token: it is in no message of ours."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    proxy: str = field(default="", repr=False)  # http://[USER:PASSWORD@]HOST:PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The whole answer, of whatever status; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoReply(Exception):
    """No whole answer came. `sent`: the other side may have had all that was asked."""

    def __init__(self, what: str, *, sent: bool) -> None:
        super().__init__(what)
        self.sent = sent


def exchange(call: Call, *, seconds: float, most: int = LARGEST_ANSWER) -> Reply:
    """Ask once, on a connection of its own. NoReply when no whole answer is there in time.

    A redirect is an answer like any other: it is for the caller to refuse.
    """
    deadline = time.monotonic() + seconds
    parts = urlsplit(call.url)
    host = parts.hostname or ""
    sent = False
    connection: http.client.HTTPConnection | None = None
    try:
        connection = _connection(parts, call.proxy, min(CONNECT_SECONDS, seconds))
        connection.connect()
        assert connection.sock is not None
        connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
        sent = True
        connection.request(call.method, _target(parts, call), call.body, _headers(call, parts))
        response = timed_response(connection, deadline)
        body = response.read(most + 1)
        if len(body) > most:
            raise NoReply(f"{host} answers with more than {most:,} bytes", sent=True)
        if response.length:
            raise NoReply(f"{host} ended its answer before it was whole", sent=True)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(status=response.status, headers=headers, body=body)
    except ssl.SSLCertVerificationError as error:
        said = f"{host} is not trusted ({error.verify_message}); set SSL_CERT_FILE"
        raise NoReply(said, sent=False) from None
    except (OSError, http.client.HTTPException) as error:
        raise NoReply(f"{host}: {_said(error)}", sent=sent) from None
    finally:
        if connection is not None:
            connection.close()


def check_url(url: str, what: str) -> None:
    """UsageError unless `url` is one that `exchange` can ask."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(_named(parts)) and parts.port != 0
        good = good and f"{parts.path}{parts.query}".isascii()
    except ValueError:
        good = False
    if not good or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageError(f"{what} is no http:// or https:// address; correct it")
    if parts.username or parts.password:
        raise UsageError(f"{what} holds a password, which would be shown; leave that out")


def proxy_for(url: str, environ: Mapping[str, str]) -> str:
    """What HTTPS_PROXY, HTTP_PROXY and NO_PROXY say of it; only HTTP proxies are known.

    UsageError: what stands there is no address.
    """
    parts = urlsplit(url)
    known = {name.lower(): value.strip() for name, value in environ.items() if value.strip()}
    proxy, host = known.get(f"{parts.scheme}_proxy", ""), (parts.hostname or "").lower()
    spared = [name.strip().lower().lstrip(".") for name in known.get("no_proxy", "").split(",")]
    if not proxy or any(n and (n == "*" or f".{host}".endswith(f".{n}")) for n in spared):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        via = urlsplit(proxy)
        good = bool(_named(via)) and via.port != 0
    except ValueError:  # which would repeat a password that holds a slash
        good = False
    if not good:
        raise UsageError(f"{parts.scheme}_proxy is no address of a proxy; correct it")
    return proxy if via.scheme == "http" else ""


def _named(parts: SplitResult) -> bytes:
    """The host as a name server is asked for it. ValueError: it cannot be one."""
    return (parts.hostname or "").encode("idna")


@functools.cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _connection(parts: SplitResult, proxy: str, seconds: float) -> http.client.HTTPConnection:
    secure, host = parts.scheme == "https", parts.hostname or ""
    via = urlsplit(proxy) if proxy else None
    to, port = (via.hostname or "", via.port or 80) if via else (host, parts.port)
    if not secure:
        return http.client.HTTPConnection(to, port, timeout=seconds)
    connection = http.client.HTTPSConnection(to, port, timeout=seconds, context=_context())
    if via is not None:
        connection.set_tunnel(host, parts.port or 443, _proxy_headers(via))
    return connection


def _target(parts: SplitResult, call: Call) -> str:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    plain = call.proxy and parts.scheme == "http"  # such a proxy is told the whole address
    return f"http://{parts.netloc}{target}" if plain else target


def _headers(call: Call, parts: SplitResult) -> dict[str, str]:
    own = {"User-Agent": f"axon/{__version__}", "Accept-Encoding": "identity"}
    own |= _proxy_headers(urlsplit(call.proxy)) if call.proxy and parts.scheme == "http" else {}
    return {**own, **call.headers}


def _proxy_headers(via: SplitResult) -> dict[str, str]:
    if not via.username:
        return {}
    user = f"{unquote(via.username)}:{unquote(via.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(user.encode()).decode()}


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no whole answer came in time"
    if isinstance(error, http.client.IncompleteRead | http.client.RemoteDisconnected):
        return "it closed the connection"
    if isinstance(error, http.client.HTTPException):
        return "its answer is not HTTP"  # and may be anything: it is not repeated
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(reason).lower()
