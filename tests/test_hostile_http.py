"""Every malformed, forged or absurd request has one right answer, and the server stays well."""

import contextlib
import os
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drive import Axon
from tests.visitor import Heard, Visitor, everything, prepare, responses, start

CRLF = b"\r\n"


@pytest.fixture(scope="module")
def project(
    pyz: Path, engine_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Axon]:
    axon = Axon(pyz=pyz, root=tmp_path_factory.mktemp("hostile") / "project", cache=engine_cache)
    prepare(axon)
    yield axon
    axon.end()


@pytest.fixture(scope="module")
def server(project: Axon) -> Iterator[Visitor]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(hard, 8192)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield start(project)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    log = project.root / ".axon" / "axon.log"
    assert not log.exists() or "Traceback" not in log.read_text("utf-8", "replace")


@pytest.fixture(scope="module")
def endless(server: Visitor) -> Iterator[tuple[socket.socket, float]]:
    """A head that never ends, begun before all else: its time runs meanwhile."""
    with server.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        yield sock, time.monotonic()


@pytest.fixture(autouse=True)
def begun(endless: tuple[socket.socket, float]) -> None:
    """For every test, so that the first one begins it."""


def request(
    server: Visitor,
    line: bytes = b"GET /api/me HTTP/1.1",
    *fields: bytes,
    host: bytes | None = b"",
    auth: bool = True,
    body: bytes = b"",
    close: bool = True,
) -> bytes:
    """A request that is right but for what is said here. `host` empty: the right one."""
    head = [line]
    if host is not None:
        head.append(b"Host: " + (host or server.host.encode()))
    if auth:
        head.append(b"Authorization: Bearer " + server.token.encode())
    if close:
        head.append(b"Connection: close")
    return CRLF.join((*head, *fields)) + 2 * CRLF + body


def one(heard: list[Heard], status: int) -> Heard:
    """Exactly one response, of that status, in the form that errors have."""
    assert [response.status for response in heard] == [status]
    (response,) = heard
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert not any(name.startswith("access-control") for name in response.headers)
    if status >= 400:
        assert response.headers["connection"] == "close"
        error = response.json()["error"]
        assert error.keys() == {"code", "message"} and error["message"]
        assert "Traceback" not in error["message"]
    return response


def write(*fields: bytes, body: bytes = b"{}", length: bytes | None = None) -> tuple[bytes, ...]:
    """The fields of a write."""
    size = str(len(body)).encode() if length is None else length
    return (b"Content-Type: application/json", b"Content-Length: " + size, *fields)


# ── host and rebinding ──

HOSTS = {
    "evil": (b"evil.example", 421),
    "evil with our port": (b"evil.example:PORT", 421),
    "ours as a prefix": (b"127.0.0.1.evil.example:PORT", 421),
    "ours as a suffix": (b"evil-localhost:PORT", 421),
    "localhost as a label": (b"localhost.evil.example:PORT", 421),
    "localhost with a dot": (b"localhost.:PORT", 400),
    "another port": (b"127.0.0.1:1", 421),
    "no port": (b"127.0.0.1", 421),
    "localhost without port": (b"localhost", 421),
    "another loopback address": (b"127.0.0.2:PORT", 421),
    "zero address": (b"0.0.0.0:PORT", 421),
    "decimal address": (b"2130706433:PORT", 421),
    "hexadecimal address": (b"0x7f000001:PORT", 421),
    "short address": (b"127.1:PORT", 421),
    "octal address": (b"0177.0.0.1:PORT", 421),
    "mapped address": (b"[::ffff:127.0.0.1]:PORT", 421),
    "link local": (b"169.254.169.254", 421),
    "user part": (b"localhost:PORT@evil.example", 400),
    "user part before": (b"evil.example@localhost:PORT", 400),
    "a path": (b"localhost:PORT/evil", 400),
    "a query": (b"localhost:PORT?evil", 400),
    "two names": (b"localhost:PORT, evil.example", 400),
    "two names by blank": (b"localhost:PORT evil.example", 400),
    "a scheme": (b"http://localhost:PORT", 400),
    "a word as port": (b"localhost:http", 400),
    "a long port": (b"localhost:999999999", 400),
    "a negative port": (b"localhost:-1", 400),
    "an open bracket": (b"[::1:PORT", 400),
    "a zone": (b"[fe80::1%25lo]:PORT", 400),
    "an underscore": (b"local_host:PORT", 400),
    "high bytes": (b"localh\xf6st:PORT", 400),
    "a very long name": (b"a" * 300 + b":PORT", 400),
    "ours": (b"127.0.0.1:PORT", 200),
    "localhost": (b"localhost:PORT", 200),
    "localhost in capitals": (b"LOCALHOST:PORT", 200),
    "version six": (b"[::1]:PORT", 200),
}


