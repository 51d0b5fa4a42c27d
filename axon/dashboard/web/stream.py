"""One thread for all who watch: each gets every event once, in order, however often it comes back.

A stream goes on behind the event that its peer has seen last. Whoever is behind reads the history
page by page as fast as it takes it; whoever is not is sent what is new. Nobody is waited for.
"""

import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE
from typing import Protocol

from axon.dashboard.web.answer import ALWAYS, first_lines
from axon.dashboard.web.plan import Stream
from axon.errors import AxonError
from axon.facts import dataclass

log = logging.getLogger(__name__)

TICK_SECONDS, ALONE_SECONDS = 0.05, 0.5  # between two looks, with and without watchers
TEAM_SECONDS = 0.5
BEAT_SECONDS = 15.0
PAGE = 500
PAGES_A_TICK = 64  # of those who are behind
MOST_HELD = 256 << 10  # bytes that a reader may be behind
KERNEL_BYTES = 64 << 10
STUCK_SECONDS = 30.0
HEAD = (
    ALWAYS + "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\n"
    "X-Accel-Buffering: no\r\n\r\nretry: 1000\n\n"
).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event as it is sent."""

    seq: int
    identifier: str
    run: str
    data: bytes


class Feed(Protocol):
    """Where the news comes from; opened and used by the broadcaster's thread."""

    def pulse(self) -> int: ...
    def last_seq(self) -> int: ...
    def events(self, after: int, limit: int) -> Sequence[Told]: ...
    def team(self) -> bytes:
        """What everybody is shown; empty when it cannot be told."""
        ...


class Watcher:
    """One stream. `seq` is the last event that it has, or has been passed over for it."""

    __slots__ = ("fd", "identifier", "rest", "run", "seq", "sock", "stale", "stuck")

    def __init__(self, sock: socket.socket, stream: Stream) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.identifier = stream.identifier
        self.run = stream.run
        self.seq = stream.after if stream.after is not None else -1
        self.rest = b""  # what it has not taken yet
        self.stuck = 0.0  # since when it takes nothing
        self.stale = False  # must be told of the team once it takes something again

    def wants(self, told: Told) -> bool:
        return (not self.identifier or told.identifier == self.identifier) and (
            not self.run or told.run == self.run
        )


