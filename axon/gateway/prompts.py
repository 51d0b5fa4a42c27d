"""How many tokens a prompt will take from the upstream's limits, by what the last one took."""

import threading

from axon.gateway.delegates import AGENT_ID
from axon.gateway.prices import Tokens
from axon.gateway.wire import Request

BYTES_PER_TOKEN = 4
MOST_REMEMBERED = 4096
LONGEST = 1_000_000  # no model takes more


class Prompts:
    """Of each conversation; what comes from a cache does not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], tuple[int, int]] = {}

    def expected(self, session: str, request: Request) -> int:
        with self._lock:
            before = self._last.get((session, request.header(AGENT_ID)))
        if before is None:
            return min(len(request.body) // BYTES_PER_TOKEN, LONGEST)
        tokens, size = before
        grown = max(len(request.body) - size, 0) // BYTES_PER_TOKEN
        return min(tokens + grown, LONGEST)

    def saw(self, session: str, request: Request, tokens: Tokens) -> None:
        if not tokens.prompt:
            return
        with self._lock:
            if len(self._last) >= MOST_REMEMBERED:
                self._last.clear()
            key = (session, request.header(AGENT_ID))
            self._last[key] = (tokens.input + tokens.cache_write, len(request.body))