@pytest.mark.parametrize("path", [b"/api/me", b"/"], ids=["api", "page"])
@pytest.mark.parametrize("name", HOSTS)
def test_only_our_own_names_are_answered_to(server: Visitor, name: str, path: bytes) -> None:
    host, status = HOSTS[name]
    host = host.replace(b"PORT", str(server.port).encode())
    line = b"GET " + path + b" HTTP/1.1"
    one(server.say(request(server, line, host=host)), status)


# ── origin and forged requests ──

ORIGINS = {
    "another site": (b"Origin: http://evil.example", 403),
    "another port": (b"Origin: http://127.0.0.1:1", 403),
    "another scheme": (b"Origin: https://HOST", 403),
    "none that can be told": (b"Origin: null", 403),
    "empty": (b"Origin:", 403),
    "ours and more": (b"Origin: http://HOST.evil.example", 403),
    "two in one": (b"Origin: http://HOST http://evil.example", 403),
    "localhost for the address": (b"Origin: http://localhost:PORT", 403),
    "a file": (b"Origin: file://", 403),
    "an extension": (b"Origin: chrome-extension://abcdef", 403),
    "twice": (b"Origin: http://HOST\r\nOrigin: http://evil.example", 400),
    "a frame": (b"Sec-Fetch-Site: cross-site", 403),
    "a sibling": (b"Sec-Fetch-Site: same-site", 403),
    "ours": (b"Origin: http://HOST", 200),
    "ours by metadata": (b"Sec-Fetch-Site: same-origin", 200),
    "typed by a person": (b"Sec-Fetch-Site: none", 200),
}


@pytest.mark.parametrize("name", ORIGINS)
def test_other_sites_are_refused(server: Visitor, name: str) -> None:
    field, status = ORIGINS[name]
    field = field.replace(b"HOST", server.host.encode())
    field = field.replace(b"PORT", str(server.port).encode())
    one(server.say(request(server, b"GET /api/me HTTP/1.1", field)), status)