class Broadcaster:
    def __init__(self, open_feed: Callable[[], Feed]) -> None:
        self._open_feed = open_feed
        self._feed: Feed | None = None
        self._selector = selectors.DefaultSelector()
        self._watchers: dict[int, Watcher] = {}
        self._behind: dict[int, Watcher] = {}
        self._new: deque[tuple[socket.socket, Stream]] = deque()
        self._ours, self._theirs = socket.socketpair()
        self._seq = -1  # of the last event that those who are not behind have
        self._pulse = 0
        self._team = b""
        self._team_pulse = -1
        self._looked = self._beaten = 0.0
        self._stopped = threading.Event()
        self._hungry = False  # is somebody behind who would take more at once?

    @property
    def count(self) -> int:
        return len(self._watchers) + len(self._new)

    def start(self) -> None:
        for sock in (self._ours, self._theirs):
            sock.setblocking(False)
        self._selector.register(self._ours, EVENT_READ, None)
        threading.Thread(target=self._run, daemon=True, name="broadcaster").start()

    def stop(self) -> None:
        self._stopped.set()
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # it will wake anyway, or has ended
            self._theirs.send(b"x")

    def join(self, sock: socket.socket, stream: Stream) -> None:
        """Called by the loop; from now on the connection is ours."""
        self._new.append((sock, stream))
        self._wake()

    def _run(self) -> None:
        self._beaten = time.monotonic()
        while not self._stopped.is_set():
            pause = TICK_SECONDS if self._watchers else ALONE_SECONDS
            for key, events in self._selector.select(0 if self._hungry else pause):
                self._on(key.data, events)
            try:
                self._look(time.monotonic())
            except AxonError as error:  # it is asked again at the next tick
                log.warning("no news reason=%r", str(error))
                self._feed = None  # it may be another file by then
                time.sleep(ALONE_SECONDS)
            except Exception:
                log.exception("broadcaster failed")
                time.sleep(ALONE_SECONDS)

        for watcher in list(self._watchers.values()):
            self._drop(watcher)
        self._selector.close()
        self._ours.close()
        self._theirs.close()

    def _on(self, watcher: Watcher | None, events: int) -> None:
        if watcher is None:
            with suppress(BlockingIOError):
                self._ours.recv(4096)
            return
        if events & EVENT_READ:
            try:
                heard = watcher.sock.recv(4096)
            except BlockingIOError:
                heard = b"?"
            except OSError:
                heard = b""
            if not heard:
                self._drop(watcher)
                return
        if events & EVENT_WRITE and watcher.fd in self._watchers:
            self._send(watcher, b"")

    # ── telling ──

    def _look(self, now: float) -> None:
        if not self._watchers and not self._new:
            return
        feed = self._feed = self._feed or self._open_feed()
        if not self._watchers:  # nobody has been told anything for a while
            self._seq = feed.last_seq()
            self._team, self._team_pulse, self._looked = b"", -1, 0.0
        new = len(self._new)
        if (pulse := feed.pulse()) != self._pulse or not pulse or new:
            self._news(feed)  # whatever the new ones have seen already, we have seen then
            self._pulse = pulse
        for _ in range(new):
            self._welcome(*self._new.popleft())
        self._catch_up(feed)
        if now - self._looked >= TEAM_SECONDS:
            self._looked = now
            self._show_team(feed, pulse)
        if now - self._beaten >= BEAT_SECONDS:
            self._beaten = now
            self._beat(now)

    def _welcome(self, sock: socket.socket, stream: Stream) -> None:
        watcher = Watcher(sock, stream)
        if not 0 <= watcher.seq < self._seq:
            watcher.seq = self._seq
        else:
            self._behind[watcher.fd] = watcher
        self._watchers[watcher.fd] = watcher
        with suppress(OSError):  # the kernel is not to hold megabytes for each
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        self._selector.register(sock, EVENT_READ, watcher)
        hello = b'event: hello\ndata: {"seq":%d}\n\n' % watcher.seq
        self._send(watcher, first_lines(200, False) + HEAD + hello + self._team)

    def _news(self, feed: Feed) -> None:
        while page := feed.events(self._seq, PAGE):
            self._seq = page[-1].seq
            everything = b"".join(told.data for told in page)
            for watcher in list(self._watchers.values()):
                if watcher.fd in self._behind:
                    continue
                watcher.seq = self._seq
                if watcher.identifier or watcher.run:
                    self._send(watcher, b"".join(t.data for t in page if watcher.wants(t)))
                else:
                    self._send(watcher, everything)

    def _catch_up(self, feed: Feed) -> None:
        """Those who are behind read on when they have taken what they were sent."""
        ready = [watcher for watcher in self._behind.values() if not watcher.rest]
        pages: dict[int, Sequence[Told]] = {}  # many come back behind the same event
        for watcher in ready:
            if watcher.seq not in pages:
                if len(pages) >= PAGES_A_TICK:
                    break
                pages[watcher.seq] = feed.events(watcher.seq, PAGE)
            page = pages[watcher.seq]
            told = [one for one in page if one.seq <= self._seq]
            watcher.seq = told[-1].seq if told else self._seq
            if watcher.seq >= self._seq:
                del self._behind[watcher.fd]
            self._send(watcher, b"".join(one.data for one in told if watcher.wants(one)))
        self._hungry = any(not watcher.rest for watcher in self._behind.values())

    def _show_team(self, feed: Feed, pulse: int) -> None:
        if pulse and pulse == self._team_pulse:
            return
        self._team_pulse = pulse
        team = feed.team()
        if team == self._team:
            return
        self._team = team
        for watcher in list(self._watchers.values()):
            if watcher.rest:
                watcher.stale = True
            else:
                self._send(watcher, team)

    def _beat(self, now: float) -> None:
        for watcher in list(self._watchers.values()):
            if watcher.rest and now - watcher.stuck > STUCK_SECONDS:
                self._drop(watcher)
            elif not watcher.rest:
                self._send(watcher, b":\n\n")

    def _send(self, watcher: Watcher, data: bytes) -> None:
        """What it does not take now is kept; one that falls too far behind is let go."""
        before = watcher.rest
        data = before + data
        if not data:
            return
        try:
            sent = watcher.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(watcher)
            return
        watcher.rest = data[sent:]
        if sent or not before:
            watcher.stuck = time.monotonic()
        if len(watcher.rest) > MOST_HELD and watcher.fd not in self._behind:
            self._drop(watcher)
        elif bool(before) != bool(watcher.rest):
            events = EVENT_READ | EVENT_WRITE if watcher.rest else EVENT_READ
            self._selector.modify(watcher.sock, events, watcher)
        if not watcher.rest and watcher.stale:
            watcher.stale = False
            self._send(watcher, self._team)

    def _drop(self, watcher: Watcher) -> None:
        if self._watchers.pop(watcher.fd, None) is None:
            return
        self._behind.pop(watcher.fd, None)
        self._selector.unregister(watcher.sock)
        watcher.sock.close()
