"""Recordings as they are asked for: from the middle, again and again, and while they grow."""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import field
from pathlib import Path
from typing import Any

from axon.core.playback import Tail, is_blob, read_events, tool_line
from axon.facts import dataclass

MOST_KNOWN = 32
MOST_MARKERS = 5000
EVERY = 500  # events between two places that are remembered
# Kinds of recorded events that a person looks for in a long recording.
MARKS = frozenset({"prompt", "message", "result", "gap", "damaged", "guard", "review", "commit"})

Event = dict[str, Any]


@dataclass(slots=True)
class Recording:
    """What is known of a file, as far as it was read: it is only ever appended to."""

    path: Path
    tail: Tail
    count: int = 0
    seconds: float = 0.0
    agents: dict[str, None] = field(default_factory=dict)
    markers: list[Event] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])  # seq, offset

    def read_on(self) -> None:
        for event in self.tail.read():
            self.count += 1
            at = event.get("at")
            if isinstance(at, int | float):
                self.seconds = max(self.seconds, at)
            if isinstance(event.get("agent"), str) and event["agent"]:
                self.agents[event["agent"]] = None
            if len(self.markers) < MOST_MARKERS and (label := _label(event)):
                self.markers.append(
                    {
                        "seq": event["seq"],
                        "at": self.seconds,
                        "kind": _kind(event),
                        "label": label,
                    }
                )
            if self.count % EVERY == 0 and event["seq"] > self.places[-1][0]:
                self.places.append((event["seq"], self.tail.passed))


class Recordings:
    """Those that were asked for lately; any thread may ask."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, Recording] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, path: Path) -> Recording:
        """As the file is now."""
        with self._lock:
            known = self._known.pop(path, None)
            if known is None or _size(path) < known.tail.passed:  # another file by now
                known = Recording(path, Tail(path))
            known.read_on()
            self._known[path] = known
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
            return known

    def events(self, path: Path, after: int) -> Generator[Event, None, None]:
        """Those after that number, from the nearest place that is remembered."""
        with self._lock:
            known = self._known.get(path)
            places = known.places if known else [(0, 0)]
            seq, offset = places[bisect_right(places, (after, 1 << 62)) - 1]
        if not offset or _size(path) < offset:
            yield from read_events(path, after)
            return
        tail = Tail(path, after, offset=offset, seq=seq)
        yield from tail.read()
        yield from tail.unfinished()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _kind(event: Event) -> str:
    data = event.get("data")
    if isinstance(data, dict) and (data.get("is_error") or data.get("fault")):
        return "error"
    tool = str(event.get("tool") or "")
    return "question" if tool.endswith("__ask") else str(event["kind"])


def _label(event: Event) -> str:
    """A few words where the event is one to jump to, else nothing."""
    kind = _kind(event)
    if kind not in MARKS and kind not in ("error", "question"):
        return ""
    if event["kind"] == "tool":
        return tool_line(str(event.get("tool") or ""), event.get("input"))
    said: Any = event.get("text") or event.get("output") or ""
    if is_blob(said):
        said = said["head"]
    line = next(iter(said.strip().splitlines()), "") if isinstance(said, str) else ""
    return f"{kind}: {line}"[:120].rstrip(": ")