def test_the_files_of_the_page_too_are_for_no_other_site(server: Visitor) -> None:
    evil = b"Origin: http://evil.example"
    one(server.say(request(server, b"GET / HTTP/1.1", evil, auth=False)), 403)
    script = (b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: no-cors")
    one(server.say(request(server, b"GET /app.js HTTP/1.1", *script, auth=False)), 403)
    visit = (b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: navigate")
    one(server.say(request(server, b"GET / HTTP/1.1", *visit, auth=False)), 200)


def cookie_of(server: Visitor) -> str:
    heard = server.ask("POST", "/api/login", {"token": server.token}, bare=True)
    assert heard.status == 204
    return heard.headers["set-cookie"].partition(";")[0]


FORGED = {
    "a form": ((b"Content-Type: application/x-www-form-urlencoded",), True, 415),
    "plain text": ((b"Content-Type: text/plain",), True, 415),
    "a file": ((b"Content-Type: multipart/form-data; boundary=x",), True, 415),
    "nothing said": ((), True, 415),
    "JSON in disguise": ((b"Content-Type: text/plain; application/json",), True, 415),
    "two types": (
        (b"Content-Type: text/plain\r\nContent-Type: application/json", b"X-Axon: 1"),
        True,
        400,
    ),
    "no X-Axon": ((b"Content-Type: application/json",), True, 403),
    "another X-Axon": ((b"Content-Type: application/json", b"X-Axon: 0"), True, 403),
    "no cookie": ((b"Content-Type: application/json", b"X-Axon: 1"), False, 401),
    "all right": ((b"Content-Type: application/json", b"X-Axon: 1"), True, 200),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_cookie_alone_writes_nothing(server: Visitor, name: str) -> None:
    fields, with_cookie, status = FORGED[name]
    if with_cookie:
        fields = (*fields, b"Cookie: " + cookie_of(server).encode())
    line = b"POST /api/team/resume HTTP/1.1"
    data = request(server, line, *fields, b"Content-Length: 2", auth=False, body=b"{}")
    one(server.say(data), status)


CREDENTIALS = {
    "nothing": b"X-Nothing: 1",
    "a wrong token": b"Authorization: Bearer wrong-wrong-wrong-wrong",
    "an empty token": b"Authorization: Bearer ",
    "basic": b"Authorization: Basic TOKEN",
    "the token alone": b"Authorization: TOKEN",
    "the token and more": b"Authorization: Bearer TOKENx",
    "a part of it": b"Authorization: Bearer HALF",
    "in the cookie": b"Cookie: NAME=TOKEN",
    "an empty cookie": b"Cookie: NAME=",
    "a cookie twice": b"Cookie: COOKIE; NAME=x",
    "another name": b"Cookie: axon=TOKEN",
    "high bytes": b"Authorization: Bearer \xff\xfe\xff",
    "a header of ours": b"X-Axon-Token: TOKEN",
    "forwarded": b"X-Forwarded-For: 127.0.0.1",
    "a wrong token beside a good cookie": b"Cookie: COOKIE\r\nAuthorization: Bearer x",
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_nothing_but_the_token_opens(server: Visitor, name: str) -> None:
    cookie = cookie_of(server)
    field = CREDENTIALS[name].replace(b"TOKEN", server.token.encode())
    field = field.replace(b"HALF", server.token[:-1].encode())
    field = field.replace(b"COOKIE", cookie.encode())
    field = field.replace(b"NAME", cookie.partition("=")[0].encode())
    for path in (b"/api/me", b"/api/issues", b"/metrics", b"/api/events", b"/api/nowhere"):
        data = request(server, b"GET " + path + b" HTTP/1.1", field, auth=False)
        assert one(server.say(data), 401).headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "query", ["token=TOKEN", "access_token=TOKEN", "authorization=Bearer+TOKEN"]
)
def test_a_token_in_the_query_opens_nothing(server: Visitor, query: str) -> None:
    for path in ("/api/me", "/api/events"):
        line = f"GET {path}?{query.replace('TOKEN', server.token)} HTTP/1.1".encode()
        one(server.say(request(server, line, auth=False)), 401)


def test_the_cookie_is_none_that_scripts_or_other_sites_get(server: Visitor) -> None:
    heard = server.ask("POST", "/api/login", {"token": server.token}, bare=True)
    told = heard.headers["set-cookie"]
    assert "HttpOnly" in told and "SameSite=Strict" in told and server.token not in told
    wrong = server.ask("POST", "/api/login", {"token": "x" * 43}, bare=True)
    assert wrong.status == 401 and "set-cookie" not in wrong.headers


# ── paths ──

TRAVERSALS = [
    "/../etc/passwd", "/..", "/./app.js", "/static/../../etc/passwd", "/%2e%2e/etc/passwd",
    "/%2E%2E/", "/.%2e/", "/%2e./", "/..%2fetc/passwd", "/..%2Fetc", "/%2e%2e%2fetc",
    "/..%5cetc", "/..\\etc", "/%5c..%5c", "/%c0%ae%c0%ae/etc", "/%c0%af", "/%e0%80%af",
    "/%uff0e", "/%00", "/app.js%00.html", "/%0a", "/%0d%0aX-Evil:1", "/..;/etc", "/.;/x",
    "//etc/passwd", "//evil.example/", "/a//b", "/%", "/%2", "/%zz", "/%ff", "/%7f",
    "/api/../app.js", "/api/issues/..%2f..%2fconfig", "/api/issues/%2e%2e", "/api//issues",
    "/api/sessions/..%2f..%2fledger", "/%2e%2e%2f%2e%2e%2f.axon/ledger.db", "/v/../app.js",
    "/ax\u00e9on".encode().decode("latin-1"),
]  # fmt: skip


@pytest.mark.parametrize("target", TRAVERSALS)
def test_no_path_leads_out(server: Visitor, target: str) -> None:
    line = f"GET {target} HTTP/1.1".encode("latin-1")
    one(server.say(request(server, line)), 400)


HARMLESS = ["/%252e%252e/etc/passwd", "/...", "/..a", "/a..b/", "/.axon/ledger.db", "/%41pp.js"]


@pytest.mark.parametrize("target", HARMLESS)
def test_other_paths_show_the_page_and_no_file_of_ours(server: Visitor, target: str) -> None:
    heard = one(server.say(request(server, f"GET {target} HTTP/1.1".encode(), auth=False)), 200)
    assert heard.headers["content-type"].startswith(("text/html", "text/javascript"))
    assert b"SQLite" not in heard.body


def test_an_unknown_path_of_the_api_is_told_as_json(server: Visitor) -> None:
    for path in (b"/api/nothing", b"/api", b"/api/", b"/api/issues/", b"/api/issues/ENG-1/x"):
        heard = one(server.say(request(server, b"GET " + path + b" HTTP/1.1")), 404)
        assert heard.code == "not_found"


# ── first lines and headers ──

LINES: dict[str, tuple[bytes, int]] = {
    "HTTP/0.9": (b"GET /\r\n", 400),
    "HTTP/0.9 with host": (b"GET /\r\nHost: HOST\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "HTTP/2": (b"GET / HTTP/2.0\r\nHost: HOST\r\n\r\n", 505),
    "HTTP/2 short": (b"GET / HTTP/2\r\nHost: HOST\r\n\r\n", 400),
    "HTTP/3": (b"GET / HTTP/3.0\r\nHost: HOST\r\n\r\n", 505),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: HOST\r\n\r\n", 505),
    "HTTP/0.9 said": (b"GET / HTTP/0.9\r\nHost: HOST\r\n\r\n", 505),
    "HTTP/1.10": (b"GET / HTTP/1.10\r\nHost: HOST\r\n\r\n", 400),
    "small letters": (b"GET / http/1.1\r\nHost: HOST\r\n\r\n", 400),
    "no version": (b"GET / HTTP/\r\nHost: HOST\r\n\r\n", 400),
    "another protocol": (b"GET / RTSP/1.0\r\nHost: HOST\r\n\r\n", 400),
    "two blanks": (b"GET  / HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "a tab": (b"GET\t/\tHTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "a blank at the end": (b"GET / HTTP/1.1 \r\nHost: HOST\r\n\r\n", 400),
    "a blank in the path": (b"GET /a b HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "an empty line first": (b"\r\nGET / HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "no path": (b"GET HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "absolute form": (b"GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "absolute form elsewhere": (b"GET http://evil.example/ HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "authority form": (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "asterisk form": (b"OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "a fragment": (b"GET /#token=x HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "high bytes": (b"GET /\xff HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "bare LF": (b"GET / HTTP/1.1\nHost: HOST\n\n", 400),
    "LF in the middle": (b"GET / HTTP/1.1\r\nHost: HOST\nX: 1\r\n\r\n", 400),
    "bare CR": (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\rEvil: b\r\n\r\n", 400),
    "a NUL": (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\0b\r\n\r\n", 400),
    "a control": (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\x08b\r\n\r\n", 400),
    "a folded line": (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\r\n b\r\n\r\n", 400),
    "folded at once": (b"GET / HTTP/1.1\r\n Host: HOST\r\n\r\n", 400),
    "a blank before the colon": (b"GET / HTTP/1.1\r\nHost : HOST\r\n\r\n", 400),
    "no colon": (b"GET / HTTP/1.1\r\nHost HOST\r\n\r\n", 400),
    "no name": (b"GET / HTTP/1.1\r\nHost: HOST\r\n: x\r\n\r\n", 400),
    "a name with a blank": (b"GET / HTTP/1.1\r\nHost: HOST\r\nX Y: x\r\n\r\n", 400),
    "a name of high bytes": (b"GET / HTTP/1.1\r\nHost: HOST\r\n\xffX: x\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "an empty host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "host twice": (b"GET / HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n", 400),
    "host twice, evil": (b"GET / HTTP/1.1\r\nHost: HOST\r\nhost: evil.example\r\n\r\n", 400),
    "no host in 1.0": (b"GET / HTTP/1.0\r\n\r\n", 400),
    "HTTP/1.0": (b"GET / HTTP/1.0\r\nHost: HOST\r\n\r\n", 200),
    "HTTP/1.0 that wants to stay": (
        b"GET / HTTP/1.0\r\nHost: HOST\r\nConnection: keep-alive\r\n\r\n",
        200,
    ),
    "authorization twice": (
        b"GET / HTTP/1.1\r\nHost: HOST\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
        400,
    ),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", 400),
    "SMTP": (b"EHLO evil.example\r\n", 400),
    "redis": (b"*1\r\n$4\r\nINFO\r\n", 400),
    "a NUL first": (b"\0\0\0\0", 400),
    "an unknown expectation": (b"GET / HTTP/1.1\r\nHost: HOST\r\nExpect: wonders\r\n\r\n", 417),
    "an upgrade": (
        b"GET / HTTP/1.1\r\nHost: HOST\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n",
        200,
    ),
    "a broken query": (b"GET /api/issues?q=%zz HTTP/1.1\r\nHost: HOST\r\nAUTH\r\n\r\n", 400),
    "a query of bytes": (b"GET /api/issues?q=%ff HTTP/1.1\r\nHost: HOST\r\nAUTH\r\n\r\n", 400),
    "a NUL in the query": (b"GET /api/issues?q=%00 HTTP/1.1\r\nHost: HOST\r\nAUTH\r\n\r\n", 400),
    "CR LF in the query": (
        b"GET /api/issues?q=%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: HOST\r\nAUTH\r\n"
        b"Connection: close\r\n\r\n",
        200,
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_what_is_no_request_is_refused_at_once(server: Visitor, name: str) -> None:
    data, status = LINES[name]
    data = data.replace(b"HOST", server.host.encode())
    data = data.replace(b"AUTH", b"Authorization: Bearer " + server.token.encode())
    began = time.monotonic()
    heard = one(server.say(data), status)
    assert time.monotonic() - began < 5
    assert "set-cookie" not in heard.headers and "x-evil" not in heard.headers


OVERSIZED: dict[str, tuple[bytes, int]] = {
    "a long path": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n", 414),
    "an endless path": (b"GET /" + b"a" * 200_000, 414),
    "a long query": (b"GET /?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n", 414),
    "a long header": (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: " + b"a" * 17_000 + 2 * CRLF, 431),
    "an endless header": (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: " + b"a" * 300_000, 431),
    "a long name": (b"GET / HTTP/1.1\r\nHost: HOST\r\n" + b"a" * 200 + b": x" + 2 * CRLF, 400),
    "many headers": (b"GET / HTTP/1.1\r\nHost: HOST\r\n" + b"X-A: 1\r\n" * 70 + CRLF, 431),
    "headers without end": (b"GET / HTTP/1.1\r\nHost: HOST\r\n" + b"X: 1\r\n" * 50_000, 431),
    "a long method": (b"A" * 100 + b" / HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "a long cookie": (
        b"GET / HTTP/1.1\r\nHost: HOST\r\nCookie: a=" + b"b" * 16_500 + 2 * CRLF,
        431,
    ),
}


@pytest.mark.parametrize("name", OVERSIZED)
def test_everything_has_a_size_that_is_too_much(server: Visitor, name: str) -> None:
    data, status = OVERSIZED[name]
    one(server.say(data.replace(b"HOST", server.host.encode())), status)


# ── lengths and codings ──

LENGTHS: dict[str, tuple[tuple[bytes, ...], int]] = {
    "twice the same": ((b"Content-Length: 2", b"Content-Length: 2"), 400),
    "twice another": ((b"Content-Length: 2", b"Content-Length: 3"), 400),
    "a list": ((b"Content-Length: 2, 2",), 400),
    "negative": ((b"Content-Length: -1",), 400),
    "with a sign": ((b"Content-Length: +2",), 400),
    "hexadecimal": ((b"Content-Length: 0x2",), 400),
    "with a point": ((b"Content-Length: 2.0",), 400),
    "with an exponent": ((b"Content-Length: 1e3",), 400),
    "with a blank inside": ((b"Content-Length: 1 2",), 400),
    "with an underscore": ((b"Content-Length: 1_0",), 400),
    "other digits": ((b"Content-Length: \xb2",), 400),
    "a word": ((b"Content-Length: two",), 400),
    "empty": ((b"Content-Length:",), 400),
    "huge": ((b"Content-Length: 99999999999999999999999999",), 413),
    "an int64 and one": ((b"Content-Length: 9223372036854775808",), 413),
    "a gigabyte": ((b"Content-Length: 1073741824",), 413),
    "chunked": ((b"Transfer-Encoding: chunked",), 501),
    "chunked in capitals": ((b"Transfer-Encoding: CHUNKED",), 501),
    "chunked and more": ((b"Transfer-Encoding: gzip, chunked",), 501),
    "identity": ((b"Transfer-Encoding: identity",), 501),
    "compress": ((b"Transfer-Encoding: compress",), 501),
    "obsolete": ((b"Transfer-Encoding: xchunked",), 501),
    "an empty coding": ((b"Transfer-Encoding:",), 501),
    "coding and length": ((b"Content-Length: 2", b"Transfer-Encoding: chunked"), 400),
    "length and coding": ((b"Transfer-Encoding: chunked", b"Content-Length: 2"), 400),
    "coding twice": ((b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), 400),
    "a coding with a tab": ((b"Transfer-Encoding:\tchunked",), 501),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_a_length_is_said_once_and_plainly(server: Visitor, name: str) -> None:
    fields, status = LENGTHS[name]
    line = b"POST /api/team/resume HTTP/1.1"
    smuggled = b"2\r\n{}\r\n0\r\n\r\nGET /api/issues HTTP/1.1\r\n\r\n"
    fields = (b"Content-Type: application/json", *fields)
    one(server.say(request(server, line, *fields, body=smuggled, close=False)), status)


def test_a_body_where_none_belongs_is_refused(server: Visitor) -> None:
    for path in (b"/api/me", b"/", b"/api/events"):
        line = b"GET " + path + b" HTTP/1.1"
        data = request(server, line, b"Content-Length: 5", body=b"hello", close=False)
        one(server.say(data), 400)


def test_a_stranger_need_not_be_heard_out(server: Visitor) -> None:
    """The answer comes before the body: nothing of it is kept."""
    fields = write(length=b"9000000")
    line = b"POST /api/issues HTTP/1.1"
    one(server.say(request(server, line, *fields, auth=False, body=b"{" * 1000)), 401)


# ── bodies ──

BODIES: dict[str, bytes] = {
    "no JSON": b"hello",
    "half of it": b'{"title": "x"',
    "two of them": b"{}{}",
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1",
    "nothing": b"null",
    "NaN": b'{"title": "x", "max_usd": NaN}',
    "infinite": b'{"title": "x", "max_usd": Infinity}',
    "minus infinite": b'{"title": "x", "max_usd": -Infinity}',
    "too large a number": b'{"title": "x", "max_usd": 1e999}',
    "a number of a million digits": b'{"title": "x", "max_turns": ' + b"9" * 20_000 + b"}",
    "a key twice": b'{"title": "x", "title": "y"}',
    "a key twice deeper": b'{"title": "x", "labels": [{"a": 1, "a": 2}]}',
    "deep lists": b'{"title": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep and open": b"[" * 60_000,
    "Latin-1": '{"title": "é"}'.encode("latin-1"),
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"title": "x"}',
    "overlong": b'{"title": "\xc0\xae"}',
    "a surrogate in bytes": b'{"title": "\xed\xa0\x80"}',
    "half a character": b'{"title": "\\ud800"}',
    "the other half": b'{"title": "\\udc00 x"}',
    "half a key": b'{"title": "x", "\\ud800": 1}',
    "a control": b'{"title": "a\x01b"}',
    "a NUL": b'{"title": "x"}\0',
    "a comment": b'{"title": "x"} // yes',
    "a comma": b'{"title": "x",}',
    "single quotes": b"{'title': 'x'}",
    "an unknown key": b'{"title": "x", "admin": true}',
    "no title": b"{}",
    "an empty title": b'{"title": "  "}',
    "a number as title": b'{"title": 5}',
    "a text as list": b'{"title": "x", "labels": "a"}',
    "a priority that is none": b'{"title": "x", "priority": "now"}',
    "a negative limit": b'{"title": "x", "max_turns": -1}',
    "a truth as number": b'{"title": "x", "max_turns": true}',
    "an unknown dependency": b'{"title": "x", "depends": ["ENG-999"]}',
    "a proto": b'{"title": "x", "__proto__": {"admin": true}}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_one_object_of_what_is_known(server: Visitor, name: str) -> None:
    body = BODIES[name]
    line = b"POST /api/issues HTTP/1.1"
    (heard,) = server.say(request(server, line, *write(body=body), body=body))
    assert heard.status == 400 and heard.code == "bad_request", heard


def test_nothing_of_all_that_was_added(server: Visitor) -> None:
    assert server.get("/api/issues")["total"] == 3


def test_a_body_that_is_too_large_is_refused_by_its_length(server: Visitor) -> None:
    for path, size in (
        ("/api/login", 5000),
        ("/api/team/pause", 70_000),
        ("/api/issues", 11 << 20),
    ):
        line = f"POST {path} HTTP/1.1".encode()
        data = request(server, line, *write(length=str(size).encode()), close=False)
        assert one(server.say(data), 413).code == "too_large"


QUERIES = [
    "limit=-1", "limit=99999999", "limit=x", "limit=1e3", "limit=%2b1", "offset=-1", "state=nope",
    "sort=title", "priority=now", "brief=maybe", "nothing=1", "limit=1&limit=2", "limit=١",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_says_what_is_known(server: Visitor, query: str) -> None:
    from urllib.parse import quote

    line = f"GET /api/issues?{quote(query, safe='=&%')} HTTP/1.1".encode()
    assert one(server.say(request(server, line)), 400).code == "bad_request"


# ── methods ──

METHODS = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get", "PROPFIND"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/", "/api/me"])
def test_a_wrong_method_is_told_the_right_ones(server: Visitor, method: str, path: str) -> None:
    fields = write()
    data = request(server, f"{method} {path} HTTP/1.1".encode(), *fields, body=b"{}", close=False)
    heard = one(server.say(data), 405)
    assert heard.headers["allow"] == "GET, HEAD" and heard.code == "method_not_allowed"


def test_what_is_allowed_is_told_of_each_path(server: Visitor) -> None:
    data = request(server, b"PATCH /api/issues/ENG-1 HTTP/1.1", *write(), body=b"{}")
    assert one(server.say(data), 405).headers["allow"] == "DELETE, GET, HEAD, PUT"
    line = b"HEAD /api/events HTTP/1.1"
    with server.connect() as sock:
        sock.sendall(request(server, line))
        assert everything(sock).startswith(b"HTTP/1.1 405 ")


def test_a_head_is_a_get_without_its_body(server: Visitor) -> None:
    for path in (b"/", b"/api/me"):
        with server.connect() as sock:
            sock.sendall(request(server, b"HEAD " + path + b" HTTP/1.1"))
            head, _, body = everything(sock).partition(2 * CRLF)
        assert head.startswith(b"HTTP/1.1 200 ") and b"Content-Length: " in head and not body


# ── one after the other ──


def test_requests_in_a_row_are_answered_in_their_order(server: Visitor) -> None:
    paths = (b"/api/issues/ENG-1", b"/api/issues/ENG-2", b"/api/team", b"/api/issues/ENG-3")
    row = [request(server, b"GET " + p + b" HTTP/1.1", close=False) for p in paths]
    row.append(request(server, b"GET /api/me HTTP/1.1"))
    heard = server.say(b"".join(row))
    assert [one_.status for one_ in heard] == [200] * 5
    assert [heard[n].json()["identifier"] for n in (0, 1, 3)] == ["ENG-1", "ENG-2", "ENG-3"]


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (b"GET /api/me HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET /api/me HTTP/1.1\r\nHost: HOST\r\n\r\n", 401),
        (b"GET /api/nowhere HTTP/1.1\r\nHost: HOST\r\nAUTH\r\n\r\n", 404),
        (b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 400\r\n\r\n", 405),
        (b"POST /api/issues HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\r\n b\r\n\r\n", 400),
    ],
)
def test_nothing_behind_a_refusal_is_looked_at(
    server: Visitor, refused: bytes, status: int
) -> None:
    token = b"Authorization: Bearer " + server.token.encode()
    refused = refused.replace(b"HOST", server.host.encode()).replace(b"AUTH", token)
    fields = write(body=b'{"title": "smuggled"}')
    more = request(
        server, b"POST /api/issues HTTP/1.1", *fields, body=b'{"title": "smuggled"}', close=False
    )
    one(server.say(refused + more + more), status)
    assert server.get("/api/issues?q=smuggled")["total"] == 0


def test_a_request_may_come_byte_by_byte(server: Visitor) -> None:
    with server.connect() as sock:
        for byte in request(server, b"GET /api/me HTTP/1.1"):
            sock.sendall(bytes([byte]))
        (heard,) = responses(everything(sock))
    assert heard.status == 200


def test_who_hangs_up_after_asking_is_answered(server: Visitor) -> None:
    data = request(server, b"GET /api/issues HTTP/1.1", close=False)
    (heard,) = server.say(data, hang_up=True)
    assert heard.status == 200


def test_a_program_that_waits_for_a_hundred_gets_it(server: Visitor) -> None:
    with server.connect() as sock:
        fields = write(b"Expect: 100-continue")
        sock.sendall(request(server, b"POST /api/team/resume HTTP/1.1", *fields))
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"{}")
        (heard,) = responses(everything(sock))
    assert heard.status == 200
    fields = write(b"Expect: 100-continue", length=b"999999999")
    one(server.say(request(server, b"POST /api/team/resume HTTP/1.1", *fields)), 413)


# ── many, slow, silent ──


def many(server: Visitor, count: int) -> list[socket.socket]:
    return [server.connect() for _ in range(count)]


def answers(server: Visitor) -> None:
    began = time.monotonic()
    assert server.get("/api/issues")["total"] == 3
    assert server.ask("GET", "/", bare=True).status == 200
    assert time.monotonic() - began < 20, "it hangs"


def test_five_hundred_slow_ones_keep_nobody_waiting(server: Visitor) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(sock) for sock in many(server, 500)]
        data = request(server, b"GET /api/me HTTP/1.1")
        for place in range(0, 40, 8):
            for sock in slow:
                sock.sendall(data[place : place + 8])
            answers(server)
        body = request(server, b"POST /api/team/resume HTTP/1.1", *write(length=b"60000"))
        half = [stack.enter_context(sock) for sock in many(server, 100)]
        for sock in half:
            sock.sendall(body + b"{")
        answers(server)


def test_two_thousand_idle_ones_keep_nobody_waiting(server: Visitor) -> None:
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(sock) for sock in many(server, 2000)]
        answers(server)
        idle[0].sendall(request(server, b"GET /api/me HTTP/1.1"))  # they are still welcome
        (heard,) = responses(everything(idle[0]))
        assert heard.status == 200


def test_readers_that_never_read_keep_nobody_waiting(server: Visitor) -> None:
    with contextlib.ExitStack() as stack:
        for sock in many(server, 200):
            stack.enter_context(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            ask = request(server, b"GET /api/openapi.json HTTP/1.1", close=False)
            with contextlib.suppress(OSError):
                sock.sendall(ask * 50)
        answers(server)


def test_watchers_that_never_read_are_let_go(server: Visitor) -> None:
    with contextlib.ExitStack() as stack:
        for sock in many(server, 50):
            stack.enter_context(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            sock.sendall(request(server, b"GET /api/events?after=0 HTTP/1.1", close=False))
        for number in range(30):
            server.post("/api/issues/ENG-1/comments", {"body": f"{number} " + "x" * 3000}, 201)
        answers(server)


def test_a_head_that_never_ends_is_given_up(endless: tuple[socket.socket, float]) -> None:
    sock, began = endless
    sock.settimeout(max(5, 15 - (time.monotonic() - began)))
    (heard,) = responses(everything(sock))
    assert heard.status == 408


def test_the_server_is_as_well_as_before(server: Visitor) -> None:
    answers(server)
    assert server.process is not None and server.process.poll() is None
    descriptors = Path(f"/proc/{server.process.pid}/fd")
    if descriptors.exists():
        assert len(os.listdir(descriptors)) < 400
