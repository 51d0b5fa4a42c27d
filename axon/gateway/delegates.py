"""Which subagent a request comes from: the CLI names it by number, its task tells who it is."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from axon.gateway.script import texts_of

AGENT_ID = "x-claude-code-agent-id"  # the CLI marks the requests of its subagents with it
CALLS = ("Agent", "Task")
UNKNOWN = "subagent"
MOST_SESSIONS = 512
MOST_CALLS = 256


class Delegates:
    """What agents were sent off with, by session; in memory only: after a restart a subagent
    that was already at work is called `subagent`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: OrderedDict[str, list[tuple[str, str]]] = OrderedDict()
        self._names: OrderedDict[tuple[str, str], str] = OrderedDict()

    def sent(self, session: str, calls: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """The model has called these tools."""
        found = [
            (str(given.get("prompt") or ""), str(given.get("subagent_type") or UNKNOWN))
            for name, given in calls
            if name in CALLS
        ]
        if found:
            with self._lock:
                known = self._calls.setdefault(session, [])
                self._calls.move_to_end(session)
                known.extend(found)
                del known[:-MOST_CALLS]
                _shorten(self._calls)

    def known(self, session: str, agent_id: str) -> str:
        with self._lock:
            return self._names.get((session, agent_id), "")

    def name(self, session: str, agent_id: str, document: dict[str, Any]) -> str:
        """The type of the subagent whose conversation `document` is."""
        given = "\n".join(t for m in _messages(document)[:2] for t in texts_of(m))
        with self._lock:
            calls = [c for c in self._calls.get(session, []) if c[0] and c[0].strip() in given]
            found = max(calls, key=lambda call: len(call[0]))[1] if calls else UNKNOWN
            self._names[session, agent_id] = found
            _shorten(self._names, MOST_SESSIONS * 8)
        return found


def _messages(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document.get("messages")
    return [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def _shorten(known: OrderedDict[Any, Any], most: int = MOST_SESSIONS) -> None:
    while len(known) > most:
        known.popitem(last=False)
