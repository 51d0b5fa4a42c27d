"""Read what an answer used from a copy of its bytes, without holding them up."""

import json
import time
import zlib
from typing import Any

from axon.gateway.prices import Tokens
from axon.gateway.wire import Headers, header

LONGEST_LINE = 1 << 20  # events that carry usage are far shorter
LARGEST_BODY = 64 << 20
LONGEST_CALL = 1 << 20
STOP = b"message_stop"
DELEGATING = (b'"Agent"', b'"Task"')  # calls of these tools are looked at


class Meter:
    """Follows one answer; broken or giant events are passed over, never an error."""

    def __init__(self, headers: Headers) -> None:
        kind = header(headers, "content-type").partition(";")[0].strip().lower()
        packed = header(headers, "content-encoding").lower() in ("gzip", "x-gzip", "deflate")
        self.model = ""
        self.seen = False  # usage was told
        self.ended = False  # the model's last word was said
        self.error = ""  # type of an error told in mid-stream
        self.first_token_at: float | None = None  # monotonic
        self.calls: list[tuple[str, dict[str, Any]]] = []  # that start subagents
        self._call: tuple[str, bytearray] | None = None  # one whose input is still coming
        self._streamed = kind == "text/event-stream"
        self._whole = kind == "application/json"
        self._unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None
        self._tail = b""
        self._buffer = bytearray()
        self._scanned = 0
        self._usage: dict[str, Any] = {}

    def may_end(self, piece: bytes) -> bool:
        """Whether the model's last word may be in `piece`, which was not fed yet."""
        seen = self._tail + piece
        self._tail = seen[-len(STOP) :]
        return self._unpack is not None or STOP in seen

    def feed(self, piece: bytes) -> None:
        if self._unpack is not None:
            try:
                piece = self._unpack.decompress(piece, LARGEST_BODY)
            except zlib.error:
                self._streamed = self._whole = False
        if self._streamed:
            self._feed_lines(piece)
        elif self._whole and len(self._buffer) + len(piece) <= LARGEST_BODY:
            self._buffer += piece

    def finish(self) -> None:
        """No more is to come."""
        if self._whole and self._buffer:
            document = _parsed(self._buffer)
            self._take_message(document)
            self.ended = bool(document)

    @property
    def tokens(self) -> Tokens:
        writes = self._usage.get("cache_creation")
        searches = self._usage.get("server_tool_use")
        return Tokens(
            input=_count(self._usage, "input_tokens"),
            output=_count(self._usage, "output_tokens"),
            cache_read=_count(self._usage, "cache_read_input_tokens"),
            cache_write=_count(self._usage, "cache_creation_input_tokens"),
            cache_write_1h=_count(writes, "ephemeral_1h_input_tokens"),
            searches=_count(searches, "web_search_requests"),
            fast=self._usage.get("speed") == "fast",
        )

    def _feed_lines(self, piece: bytes) -> None:
        self._buffer += piece
        start = 0
        while (end := self._buffer.find(b"\n", self._scanned)) >= 0:
            self._take_line(self._buffer[start:end])
            start = self._scanned = end + 1
        del self._buffer[:start]
        self._scanned = len(self._buffer)
        if self._scanned > LONGEST_LINE:
            self._buffer.clear()  # its rest will not look like an event
            self._scanned = 0

    def _take_line(self, line: bytearray) -> None:
        if not line.startswith(b"data:"):
            return
        if self.first_token_at is None and b'"content_block_delta"' in line:
            self.first_token_at = time.monotonic()
        if self._call is not None or (b'"tool_use"' in line and _delegates(line)):
            self._follow_call(_parsed(line[5:]))
        if b'"usage"' not in line and STOP not in line and b'"error"' not in line:
            return
        event = _parsed(line[5:])
        kind = event.get("type")
        if kind == "message_start":
            self._take_message(event.get("message"))
        elif kind == "message_delta":
            self._take_usage(event.get("usage"))
        elif kind == "message_stop":
            self.ended = True
        elif kind == "error" and isinstance(event.get("error"), dict):
            self.error = str(event["error"].get("type", "api_error"))

    def _follow_call(self, event: dict[str, Any]) -> None:
        """Blocks of an answer come one after the other."""
        kind = event.get("type")
        if kind == "content_block_start":
            block = event.get("content_block")
            if isinstance(block, dict) and block.get("type") == "tool_use":
                self._call = (str(block.get("name")), bytearray())
        elif kind == "content_block_delta" and self._call is not None:
            delta = event.get("delta")
            piece = str(delta.get("partial_json") or "") if isinstance(delta, dict) else ""
            self._call[1].extend(piece.encode("utf-8", "replace")[:LONGEST_CALL])
            if len(self._call[1]) > LONGEST_CALL:
                self._call = None
        elif kind == "content_block_stop" and self._call is not None:
            self.calls.append((self._call[0], _parsed(self._call[1])))
            self._call = None

    def _take_message(self, message: Any) -> None:
        if isinstance(message, dict):
            self.model = str(message.get("model") or self.model)
            self._take_usage(message.get("usage"))
            content = message.get("content")
            for block in content if isinstance(content, list) else ():
                if isinstance(block, dict) and block.get("type") == "tool_use":
                    given = block.get("input")
                    self.calls.append(
                        (str(block.get("name")), given if isinstance(given, dict) else {})
                    )

    def _take_usage(self, usage: Any) -> None:
        """Figures are totals so far; some servers leave out in one event what another told."""
        if isinstance(usage, dict):
            self.seen = True
            for key, item in usage.items():
                if isinstance(item, int):
                    self._usage[key] = max(item, _count(self._usage, key))
                elif item is not None:
                    self._usage[key] = item


def _delegates(line: bytearray) -> bool:
    return any(name in line for name in DELEGATING)


def _parsed(text: bytes | bytearray) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _count(usage: Any, name: str) -> int:
    found = usage.get(name) if isinstance(usage, dict) else None
    return found if isinstance(found, int) and 0 <= found < 1 << 50 else 0
