"""What is sent back: a status, a body and the headers that every answer carries."""

import gzip
import json
import time
from collections.abc import Mapping
from dataclasses import field
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

from axon.facts import dataclass

COMPRESSIBLE = ("text/", "application/json", "application/javascript", "image/svg")
LEAST_TO_COMPRESS = 1000  # bytes: below that an answer fits a packet anyway
LEVEL = 5
JSON = "application/json; charset=utf-8"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ALWAYS = (
    f"Content-Security-Policy: {POLICY}\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
)


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer, ready to be sent to any number of connections."""

    status: int = 200
    body: bytes = b""
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    revalidate: bool = True  # may `etag` stand for the body in If-None-Match?
    close: bool = False  # hang up once it is sent
    squeezed: bytes = b""  # the body for those who take gzip; empty: the same
    small: bool = True  # or may it be squeezed when somebody asks for that?
    _heads: dict[tuple[bool, bool], bytes] = field(default_factory=dict)

    def pack(self) -> bytes:
        """The body for those who take gzip; made when the first of them comes."""
        if not self.small and not self.squeezed:
            self.small = True
            self._heads.clear()
            squeeze(self, 9)
        return self.squeezed

    def head(self, *, gzipped: bool, bare: bool = False) -> bytes:
        """Everything between the date and the empty line. `bare`: of a 304."""
        known = self._heads.get((gzipped, bare))
        if known is None:
            known = self._heads[gzipped, bare] = self._made(gzipped, bare)
        return known

    def _made(self, gzipped: bool, bare: bool) -> bytes:
        lines = [ALWAYS, *(f"{name}: {value}\r\n" for name, value in self.headers.items())]
        if "Cache-Control" not in self.headers:
            lines.append("Cache-Control: no-store\r\n")
        if self.squeezed:
            lines.append("Vary: Accept-Encoding\r\n")
        if self.etag:
            lines.append(f"ETag: {self.etag}\r\n")
        if not bare and self.status not in (204, 304):
            body = self.squeezed if gzipped else self.body
            lines += [f"Content-Type: {self.kind}\r\n", f"Content-Length: {len(body)}\r\n"]
            if gzipped:
                lines.append("Content-Encoding: gzip\r\n")
        return "".join(lines).encode("latin-1")


def data_answer(data: Any, *, status: int = 200, **facts: Any) -> Answer:
    return Answer(status=status, body=encode(data), **facts)


def encode(data: Any) -> bytes:
    """Compact JSON; what UTF-8 has no bytes for is escaped."""
    try:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()


def tagged(answer: Answer) -> Answer:
    """With a hash of its body as its tag, unless it has one."""
    if not answer.etag and answer.status == 200:
        answer.etag = f'"{blake2b(answer.body, digest_size=9).hexdigest()}"'
    return answer


def squeeze(answer: Answer, level: int = LEVEL) -> Answer:
    """With a compressed body too, where that is worth it."""
    if len(answer.body) >= LEAST_TO_COMPRESS and answer.kind.startswith(COMPRESSIBLE):
        answer.squeezed = gzip.compress(answer.body, level, mtime=0)
    return answer


def refusal(status: int, code: str, message: str, **headers: str) -> Answer:
    """A request that is turned away; who sent it is hung up on."""
    body = {"error": {"code": code, "message": message}}
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return data_answer(body, status=status, headers=named, close=True)


class Refusal(Exception):
    """Raised where a request turns out to be none that can be answered."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.answer = refusal(status, code, message, **headers)


class _Lines:
    """Status line and date, made once a second."""

    def __init__(self) -> None:
        self._at = 0
        self._made: dict[tuple[int, bool], bytes] = {}

    def __call__(self, status: int, keep: bool) -> bytes:
        now = int(time.time())
        if now != self._at:
            self._at = now
            self._made.clear()
        line = self._made.get((status, keep))
        if line is None:
            date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))
            last = "" if keep else "Connection: close\r\n"
            text = f"HTTP/1.1 {status} {phrase(status)}\r\nDate: {date}\r\n{last}"
            line = self._made[status, keep] = text.encode("ascii")
        return line


first_lines = _Lines()


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
