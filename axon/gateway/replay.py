"""The upstream that answers as a cassette has it, and says what is not as it was recorded."""

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from axon.gateway.cassette import Cassette, Exchange
from axon.gateway.delegates import AGENT_ID
from axon.gateway.essence import PROJECT, Essence, difference, digest, essence
from axon.gateway.messages import event, tokens_in
from axon.gateway.places import renamed, renamed_events
from axon.gateway.recording import COUNT
from axon.gateway.wire import Answer, Cut, Hangup, Headers, Reply, Request, problem, whole
from axon.ledger import Session

log = logging.getLogger(__name__)

MISMATCH = "replay_mismatch"  # the type of the error that no real endpoint gives
PATIENCE_SECONDS, LOOK_SECONDS = 10.0, 0.05
JSON: Headers = (("content-type", "application/json"),)
STREAM: Headers = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))


@dataclass(slots=True)
class Replay:
    """Strict: only what was asked then is answered. Else: the same turn of the same task."""

    cassette: Cassette
    root: str
    title_of: Callable[[str], str]
    strict: bool = True
    speed: float = 1.0  # times as fast as recorded; 0: without waiting
    _used: set[int] = field(default_factory=set)
    _exact: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _began: float = 0.0  # monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for number, one in enumerate(self.cassette.exchanges):
            self._exact[_key(one)].append(number)

    def send(self, request: Request, session: Session, hangup: Hangup) -> Reply:
        """See Upstream."""
        if not request.metered and request.path != COUNT:
            status = 200 if request.method == "HEAD" else 404
            why = f"axon: nothing at {request.path} in a replay"
            return whole(Answer(status=status, headers=JSON, body=problem(404, "x", why).body))
        asked = essence(request.document(), self.root)
        title = self.title_of(session.identifier)
        agent = "subagent" if request.header(AGENT_ID) else ""
        found = self._find(asked, title, agent, request.path)
        if found is not None:
            self._in_order(found, hangup)
            return self._play(found, hangup)
        if request.path == COUNT:
            body = json.dumps({"input_tokens": tokens_in(len(request.body))}).encode()
            return whole(Answer(status=200, headers=JSON, body=body))
        why = self._mismatch(asked, title, agent)
        log.error("replay mismatch task=%s\n%s", session.identifier, why)
        return whole(problem(400, MISMATCH, f"{session.identifier}: {why}"))

    def close(self) -> None:
        """See Upstream."""

    def _find(self, asked: Essence, title: str, agent: str, path: str) -> Exchange | None:
        """The first that was not played yet; one asked for again is played again."""
        key = _digest(
            path, asked.model, digest(asked.system), digest(asked.tools), asked.before, asked.asks
        )
        known = self.cassette.exchanges
        with self._lock:
            numbers = [n for n in self._exact.get(key, ()) if known[n].title == title]
            numbers = numbers or self._exact.get(key, [])
            if not numbers and not self.strict:
                numbers = [
                    number
                    for number, one in enumerate(known)
                    if (one.title, one.agent, one.turn, one.path)
                    == (title, agent, asked.turn, path)
                ]
            if not numbers:
                return None
            number = next((n for n in numbers if n not in self._used), numbers[-1])
            self._used.add(number)
            return known[number]

    def _in_order(self, one: Exchange, hangup: Hangup) -> None:
        """Not before those that had ended then, nor sooner: tasks meet where they met.

        What does not come is waited for only so long.
        """
        now = time.monotonic()
        if not self._began:
            self._began = now - (one.at / self.speed if self.speed > 0 else 0.0)
        self._wait(self._began, one.at, hangup)
        if not self.strict:
            return
        known = self.cassette.exchanges
        earlier = {n for n, other in enumerate(known) if other.ended < one.at}
        while not earlier <= self._used and time.monotonic() < now + PATIENCE_SECONDS:
            hangup.wait(LOOK_SECONDS)

    def _mismatch(self, asked: Essence, title: str, agent: str) -> str:
        where = f"turn {asked.turn + 1} of {title!r}{' (a subagent)' if agent else ''}"
        own = [one for one in self.cassette.exchanges if (one.title, one.agent) == (title, agent)]
        same = [one for one in own if one.turn == asked.turn]
        if not same:
            what = "has no such turn" if own else "has no such task"
            return f"the cassette {what}: {where}; record it anew"
        nearest = max(same, key=lambda one: sum(_like(one, asked)))
        return f"{where} is not as recorded:\n{self._differences(nearest, asked)}"

    def _differences(self, recorded: Exchange, asked: Essence) -> str:
        parts = self.cassette.parts
        if recorded.model != asked.model:
            return f"-model {recorded.model}\n+model {asked.model}"
        for what, name, text in (
            ("system prompt", recorded.system, asked.system),
            ("tools", recorded.tools, asked.tools),
        ):
            if name != digest(text):
                return f"{what}:\n{difference([parts.get(name, '')], [text])}"
        if recorded.asks != asked.asks:
            return difference(recorded.asks, asked.asks)
        return "what was said before is another: see the turns before it"

    def _play(self, one: Exchange, hangup: Hangup) -> Reply:
        started = time.monotonic()
        self._wait(started, one.seconds, hangup)
        filled: Callable[[str], str] = lambda text: text.replace(PROJECT, self.root)  # noqa: E731
        if not one.events and not one.cut:
            body = renamed(one.body, filled)
            data = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
            return whole(Answer(status=one.status, headers=JSON, body=data.encode()))
        events = renamed_events(one.events, filled)
        return Reply(
            status=one.status,
            headers=STREAM,
            pieces=self._pieces(events, one.cut, started, hangup),
        )

    def _pieces(
        self, events: list[tuple[float, Any]], cut: bool, started: float, hangup: Hangup
    ) -> Iterator[bytes]:
        for at, found in events:
            self._wait(started, at, hangup)
            if set(found) == {"raw"}:
                yield str(found["raw"]).encode()
            else:
                yield event(found["type"], **{k: v for k, v in found.items() if k != "type"})
        if cut:
            raise Cut("cut, as recorded")

    def _wait(self, started: float, seconds: float, hangup: Hangup) -> None:
        if self.speed > 0:
            hangup.wait(started + seconds / self.speed - time.monotonic())


def _key(one: Exchange) -> str:
    return _digest(one.path, one.model, one.system, one.tools, one.before, one.asks)


def _digest(
    path: str, model: str, system: str, tools: str, before: str, asks: tuple[str, ...]
) -> str:
    return digest(path, model, system, tools, before, *asks)


def _like(one: Exchange, asked: Essence) -> tuple[bool, ...]:
    return (
        one.before == asked.before,
        one.asks == asked.asks,
        one.system == digest(asked.system),
        one.tools == digest(asked.tools),
    )
