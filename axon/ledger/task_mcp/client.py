"""A client of MCP servers over streamable HTTP: one call at a time, every wait bounded."""

import json
import time
from dataclasses import field
from typing import Any

from axon import __version__
from axon.facts import dataclass
from axon.ledger.task_mcp.faults import Refusal, Unreachable
from axon.ledger.task_mcp.wire import Answer, Broken, Wire

PROTOCOL = "2025-06-18"  # offered; the server's answer is what is spoken
CALL_SECONDS = 10.0
PAUSES = (0.2, 0.6, 1.5)  # before each further try
LONGEST_PAUSE = 5.0  # a server that asks for more is not waited for
MOST_PAGES = 20


@dataclass(slots=True)
class McpClient:
    """`call` answers what the tool said: JSON, or a text that is none.

    Unreachable: the server is away or talks nonsense. Refusal: the tool's own error.
    """

    wire: Wire
    session: str = ""
    protocol: str = ""  # spoken in this session; empty: none was begun
    _last_id: int = 0
    _tools: dict[str, frozenset[str]] = field(default_factory=dict)

    def call(self, tool: str, arguments: dict[str, Any], *, tries: int = 3) -> Any:
        """`tries`: 1 for what must not be done twice; then a new connection is used, for one
        that has been idle may be closed just when we write to it."""
        if tries == 1:
            self.wire.close()
        return said(self._request("tools/call", {"name": tool, "arguments": arguments}, tries))

    def arguments_of(self, tool: str) -> frozenset[str]:
        """What the tool takes, by its schema; nothing when there is no such tool."""
        if not self._tools:
            self._tools = dict(self._listed())
        return self._tools.get(tool, frozenset())

    def close(self) -> None:
        self.wire.close()

    def _listed(self) -> list[tuple[str, frozenset[str]]]:
        found: list[tuple[str, frozenset[str]]] = []
        cursor: dict[str, Any] = {}
        for _ in range(MOST_PAGES):
            page = self._request("tools/list", cursor, 3)
            for tool in page.get("tools") or []:
                properties = (tool.get("inputSchema") or {}).get("properties") or {}
                found.append((str(tool.get("name")), frozenset(properties)))
            if not page.get("nextCursor"):
                break
            cursor = {"cursor": page["nextCursor"]}
        return found

    def _request(self, method: str, params: dict[str, Any], tries: int) -> dict[str, Any]:
        """The result of a JSON-RPC request, in a session that is begun when needed."""
        deadline = time.monotonic() + CALL_SECONDS
        for attempt in range(tries):
            try:
                return self._once(method, params, deadline)
            except Broken as error:
                self.wire.close()
                pause = max(PAUSES[min(attempt, 2)], error.retry_after)
                late = time.monotonic() + pause > deadline or pause > LONGEST_PAUSE
                if attempt + 1 == tries or late or not error.passing:
                    raise Unreachable(f"{error}; {error.advice}") from None
                time.sleep(pause)
        raise AssertionError("every try returns or raises")

    def _once(self, method: str, params: dict[str, Any], deadline: float) -> dict[str, Any]:
        if not self.protocol:
            self._begin(deadline)
        answer = self._exchange(method, params, deadline)
        if answer.status in (400, 404) and self.session and not answer.document:
            self._begin(deadline)  # the server has forgotten our session: it was restarted
            answer = self._exchange(method, params, deadline)
        return _result(answer)

    def _begin(self, deadline: float) -> None:
        self.session = self.protocol = ""
        hello = {
            "protocolVersion": PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": "axon", "version": __version__},
        }
        answer = self._exchange("initialize", hello, deadline)
        result = _result(answer)
        self.session = answer.session
        self.protocol = str(result.get("protocolVersion") or PROTOCOL)
        document = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self.wire.post(document, self._headers(), None, deadline)

    def _exchange(self, method: str, params: dict[str, Any], deadline: float) -> Answer:
        self._last_id += 1
        document = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        return self.wire.post(document, self._headers(), self._last_id, deadline)

    def _headers(self) -> dict[str, str]:
        headers = {"Mcp-Session-Id": self.session, "MCP-Protocol-Version": self.protocol}
        return {name: value for name, value in headers.items() if value}


def _result(answer: Answer) -> dict[str, Any]:
    """What a response holds. Broken: it is none; Refusal: it says that the request was wrong."""
    document = answer.document
    if document is None:
        raise Broken(f"{answer.url} answered {answer.status} and nothing else")
    if error := document.get("error"):
        message = error.get("message") if isinstance(error, dict) else error
        raise Refusal(f"the task server refused: {message}")
    result = document.get("result")
    if not isinstance(result, dict):
        raise Broken(f"{answer.url} does not speak MCP: an answer without a result")
    return result


def said(result: dict[str, Any]) -> Any:
    """A tool's answer as servers give it: JSON in one text block, a block an item, or beside."""
    blocks = [block for block in result.get("content") or [] if isinstance(block, dict)]
    texts = [str(block.get("text", "")) for block in blocks if block.get("type") == "text"]
    if result.get("isError"):
        raise Refusal(" ".join(" ".join(texts).split())[:500] or "the tool failed")
    parsed = [_parsed(text) for text in texts]
    beside = result.get("structuredContent")
    if len(parsed) == 1 and not isinstance(parsed[0], str):
        answer = parsed[0]
    elif isinstance(beside, dict):
        answer = beside["result"] if beside.keys() == {"result"} else beside
    else:
        answer = parsed[0] if len(parsed) == 1 else parsed
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        whole = "identifier" in answer  # an issue may have an error of its own
        if not whole:
            raise Refusal(answer["error"])
    return answer


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
