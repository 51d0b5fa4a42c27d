"""The upstream that plays a script instead of asking a model."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from axon.gateway.delegates import AGENT_ID
from axon.gateway.delegation import subagent_turn
from axon.gateway.messages import error_body, message_of, stream_of, tokens_in
from axon.gateway.newest import newest_words
from axon.gateway.script import (
    Script,
    ScriptFault,
    Turn,
    first_prompt,
    is_side_request,
    turn_number,
)
from axon.gateway.wire import Cut, Hangup, Headers, NoReply, Reply, Request
from axon.ledger import Session

SIDE_TEXT = "The model of this run is scripted: it answers only the main conversation."
JSON: Headers = (("content-type", "application/json"),)
STREAM: Headers = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
BROKEN_EVENT = b'event: content_block_delta\ndata: {"type": "content_block_delta", "ind\n\n'


class ScriptUpstream:
    """Serves each session the turns of its task; nothing is remembered but spent faults."""

    def __init__(self, script: Script, root: str, title_of: Callable[[str], str]) -> None:
        self._script = script
        self._root = Path(root)
        self._title_of = title_of
        self._spoiler = Spoiler()

    def send(self, request: Request, session: Session, hangup: Hangup) -> Reply:
        """See Upstream."""
        if request.path == "/v1/messages/count_tokens":
            body = json.dumps({"input_tokens": tokens_in(len(request.body))}).encode()
            return whole(200, JSON, body)
        if not request.metered:
            status = 200 if request.method == "HEAD" else 404
            return whole(status, JSON, error_body(404, f"nothing at {request.path}"))
        document = request.document()
        number = turn_number(document)
        agent = request.header(AGENT_ID)
        turn = self._turn(document, session, agent, number)
        fault = self._spoiler.due(f"{session.id} {agent} {number}", turn.fault)
        if fault is not None and fault.refuse:
            raise NoReply("connection refused")
        hangup.wait(turn.delay_seconds + (fault.hang_seconds if fault else 0))
        workspace = str(self._root / ".axon" / "work" / session.identifier)
        reply = perform(turn, fault, document, number, workspace, len(request.body), agent)
        stall = fault.stall_seconds if fault else 0.0
        return replace(reply, pieces=paced(reply.pieces, hangup.wait, turn.pace_seconds, stall))

    def _turn(self, document: dict[str, Any], session: Session, agent: str, number: int) -> Turn:
        title = self._title_of(session.identifier)
        if is_side_request(document, agent):
            own = self._script.all_of_task(session.identifier, title) if agent else []
            turn = subagent_turn(self._script, own, document, number)
            return turn or Turn(text=SIDE_TEXT)
        task = self._script.of_task(session.identifier, title, first_prompt(document))
        return self._script.turn(task, number, newest_words(document))

    def close(self) -> None:
        """See Upstream."""


class Spoiler:
    """Counts how often each faulty turn was asked for."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def due(self, key: str, fault: ScriptFault | None) -> ScriptFault | None:
        if fault is None:
            return None
        with self._lock:
            self._asked[key] += 1
            return fault if self._asked[key] <= fault.times else None


def perform(
    turn: Turn,
    fault: ScriptFault | None,
    document: dict[str, Any],
    number: int,
    workspace: str,
    request_bytes: int,
    agent: str = "",
) -> Reply:
    """The reply that a turn makes, spoiled by `fault`; the waiting is the caller's."""
    if fault is not None and fault.status:
        wait = fault.retry_after
        headers = JSON if wait is None else (*JSON, ("retry-after", f"{wait:g}"))
        return whole(fault.status, headers, error_body(fault.status, "as scripted"))
    message = message_of(
        turn,
        model=str(document.get("model") or ""),
        number=number,
        workspace=workspace,
        request_bytes=request_bytes,
        agent=agent,
    )
    if not document.get("stream"):
        reply = whole(200, JSON, json.dumps(message).encode())
        return replace(reply, pieces=_cut(list(reply.pieces))) if fault and fault.cut else reply
    events = list(stream_of(message))
    if fault is not None and fault.malformed:
        events.insert(len(events) // 2, BROKEN_EVENT)
    pieces = _cut(events) if fault is not None and fault.cut else iter(events)
    return Reply(status=200, headers=STREAM, pieces=pieces)


def paced(
    pieces: Iterator[bytes], wait: Callable[[float], object], pause: float, stall: float
) -> Iterator[bytes]:
    """The same with pauses between them, and one of `stall` after the first."""
    for number, piece in enumerate(pieces):
        if number:
            wait(pause + (stall if number == 1 else 0.0))
        yield piece


def whole(status: int, headers: Headers, body: bytes) -> Reply:
    return Reply(status=status, headers=headers, pieces=iter([body]), length=len(body))


def _cut(pieces: list[bytes]) -> Iterator[bytes]:
    """The first half of an answer."""
    body = b"".join(pieces)
    yield body[: len(body) // 2]
    raise Cut("cut, as scripted")
