"""One session of the Claude Code CLI: started, listened to, spoken to and ended."""

import asyncio
import os
import signal
import uuid
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axon.engines import EngineEvent, SessionRequest, SessionResult
from axon.engines.claude.options import options_of
from axon.engines.claude.reading import Reading
from axon.engines.claude.toolbox import Toolbox
from axon.engines.claude.transcript import transcript_of, was_said

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeSDKClient, Message

STOP_SECONDS = 2.0  # for a session to end by itself after a tool has ended it


@dataclass(slots=True)
class _Talk:
    """The way into a running session; everything here happens in its event loop."""

    client: "ClaudeSDKClient"
    loop: asyncio.AbstractEventLoop
    over: bool = False
    prompt: str = ""  # its name among the pending
    pending: dict[str, str] = field(default_factory=dict)  # said, and not with the agent yet
    sending: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self, prompt: str) -> None:
        self.say(prompt)
        self.prompt = next(iter(self.pending))

    def say(self, text: str) -> None:
        if not self.over:
            name = str(uuid.uuid4())
            self.pending[name] = text
            self._start(self.client.query(_message(text, name)))

    def interrupt(self) -> None:
        self.over = True
        self._start(self.client.interrupt())

    def unheard(self) -> bool:
        """Whether something was said that the agent has yet to take."""
        return any(name != self.prompt for name in self.pending)

    def took(self, message: "Message") -> EngineEvent | None:
        """The event that this message is, when it is the CLI's word that the agent has a text."""
        name = str(getattr(message, "uuid", ""))
        text = self.pending.pop(name, None)
        if text is None:
            return None
        if name == self.prompt:
            return EngineEvent(kind="message", data={"prompt": True})
        return EngineEvent(kind="message", text=text)

    def _start(self, sending: Any) -> None:
        async def send() -> None:
            from claude_agent_sdk import ClaudeSDKError

            with suppress(ClaudeSDKError):  # the CLI has gone, which the reader will meet
                await sending

        task = self.loop.create_task(send())
        self.sending.add(task)
        task.add_done_callback(self.sending.discard)


@dataclass(slots=True)
class ClaudeEngine:
    """One session at a time."""

    cli: Path
    name: str = "claude"
    _talk: _Talk | None = field(default=None, init=False)

    async def run(self, request: SessionRequest) -> AsyncIterator[EngineEvent | SessionResult]:
        from claude_agent_sdk import ClaudeSDKClient, ClaudeSDKError

        stderr: deque[str] = deque(maxlen=20)
        reading = Reading(schema=request.schema is not None)
        toolbox = Toolbox(request, self._end_soon)
        client: ClaudeSDKClient | None = None
        try:
            for notice in await toolbox.open():
                yield notice
            client = ClaudeSDKClient(options_of(self.cli, request, toolbox, stderr.append))
            await client.connect()
            self._talk = talk = _Talk(client, asyncio.get_running_loop())
            talk.begin(request.prompt)
            async for message in client.receive_messages():
                if (taken := talk.took(message)) is not None:
                    yield taken
                for event in reading.events(message):
                    yield event
                result = await self._result(message, request, reading, toolbox)
                if result is not None:
                    yield result
                    return
            yield reading.broken(
                "the agent CLI ended without a result", stderr, ended_by=toolbox.ended_by
            )
        except ClaudeSDKError as error:
            yield reading.broken(str(error), stderr, ended_by=toolbox.ended_by)
        finally:
            self._talk = None
            if client is not None:
                await _end(client)
            await toolbox.close()

    async def _result(
        self, message: "Message", request: SessionRequest, reading: Reading, toolbox: Toolbox
    ) -> SessionResult | None:
        """None while the session goes on: something was said at its end, or has to be."""
        from claude_agent_sdk import ResultMessage

        talk = self._talk
        if not isinstance(message, ResultMessage) or talk is None:
            return None
        result = reading.result(message, ended_by=toolbox.ended_by)
        await asyncio.sleep(0)  # what was said just now is pending after that
        if result.fault is None and not result.ended_by and not talk.over:
            if not talk.unheard() and request.last_call and (text := request.last_call()):
                talk.say(text)
            if talk.unheard():
                return None
        return result

    def say(self, text: str) -> bool:
        return self._in_loop(lambda talk: talk.say(text))

    def interrupt(self) -> None:
        self._in_loop(_Talk.interrupt)

    def can_resume(self, home: Path, engine_session: str) -> bool:
        return transcript_of(home, engine_session) is not None

    def heard(self, home: Path, engine_session: str, text: str) -> bool:
        transcript = transcript_of(home, engine_session)
        return transcript is not None and was_said(transcript, text)

    def _in_loop(self, act: Any) -> bool:
        talk = self._talk
        if talk is None or talk.over:
            return False
        try:
            talk.loop.call_soon_threadsafe(act, talk)
        except RuntimeError:  # the loop has closed: the session is over
            return False
        return True

    def _end_soon(self) -> None:
        """A tool has ended the session: see to it, when the CLI does not by itself."""
        talk = self._talk
        if talk is not None:
            talk.loop.call_later(STOP_SECONDS, self._end, talk)

    def _end(self, talk: _Talk) -> None:
        if self._talk is talk:
            talk.interrupt()


async def _message(text: str, name: str) -> AsyncIterator[dict[str, Any]]:
    yield {
        "type": "user",
        "message": {"role": "user", "content": text},
        "parent_tool_use_id": None,
        "uuid": name,
    }


async def _end(client: "ClaudeSDKClient") -> None:
    """SIGTERM first: the CLI then ends its tools, and disconnecting takes 0.1 s, not 6."""
    transport: Any = client._transport
    process = getattr(transport, "_process", None)
    if process is not None and process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
    with suppress(Exception):  # nothing is left to do for a client that cannot disconnect
        await client.disconnect()
