"""What the CLI says, as events and a result."""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from axon.engines import EngineEvent, SessionResult
from axon.engines.faults import fault_of
from axon.errors import EngineFault

if TYPE_CHECKING:
    from claude_agent_sdk import Message, ResultMessage


@dataclass(slots=True)
class Reading:
    """What has been seen of a session so far."""

    schema: bool = False  # a structured answer was asked for
    engine_session: str = ""
    error: str | None = None
    text: str = ""
    turns: int = 0
    finished_turns: int = 0
    structured: Any = None
    agents: dict[str, str] = field(default_factory=dict)  # tool call -> subagent type
    message_ids: set[str] = field(default_factory=set)

    def events(self, message: "Message") -> list[EngineEvent]:
        from claude_agent_sdk import AssistantMessage, SystemMessage, ToolResultBlock, UserMessage

        if isinstance(message, SystemMessage):
            return self._system(message.subtype, message.data)
        if isinstance(message, AssistantMessage):
            agent = self._agent(message.parent_tool_use_id)
            if not agent:
                self._count(message.message_id, message.error)
            found = [e for block in message.content if (e := self._block(block, agent))]
            return [_with_context(event, message.usage) for event in found]
        if isinstance(message, UserMessage) and isinstance(message.content, list):
            agent = self._agent(message.parent_tool_use_id)
            # texts in there are a subagent's prompt or a reminder of the CLI's own
            results = [b for b in message.content if isinstance(b, ToolResultBlock)]
            return [e for block in results if (e := self._block(block, agent))]
        return []

    def _count(self, message_id: str | None, error: str | None) -> None:
        self.error = error
        if message_id and message_id not in self.message_ids:
            self.message_ids.add(message_id)
            self.turns += 1

    def _agent(self, call: str | None) -> str:
        return self.agents.get(call, "subagent") if call else ""

    def _system(self, subtype: str, data: dict[str, Any]) -> list[EngineEvent]:
        if subtype == "init":
            if self.engine_session:
                return []  # said again at each turn
            self.engine_session = str(data.get("session_id", ""))
            names = ("session_id", "model", "tools", "claude_code_version")
            return [EngineEvent(kind="init", data={name: data.get(name) for name in names})]
        if subtype == "api_retry":
            return [EngineEvent(kind="retry", data=data)]
        if subtype in ("model_fallback", "permission_denied", "informational", "notification"):
            return [EngineEvent(kind="notice", text=subtype, data=data)]
        return []

    def _block(self, block: Any, agent: str) -> EngineEvent | None:
        from claude_agent_sdk import TextBlock, ThinkingBlock, ToolResultBlock, ToolUseBlock

        if isinstance(block, TextBlock):
            if not agent:
                self.text = block.text
            return EngineEvent(kind="text", agent=agent, text=block.text)
        if isinstance(block, ThinkingBlock):
            return EngineEvent(kind="thinking", agent=agent, text=block.thinking)
        if isinstance(block, ToolUseBlock):
            if "subagent_type" in block.input:
                self.agents[block.id] = str(block.input["subagent_type"])
            return EngineEvent(
                kind="tool", agent=agent, tool=block.name, call=block.id, input=block.input
            )
        if isinstance(block, ToolResultBlock):
            return EngineEvent(
                kind="tool_result",
                agent=agent,
                call=block.tool_use_id,
                output=block.content,
                data={"is_error": True} if block.is_error else {},
            )
        return None

    def result(self, message: "ResultMessage", *, ended_by: str = "") -> SessionResult:
        """Call it once for each; a session has several when something was said at its end."""
        self.finished_turns += message.num_turns
        if message.structured_output is not None:
            self.structured = message.structured_output
        said = message.result or "; ".join(message.errors or ()) or message.terminal_reason or ""
        fault = None if ended_by else self._fault(message)
        if fault is None and self.schema and self.structured is None and not ended_by:
            fault = EngineFault.REFUSED
            said = f"answered in words where a structured answer was asked: {said}"
        return SessionResult(
            fault=fault,
            message=" ".join(said.split())[:500] if fault else "",
            text=message.result or self.text,
            engine_session=message.session_id or self.engine_session,
            turns=self.finished_turns,
            cost_usd=message.total_cost_usd,
            structured=self.structured,
            ended_by=ended_by,
        )

    def _fault(self, message: "ResultMessage") -> EngineFault | None:
        return fault_of(
            is_error=message.is_error,
            terminal_reason=message.terminal_reason,
            status=message.api_error_status,
            error=self.error,
        )

    def broken(self, message: str, stderr: deque[str], *, ended_by: str = "") -> SessionResult:
        last = next((line for line in reversed(stderr) if line.strip()), "")
        said = message.splitlines()[0] if message else "the agent CLI failed"
        return SessionResult(
            fault=None if ended_by else EngineFault.CRASHED,
            message="" if ended_by else " ".join(f"{said} {last}".split())[:500],
            text=self.text,
            engine_session=self.engine_session,
            turns=self.turns,
            ended_by=ended_by,
        )


def _with_context(event: EngineEvent, usage: dict[str, Any] | None) -> EngineEvent:
    """How many tokens the model was given: the figures of a message stand at its start."""
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    counts = [(usage or {}).get(name) for name in names]
    tokens = sum(count for count in counts if isinstance(count, int))
    return replace(event, data={**event.data, "context_tokens": tokens}) if tokens else event
