"""Try the other MCP servers before the first task: one that does not work is named at once."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace

from axon.config import Config
from axon.errors import EngineError, UsageError
from axon.mcp.config import resolved, secrets_in, servers_of
from axon.mcp.health import PROGRAM, question
from axon.mcp.relay import CLOSE_SECONDS, START_SECONDS
from axon.mcp.spec import Server
from axon.resources import import_path

IMPORT_SECONDS = 15.0  # for a child to be ready to try, on a busy machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Those of this run, and the secrets in them."""

    servers: tuple[Server, ...] = ()
    secrets: tuple[str, ...] = ()

    def without(self, names: Collection[str]) -> "Servers":
        return replace(self, servers=tuple(s for s in self.servers if s.name not in names))


def read_servers(
    config: Config, environment: Mapping[str, str], agents: Collection[str]
) -> Servers:
    """As axon.toml has them. UsageError: a wrong key, a variable not set, an unknown agent.

    `environment`: what a server's program gets besides its own; `agents`: all there are.
    """
    declared = servers_of(config)
    for server in declared:
        for agent in server.agents:
            if agent not in agents:
                known = ", ".join(sorted(agents))
                raise UsageError(f"mcp.{server.name}.agents has {agent!r}; there are {known}")
    return Servers(
        servers=tuple(resolved(server, config.environ, environment) for server in declared),
        secrets=tuple(value for s in declared for value in secrets_in(s, config.environ)),
    )


def try_servers(
    servers: Sequence[Server],
    python_path: Sequence[str],
    seconds: float = START_SECONDS,
    spare: Callable[[Server], bool] = lambda server: False,
) -> dict[str, str]:
    """The `spare` ones that do not answer, and why; all are tried at the same time.

    EngineError names the first of the others that does not.
    """
    absent: dict[str, str] = {}
    with closing(_answers(servers, python_path, seconds)) as answers:
        for server, answer in answers:
            if answer.error and not spare(server):
                raise EngineError(
                    f"{answer.error}; correct [mcp.{server.name}] in axon.toml or take it out"
                )
            if answer.error:
                absent[server.name] = answer.error
    return absent


def ask_servers(
    servers: Sequence[Server], python_path: Sequence[str], seconds: float = START_SECONDS
) -> dict[str, "Answer"]:
    """What each says of itself; all are asked at the same time."""
    with closing(_answers(servers, python_path, seconds)) as answers:
        return {server.name: answer for server, answer in answers}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The tools a server offers, or why it does not."""

    tools: tuple[str, ...] = ()
    error: str = ""


def _answers(
    servers: Sequence[Server], python_path: Sequence[str], seconds: float
) -> Generator[tuple[Server, Answer], None, None]:
    children = [(server, _start(server, python_path, seconds)) for server in servers]
    deadline = time.monotonic() + IMPORT_SECONDS + seconds + CLOSE_SECONDS
    try:
        for server, child in children:
            yield server, _answer_of(server, child, deadline)
    finally:
        for _, child in children:
            with suppress(ProcessLookupError):
                child.kill()
            child.communicate()


def _start(server: Server, python_path: Sequence[str], seconds: float) -> "subprocess.Popen[str]":
    path = os.pathsep.join((import_path(), *python_path))
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**server.env, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.write(question(server, seconds))
        child.stdin.close()
    child.stdin = None  # what `communicate` would close again
    return child


def _answer_of(server: Server, child: "subprocess.Popen[str]", deadline: float) -> Answer:
    try:
        out, err = child.communicate(timeout=max(0.1, deadline - time.monotonic()))
        found = json.loads(out)
    except subprocess.TimeoutExpired:
        return Answer(error=f"MCP server {server.name}: no answer")
    except ValueError:
        last = next((line for line in reversed(err.splitlines()) if line.strip()), "no word")
        error = f"MCP server {server.name} cannot be tried: {last.strip()[:300]}"
        return Answer(error=error)
    return Answer(error=str(found.get("error") or ""), tools=tuple(found.get("tools") or ()))
