"""The quick reading of heads gives what the standard library gives, or leaves it to that."""

import http.client
import io
import socket
from typing import Any

import pytest

from axon.gateway.heads import Response, fields, request_line
from axon.gateway.meter import Meter

PLAIN = (
    b"Host: 127.0.0.1:8000\r\nx-api-key: a b\r\nAccept:*/*\r\n"
    b"X-Empty:\r\nx-two: 1\r\nX-Two:  2\r\n\r\n"
)


def slowly(data: bytes) -> tuple[tuple[str, str], ...]:
    return tuple(http.client.parse_headers(io.BytesIO(data)).items())


def test_plain_headers_are_read_as_the_library_reads_them() -> None:
    found = fields(PLAIN + b"body")
    assert found is not None
    assert found == (slowly(PLAIN), len(PLAIN))
    assert fields(b"GET\r\n\r\nbody", 3 + 2) == ((), 7)


@pytest.mark.parametrize(
    "head",
    [
        b"a: 1\r\nb: 2\r\n",  # its end has not come yet
        b"a: 1\nb: 2\r\n\r\n",
        b"a: 1\r\n b\r\n\r\n",  # folded
        b"a : 1\r\n\r\n",
        b"a\r\n\r\n",
        b": 1\r\n\r\n",
        b"a: 1 \r\n\r\n",
        b"a: \x00\r\n\r\n",
        b"a: 1\r2\r\n\r\n",
        "a: é\r\n\r\n".encode(),
        b"a: 1\r\n" * 100 + b"\r\n",
    ],
)
def test_any_other_head_is_left_to_the_library(head: bytes) -> None:
    assert fields(head) is None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"POST /v1/messages?beta=true HTTP/1.1\r\n", ("POST", "/v1/messages?beta=true")),
        (b"POST //v1 HTTP/1.1\r\n", None),
        (b"POST v1 HTTP/1.1\r\n", None),
        (b"GET /a HTTP/1.0\r\n", None),
        (b"GET /a b HTTP/1.1\r\n", None),
        (b"GET /\xc3\xa9 HTTP/1.1\r\n", None),
        (b"GET /a HTTP/1.1\n", None),
        (b"GET /a\r\n", None),
    ],
)
def test_first_lines(line: bytes, found: tuple[str, str] | None) -> None:
    assert request_line(line) == found


CHUNKED = b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize("method", ["POST", "HEAD"])
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: 1\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n" + CHUNKED,
        b"HTTP/1.1 200\r\nConnection: close\r\n" + CHUNKED,
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n" + CHUNKED,
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
        b"HTTP/1.1 529 \r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 5\r\n\r\nhello",
    ],
)
def test_answers_are_read_as_the_library_reads_them(answer: bytes, method: str) -> None:
    def read(kind: Any) -> tuple[Any, ...]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(answer)
            theirs.shutdown(socket.SHUT_WR)
            response = kind(ours, method=method)
            response.begin()
            headers = response.fields if kind is Response else tuple(response.getheaders())
            told = (response.status, response.reason, response.version, response.length)
            body = response.read()
            response.close()
            return (*told, response.will_close, [value.split() for _, value in headers], body)

    assert read(Response) == read(http.client.HTTPResponse)


def test_the_models_last_word_is_seen_however_it_is_cut() -> None:
    event = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    for size in (1, 3, 7, 20, len(event)):
        meter = Meter((("content-type", "text/event-stream"),))
        pieces = [event[at : at + size] for at in range(0, len(event), size)]
        first = next(n for n, piece in enumerate(pieces) if meter.may_end(piece))
        assert b"message_stop" in b"".join(pieces[: first + 1])
        assert b"message_stop" not in b"".join(pieces[:first])
    packed = Meter((("content-type", "text/event-stream"), ("content-encoding", "gzip")))
    assert packed.may_end(b"\x1f")
