"""Records what passes between the agents and the model to a cassette; never in their way."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from axon.gateway.cassette import Exchange, append, line_of
from axon.gateway.delegates import AGENT_ID
from axon.gateway.essence import PROJECT, Essence, digest, essence
from axon.gateway.places import renamed, renamed_events
from axon.gateway.wire import Cut, Hangup, Headers, Reply, Request, Upstream, header
from axon.ledger import Session
from axon.security.secrets import Redactor

log = logging.getLogger(__name__)

LARGEST_ANSWER = 64 << 20
COUNT = "/v1/messages/count_tokens"


class Recording:
    """An upstream that keeps what another one answers."""

    def __init__(
        self,
        upstream: Upstream,
        path: Path,
        root: str,
        redactor: Redactor,
        title_of: Callable[[str], str],
    ) -> None:
        self._upstream, self._path, self._root = upstream, path, root
        self._redactor, self._title_of = redactor, title_of
        self._lock = threading.Lock()
        self._parts: set[str] = set()
        self._broken = False
        self._began = time.monotonic()

    def send(self, request: Request, session: Session, hangup: Hangup) -> Reply:
        """See Upstream. Refusals that pass are the gateway's business, not the agents'."""
        started = time.monotonic()
        reply = self._upstream.send(request, session, hangup)
        asks = request.metered or request.path == COUNT
        if not asks or reply.status in (401, 403, 429) or reply.status >= 500 or self._broken:
            return reply
        return replace(reply, pieces=self._copied(reply, request, session, started))

    def close(self) -> None:
        """See Upstream."""
        self._upstream.close()

    def _copied(
        self, reply: Reply, request: Request, session: Session, started: float
    ) -> Iterator[bytes]:
        pieces: list[tuple[float, bytes]] = []
        began, size, cut = time.monotonic() - started, 0, False
        try:
            for piece in reply.pieces:
                size += len(piece)
                if size <= LARGEST_ANSWER:
                    pieces.append((time.monotonic() - started, piece))
                yield piece
        except Cut:
            cut = True
            raise
        finally:
            # a child that hung up closes this; what it had not read to its end is not kept
            if cut or not _abandoned(reply, size):
                self._keep(reply, request, session, (started, began), pieces, cut)

    def _keep(
        self,
        reply: Reply,
        request: Request,
        session: Session,
        times: tuple[float, float],
        pieces: list[tuple[float, bytes]],
        cut: bool,
    ) -> None:
        started, began = times
        try:
            found = essence(request.document(), self._root)
            exchange = self._exchange(reply, request, session, found)
            events, body = _answer(reply.headers, pieces)
            exchange = replace(
                exchange,
                at=round(started - self._began, 3),
                seconds=round(began, 3),
                events=tuple(renamed_events(events, self._named)),
                body=renamed(body, self._named),
                cut=cut,
            )
            with self._lock:
                parts = {digest(text): text for text in (found.system, found.tools)}
                new = [name for name in parts if name not in self._parts]
                lines = [{"part": n, "text": self._redactor.text(parts[n])} for n in new]
                append(self._path, *lines, line_of(exchange))
                self._parts.update(new)
        except Exception as error:  # whatever it is: agents go on, the recording does not
            self._broken = True
            log.error("recording ended reason=%r", str(error))

    def _exchange(
        self, reply: Reply, request: Request, session: Session, found: Essence
    ) -> Exchange:
        return Exchange(
            task=session.identifier,
            title=self._title_of(session.identifier),
            agent="subagent" if request.header(AGENT_ID) else "",
            path=request.path,
            turn=found.turn,
            model=found.model,
            system=digest(found.system),
            tools=digest(found.tools),
            before=found.before,
            asks=tuple(self._redactor.text(text) for text in found.asks),
            status=reply.status,
        )

    def _named(self, text: str) -> str:
        return self._redactor.text(text.replace(self._root, PROJECT))


def _abandoned(reply: Reply, size: int) -> bool:
    return reply.length is not None and size < reply.length


def _answer(
    headers: Headers, pieces: list[tuple[float, bytes]]
) -> tuple[list[tuple[float, Any]], Any]:
    """Its events, or its body; what is no JSON as a text."""
    whole = b"".join(piece for _, piece in pieces)
    if header(headers, "content-type").partition(";")[0].strip() != "text/event-stream":
        return [], _parsed(whole.decode("utf-8", "replace"))
    events: list[tuple[float, Any]] = []
    rest = b""
    for at, piece in pieces:
        *blocks, rest = (rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        events += [(round(at, 3), _event(block.decode("utf-8", "replace"))) for block in blocks]
    if rest.strip():
        events.append((round(pieces[-1][0], 3), {"raw": rest.decode("utf-8", "replace")}))
    return events, None


def _event(block: str) -> Any:
    """The JSON of an event whose name is its type; anything else as it came."""
    lines = block.split("\n")
    data = [line[5:].strip() for line in lines if line.startswith("data:")]
    found = _parsed(data[0]) if len(data) == 1 and len(lines) == 2 else None
    if isinstance(found, dict) and f"event: {found.get('type')}" in lines:
        return found
    return {"raw": block + "\n\n"}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
