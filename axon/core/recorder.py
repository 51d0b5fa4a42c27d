"""Keeps what an agent did, line by line, without ever getting in its way."""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from axon.core.payload import PAYLOAD_BYTES, Redact, clean, encode, encode_cut
from axon.core.playback import last_seq
from axon.engines import EngineEvent

log = logging.getLogger(__name__)

FIELDS = ("agent", "tool", "call", "text", "input", "output", "data")
INLINE_BYTES = 16 << 10  # larger payloads go to a file named by their hash
HEAD_CHARS = 500
RETRY_SECONDS = 1.0  # between attempts to write again after an error


class Recorder:
    """One session in `.axon/sessions/<id>.jsonl`; `redact` maps JSON-able values to the same.

    What cannot be written is counted, said once in the log, and marked by a `gap` line as
    soon as writing works again.
    """

    def __init__(
        self,
        folder: Path,
        session_id: str,
        redact: Redact,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = folder / "sessions" / f"{session_id}.jsonl"
        self._blobs = folder / "blobs"
        self._redact = redact
        self._clock = clock
        self._started = clock()
        self._alone = threading.Lock()
        self._descriptor = -1
        self._seq = 0
        self._lost = 0
        self._retry_at = 0.0
        self._warned = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._alone:
            if self._lost:
                self._save(None)
            self._close()

    def write(self, event: EngineEvent) -> None:
        """Record `event`; on the file when this returns, if the file can be written at all."""
        self._record(event.kind, {name: getattr(event, name) for name in FIELDS})

    def note(self, kind: str, **facts: Any) -> None:
        """Record something the runner did; facts that are no fields go into `data`."""
        found = {name: facts.pop(name) for name in FIELDS if name in facts}
        data = found.get("data")
        if facts:
            found["data"] = {**data, **facts} if isinstance(data, dict) else facts
        self._record(kind, found)

    def _record(self, kind: str, values: dict[str, Any]) -> None:
        with self._alone:
            if self._clock() < self._retry_at:
                self._lost += 1
                return
            kept: dict[str, Any] = {"kind": kind}
            for name in FIELDS:
                value = values.get(name)
                if value is not None and value != "" and value != {}:
                    kept[name] = clean(value, self._redact)
            self._save(kept)

    def _save(self, kept: dict[str, Any] | None) -> None:
        """Append `kept`, after a `gap` line when something was lost before it."""
        try:
            if self._descriptor < 0 or not os.fstat(self._descriptor).st_nlink:
                self._open()
            if self._lost:
                self._append({"kind": "gap", "lost": self._lost})
                self._lost = 0
            if kept is not None:
                self._append({k: v if k == "kind" else self._stored(v) for k, v in kept.items()})
        except OSError as error:
            self._lost += kept is not None
            self._retry_at = self._clock() + RETRY_SECONDS
            self._close()
            if not self._warned:
                self._warned = True
                log.warning("recording stopped path=%s reason=%r", self.path, str(error))

    def _append(self, line: dict[str, Any]) -> None:
        """One write for the whole line, so that no reader sees two of them mixed."""
        at = round(self._clock() - self._started, 3)
        data = encode({"seq": self._seq + 1, "at": at, **line}) + b"\n"
        if (written := os.write(self._descriptor, data)) < len(data):
            raise OSError(f"only {written} of {len(data)} bytes written")
        self._seq += 1

    def _open(self) -> None:
        """Open or make the file; the count goes on, and a line torn by a kill is ended."""
        self._close()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self.path, flags, 0o600)
        size = os.fstat(self._descriptor).st_size
        if not size:
            return
        self._seq = max(self._seq, last_seq(self.path))
        if os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _stored(self, value: Any) -> Any:
        """`value`, or when it is large what stands for it: where it is and how it begins."""
        data = encode(value)
        if len(data) <= INLINE_BYTES:
            return value
        text = value if isinstance(value, str) else data.decode()
        kept = data if len(data) <= PAYLOAD_BYTES else encode_cut(text)
        cut = {} if kept is data else {"cut": True}
        return {"blob": self._keep(kept), "bytes": len(kept), "head": text[:HEAD_CHARS], **cut}

    def _keep(self, data: bytes) -> str:
        """Store `data` under its hash, complete or not at all."""
        name = hashlib.sha256(data).hexdigest()
        path = self._blobs / name
        if path.is_file() and path.stat().st_size == len(data):
            return name
        self._blobs.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._blobs / f".{name[:16]}-{os.getpid()}-{time.monotonic_ns()}"
        try:
            with open(
                os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as file:
                file.write(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return name
