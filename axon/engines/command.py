"""Any executable as the agent: prompt on stdin, output recorded, exit code 0 means finished.

A line of stdout that is a JSON object with a `kind` of an event is read as that event (keys
`agent tool call text input output`); kind "result" may carry `text`, `turns`, `session`.
Every other line is what the agent said.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from axon.engines import EngineEvent, EventKind, SessionRequest, SessionResult
from axon.errors import EngineFault

LINE_BYTES = 1 << 20  # a longer line is cut into pieces of this size
_KINDS = frozenset(get_args(EventKind))
# The shell in between is what `kill -9 $PPID` of the command hits, instead of the worker.
_SHELL = ("/bin/sh", "-c", '"$@"; exit $?', "axon-engine")


@dataclass(slots=True)
class CommandEngine:
    """Runs `command` in a shell, in a process group of its own."""

    command: str
    name: str = "command"
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    async def run(self, request: SessionRequest) -> AsyncIterator[EngineEvent | SessionResult]:
        process = await asyncio.create_subprocess_exec(
            *_SHELL,
            *request.contained.around(["/bin/sh", "-c", self.command]),
            cwd=request.cwd,
            env=_environment(request),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=LINE_BYTES,
        )
        self._process = process
        feeding = asyncio.create_task(_feed(process, request.prompt))
        said: dict[str, Any] = {}
        try:
            assert process.stdout is not None
            while line := await _read_line(process.stdout):
                event = _event(line.decode("utf-8", "replace").rstrip("\r\n"))
                if event.kind == "result":
                    said = event.data
                elif event.text or event.kind != "text":
                    said["text"] = event.text or said.get("text", "")
                    yield event
            result = _result(await process.wait(), said)
            if result.fault is None:
                yield EngineEvent(kind="message", data={"prompt": True})
            yield result
        finally:
            self._process = None
            feeding.cancel()
            if process.returncode is None:
                _signal(process, signal.SIGKILL)

    def say(self, text: str) -> bool:
        return False

    def interrupt(self) -> None:
        if (process := self._process) is not None:
            _signal(process, signal.SIGTERM)

    def can_resume(self, home: Path, engine_session: str) -> bool:
        return False

    def heard(self, home: Path, engine_session: str, text: str) -> bool:
        return False


def _environment(request: SessionRequest) -> dict[str, str]:
    return {
        **request.environment,
        "HOME": str(request.home),
        "TMPDIR": str(request.temporary),
        "AXON_TASK": request.identifier,
        "AXON_TITLE": request.title,
        "AXON_TASK_FILE": str(request.task_file),
    }


async def _feed(process: asyncio.subprocess.Process, prompt: str) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it need not read its prompt
        process.stdin.write(prompt.encode("utf-8", "replace"))
        await process.stdin.drain()
        process.stdin.close()


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError:
        return await stream.read(LINE_BYTES)


def _event(line: str) -> EngineEvent:
    if line.startswith("{"):
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and found.get("kind") in _KINDS:
                return EngineEvent(
                    kind=found["kind"],
                    agent=str(found.get("agent", "")),
                    tool=str(found.get("tool", "")),
                    call=str(found.get("call", "")),
                    text=str(found.get("text", "")),
                    input=found.get("input"),
                    output=found.get("output"),
                    data=_data(found),
                )
    return EngineEvent(kind="text", text=line)


def _data(found: dict[str, Any]) -> dict[str, Any]:
    if found["kind"] == "result":
        return found
    return {"is_error": True} if found.get("is_error") else {}


def _result(code: int, said: dict[str, Any]) -> SessionResult:
    turns = said.get("turns")
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return SessionResult(
        fault=EngineFault.CRASHED if code else None,
        message=f"the engine command {how}" if code else "",
        text=str(said.get("text", "")),
        engine_session=str(said.get("session", "")),
        turns=turns if isinstance(turns, int) else 1,
    )


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
