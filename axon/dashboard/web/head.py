"""Read the head of a request: one way to write it is understood, every other one is refused."""

import re
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from urllib.parse import unquote_to_bytes

from axon.dashboard.web.answer import Refusal
from axon.facts import dataclass

MAX_HEAD = 16 << 10
MAX_TARGET = 8 << 10
MAX_HEADERS = 64
MAX_DIGITS = 15  # of a length: more is no length

REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!-~]+) HTTP/(\d)\.(\d)")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
GZIP = re.compile(r"(?:^|,)gzip(?:;q=([\d.]*))?(?:,|$)")
ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What may stand in several headers, which then mean the same as one.
LISTS = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control", "connection", "via", "te"}
    | {"if-none-match", "pragma", "sec-ch-ua", "x-forwarded-for", "forwarded", "keep-alive"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A request without its body. Header names are in lower case."""

    method: str
    target: str
    path: str  # decoded
    query: str  # not decoded
    headers: dict[str, str]
    length: int
    keep: bool  # does the peer want the connection to stay?
    gzip: bool
    expects: bool  # does it wait for a 100 before it sends the body?


def bad(message: str, status: int = 400, code: str = "bad_request") -> Refusal:
    return Refusal(status, code, message)


def check_start(data: bytes | bytearray) -> None:
    """Refuse at once what cannot become a request, instead of waiting for its end."""
    if data[:1] and not REQUEST_LINE.match(b"%c / HTTP/1.1" % data[0]):
        raise bad("this is no HTTP request")
    end = data.find(b"\n")
    if end < 0:
        if len(data) > MAX_TARGET + 64:
            raise bad("the request target is too long", 414, "too_large")
        return
    _first_line(bytes(data[:end]).removesuffix(b"\r"))
    if data.count(b"\n") != data.count(b"\r\n"):
        raise bad("lines must end with CR LF")


def read_head(data: bytes) -> Head:
    """`data` up to and with the empty line."""
    if data.count(b"\r") != data.count(b"\n") or data.count(b"\n") != data.count(b"\r\n"):
        raise bad("lines must end with CR LF")
    first, *lines = data[:-4].split(b"\r\n")
    target = _first_line(first)  # as it was sent: `http.server` would make // into /
    _check_lines(lines)
    read = _Reader(data)
    headers = _merged(read.headers.items())
    path, query = _target(target)
    words = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    taken = GZIP.search(headers.get("accept-encoding", "").lower().replace(" ", ""))
    return Head(
        method=read.command,
        target=target,
        path=path,
        query=query,
        headers=headers,
        length=_length(headers),
        keep=read.request_version == "HTTP/1.1" and "close" not in words,
        gzip=taken is not None and (taken[1] is None or taken[1].strip("0.") != ""),
        expects=_expects(headers),
    )


class _Reader(BaseHTTPRequestHandler):
    """Has `http.server` read a head that is there as a whole. How long it may take to come, and
    which of the many ways to write one is understood, is decided before."""

    protocol_version = "HTTP/1.1"

    def __init__(self, data: bytes) -> None:
        self.rfile = BytesIO(data)
        self.raw_requestline = self.rfile.readline()
        self.command = ""
        if not self.parse_request():
            raise bad("this is no HTTP request")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        raise bad(message or "this is no HTTP request", code)

    def handle_expect_100(self) -> bool:
        return True  # the loop sends it when the rest is wanted


def _first_line(line: bytes) -> str:
    found = REQUEST_LINE.fullmatch(line)
    if found is None:
        if len(line) > MAX_TARGET:
            raise bad("the request target is too long", 414, "too_large")
        raise bad("the first line must be METHOD /path HTTP/1.1")
    _, target, major, minor = found.groups()
    if major != b"1" or minor not in (b"0", b"1"):
        raise bad("only HTTP/1.1 and HTTP/1.0 are spoken here", 505, "bad_request")
    if len(target) > MAX_TARGET:
        raise bad("the request target is too long", 414, "too_large")
    return target.decode("ascii")


def _check_lines(lines: list[bytes]) -> None:
    if len(lines) > MAX_HEADERS:
        raise bad("there are too many headers", 431, "too_large")
    if not all(FIELD.fullmatch(line) for line in lines):
        raise bad("a header is not NAME: VALUE on one line")


def _merged(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for key, text in items:
        name, value = key.lower(), text.strip(" \t")
        if name in headers:
            if name not in LISTS:
                raise bad(f"the header {name} stands there twice")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def _target(target: str) -> tuple[str, str]:
    if not target.startswith("/") or "#" in target:
        raise bad("the request target must be a path")
    raw, _, query = target.partition("?")
    return decoded(raw), query


def decoded(raw: str) -> str:
    """A path as it is meant; refused when it means something else to somebody else."""
    if ESCAPE.search(raw):
        raise bad("the path has a broken escape")
    for segment in raw.split("/")[1:-1]:
        if not segment:
            raise bad("the path has an empty part")
    if "%" not in raw:
        path = raw
    else:
        if re.search(r"%2f|%5c", raw, re.IGNORECASE):
            raise bad("the path hides a slash")
        try:
            path = unquote_to_bytes(raw).decode("utf-8")
        except UnicodeDecodeError:
            raise bad("the path is not UTF-8") from None
    if "\\" in path or CONTROL.search(path) or path.startswith("//"):
        raise bad("the path has characters that no path has")
    if not {".", ".."}.isdisjoint(part.partition(";")[0].strip() for part in path.split("/")):
        raise bad("the path leads out of its place")
    return path


def _length(headers: dict[str, str]) -> int:
    text = headers.get("content-length")
    if "transfer-encoding" in headers:
        if text is not None:
            raise bad("a request has a length or a transfer coding, not both")
        raise bad("no transfer coding is understood here; send Content-Length", 501)
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise bad("Content-Length must be a number")
    if len(text) > MAX_DIGITS:
        raise bad("the body is too large", 413, "too_large")
    return int(text)


def _expects(headers: dict[str, str]) -> bool:
    expect = headers.get("expect")
    if expect is None:
        return False
    if expect.lower() != "100-continue":
        raise bad("only 100-continue can be expected", 417)
    return True
