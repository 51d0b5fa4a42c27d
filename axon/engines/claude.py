"""Claude Code through the official Agent SDK: the only module that imports it."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axon.engines import EngineEvent, SessionRequest, SessionResult
from axon.engines.faults import fault_of
from axon.engines.launch import leashed
from axon.errors import EngineFault

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, Message, ResultMessage

TOOLS = ("Bash", "Read", "Write", "Edit", "Glob", "Grep")
MAX_MESSAGE_BYTES = 64 << 20  # the SDK's default of 1 MiB ends a session at one large image

# What keeps an unattended session from hanging, phoning home or leaving things running.
_SETTINGS = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
    "CLAUDE_CODE_MAX_RETRIES": "3",
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "180000",
    "API_TIMEOUT_MS": "600000",
    "DISABLE_AUTOUPDATER": "1",
    "IS_SANDBOX": "1",  # root may not bypass permissions without it
}


@dataclass(slots=True)
class ClaudeEngine:
    """One session of the Claude Code CLI at a time."""

    cli: Path
    name: str = "claude"
    _client: "ClaudeSDKClient | None" = field(default=None, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)

    async def run(self, request: SessionRequest) -> AsyncIterator[EngineEvent | SessionResult]:
        from claude_agent_sdk import ClaudeSDKClient, ClaudeSDKError, ResultMessage

        stderr: deque[str] = deque(maxlen=20)
        reading = _Reading()
        client = ClaudeSDKClient(_options(self.cli, request, stderr.append))
        try:
            await client.connect()
            self._client, self._loop = client, asyncio.get_running_loop()
            await client.query(request.prompt)
            async for message in client.receive_messages():
                for event in reading.events(message):
                    yield event
                if isinstance(message, ResultMessage):
                    yield reading.result(message)
                    return
            yield reading.broken("the agent CLI ended without a result", stderr)
        except ClaudeSDKError as error:
            yield reading.broken(str(error), stderr)
        finally:
            self._client = None
            await _end(client)

    def interrupt(self) -> None:
        client, loop = self._client, self._loop
        if client is not None and loop is not None:
            with suppress(RuntimeError):  # the loop has closed: the session is over
                asyncio.run_coroutine_threadsafe(client.interrupt(), loop)

    def can_resume(self, home: Path, engine_session: str) -> bool:
        transcripts = (home / ".claude" / "projects").glob(f"*/{engine_session}.jsonl")
        return bool(engine_session) and any(transcripts)


def _options(cli: Path, request: SessionRequest, stderr: Any) -> "ClaudeAgentOptions":
    from claude_agent_sdk import ClaudeAgentOptions

    environment = {
        **_SETTINGS,
        **request.environment,
        "HOME": str(request.home),
        "CLAUDE_CONFIG_DIR": str(request.home / ".claude"),
        "CLAUDE_CODE_TMPDIR": str(request.temporary),
        "TMPDIR": str(request.temporary),
    }
    return ClaudeAgentOptions(
        cli_path=leashed(cli, request.home),
        cwd=request.cwd,
        env=environment,
        model=request.model,
        tools=list(request.tools or TOOLS),
        permission_mode="bypassPermissions",
        setting_sources=[],  # a repository's own settings and hooks are code: never loaded
        strict_mcp_config=True,
        system_prompt={"type": "preset", "preset": "claude_code", "append": request.system_prompt},
        max_turns=request.max_turns,
        max_buffer_size=MAX_MESSAGE_BYTES,
        verbatim_prompts=True,  # "@/etc/passwd" in a task's text stays a text
        resume=request.resume or None,
        stderr=stderr,
    )


async def _end(client: "ClaudeSDKClient") -> None:
    """SIGTERM first: the CLI then ends its tools, and disconnecting takes 0.1 s, not 6."""
    transport: Any = client._transport
    process = getattr(transport, "_process", None)
    if process is not None and process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
    with suppress(Exception):  # nothing is left to do for a client that cannot disconnect
        await client.disconnect()


@dataclass(slots=True)
class _Reading:
    """What has been seen of a session so far."""

    engine_session: str = ""
    error: str | None = None
    text: str = ""
    turns: int = 0
    agents: dict[str, str] = field(default_factory=dict)  # tool call -> subagent type
    message_ids: set[str] = field(default_factory=set)

    def events(self, message: "Message") -> list[EngineEvent]:
        from claude_agent_sdk import AssistantMessage, SystemMessage, UserMessage

        if isinstance(message, SystemMessage):
            return self._system(message.subtype, message.data)
        if isinstance(message, AssistantMessage):
            self.error = message.error
            agent = self._agent(message.parent_tool_use_id)
            if not agent and message.message_id and message.message_id not in self.message_ids:
                self.message_ids.add(message.message_id)
                self.turns += 1
            return [e for block in message.content if (e := self._block(block, agent))]
        if isinstance(message, UserMessage) and isinstance(message.content, list):
            agent = self._agent(message.parent_tool_use_id)
            return [e for block in message.content if (e := self._block(block, agent))]
        return []

    def _agent(self, call: str | None) -> str:
        return self.agents.get(call, "subagent") if call else ""

    def _system(self, subtype: str, data: dict[str, Any]) -> list[EngineEvent]:
        if subtype == "init":
            self.engine_session = str(data.get("session_id", ""))
            shown = {
                k: data.get(k) for k in ("session_id", "model", "tools", "claude_code_version")
            }
            return [EngineEvent(kind="init", data=shown)]
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
            self.agents[block.id] = str(block.input.get("subagent_type", "subagent"))
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

    def result(self, message: "ResultMessage") -> SessionResult:
        fault = fault_of(
            is_error=message.is_error,
            terminal_reason=message.terminal_reason,
            status=message.api_error_status,
            error=self.error,
        )
        said = message.result or "; ".join(message.errors or ()) or message.terminal_reason or ""
        return SessionResult(
            fault=fault,
            message=" ".join(said.split())[:500] if fault else "",
            text=message.result or self.text,
            engine_session=message.session_id or self.engine_session,
            turns=message.num_turns,
            cost_usd=message.total_cost_usd,
            structured=message.structured_output,
        )

    def broken(self, message: str, stderr: deque[str]) -> SessionResult:
        last = next((line for line in reversed(stderr) if line.strip()), "")
        said = message.splitlines()[0] if message else "the agent CLI failed"
        return SessionResult(
            fault=EngineFault.CRASHED,
            message=" ".join(f"{said} {last}".split())[:500],
            text=self.text,
            engine_session=self.engine_session,
            turns=self.turns,
        )
