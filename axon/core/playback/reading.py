"""Events of a session file, however it ended: torn, damaged, or still being written."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from axon.errors import AxonError

MAX_LINE_BYTES = 4 << 20  # no recorder writes such a line; what is longer is damage
_CHUNK = 256 << 10
LAST_BYTES = 64 << 10
_HASH = re.compile(r"[0-9a-f]{64}")


class Tail:
    """Reads on where it stopped; a file that does not exist yet is an empty one."""

    def __init__(self, path: Path, after: int = 0, *, offset: int = 0, seq: int = 0) -> None:
        """`offset`: begin at that byte, where a line begins; `seq`: of the event before it."""
        self._path = path
        self._after = after
        self._offset = self.passed = offset  # `passed`: all before it was told
        self._rest = b""  # the line that is not complete yet
        self._dropped = 0  # bytes of it that were too many to keep
        self._seq = seq

    def read(self) -> Iterator[dict[str, Any]]:
        """The events of all lines completed since the last time."""
        while chunk := self._chunk():
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                self.passed += len(line) + 1 + self._dropped
                yield from self._event(line)
            if len(self._rest) > MAX_LINE_BYTES:
                self._dropped += len(self._rest)
                self._rest = b""

    def unfinished(self) -> Iterator[dict[str, Any]]:
        """The last line, if only its end is missing; what a kill tore is no damage."""
        if self._rest and not self._dropped and _parsed(self._rest):
            yield from self._event(self._rest)
            self._rest = b""

    def _chunk(self) -> bytes:
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                chunk = file.read(_CHUNK)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise AxonError(
                f"cannot read {self._path}: {error.strerror}; check its permissions"
            ) from None
        self._offset += len(chunk)
        return chunk

    def _event(self, line: bytes) -> Iterator[dict[str, Any]]:
        size, self._dropped = len(line) + self._dropped, 0
        event = _parsed(line) if size == len(line) else None
        if event is None:
            # it has no number of its own: it stands after the one before it
            event = {"seq": self._seq, "kind": "damaged", "bytes": size}
            if not size or (self._after and self._seq <= self._after):
                return
        else:
            self._seq = event["seq"]
            if self._seq <= self._after:
                return
        yield event


def read_events(path: Path, after: int = 0) -> Iterator[dict[str, Any]]:
    """What was recorded after event number `after`."""
    tail = Tail(path, after)
    yield from tail.read()
    yield from tail.unfinished()


def follow(
    path: Path, stop: Callable[[], bool], *, after: int = 0, poll_seconds: float = 0.2
) -> Iterator[dict[str, Any]]:
    """The same, and then what comes, until `stop()`; what was written before it is not missed."""
    tail = Tail(path, after)
    while not stop():
        yield from tail.read()
        time.sleep(poll_seconds)
    yield from tail.read()
    yield from tail.unfinished()


def last_seq(path: Path) -> int:
    """The number of the last whole event; looks at the end of the file only."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MAX_LINE_BYTES))
        lines = file.read().split(b"\n")
    return next((event["seq"] for line in reversed(lines) if (event := _parsed(line))), 0)


def last_words(path: Path) -> tuple[str, str]:
    """The tool used last and the line said last, from the end of the file only; "" if none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - LAST_BYTES))
            lines = file.read().split(b"\n")
    except OSError:
        return "", ""
    tool = said = ""
    for line in reversed(lines):
        event = _parsed(line)
        if event is None:
            continue
        if event["kind"] == "tool" and not tool:
            tool = str(event.get("tool") or "")
        if event["kind"] == "text" and not said and isinstance(event.get("text"), str):
            said = next((x for x in reversed(event["text"].splitlines()) if x.strip()), "").strip()
        if tool and said:
            break
    return tool, said


def is_blob(value: Any) -> bool:
    """Whether `value` stands for a payload that was stored apart."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("blob"), str)
        and isinstance(value.get("bytes"), int)
        and isinstance(value.get("head"), str)
        and bool(_HASH.fullmatch(value["blob"]))
    )


def blob(folder: Path, sha: str) -> Any:
    """A payload stored apart, from `folder`/blobs; None when it is gone or damaged."""
    if not _HASH.fullmatch(sha):
        return None
    try:
        data = (folder / "blobs" / sha).read_bytes()
    except OSError:
        return None
    return json.loads(data) if hashlib.sha256(data).hexdigest() == sha else None


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        return None
    return event if type(event.get("seq")) is int else None
