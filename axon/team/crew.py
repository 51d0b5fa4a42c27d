"""What every process of a run is given, and nothing more: no key, no inherited environment."""

from dataclasses import dataclass, field
from pathlib import Path

from axon.agents.overrides import Overrides
from axon.config import Config
from axon.engines import Engine
from axon.engines.claude import ClaudeEngine
from axon.engines.command import CommandEngine
from axon.gateway.cassette import Step
from axon.ledger import Ledger, ledger_from
from axon.mcp.spec import Server
from axon.security.sandbox import Sandbox
from axon.team.project import NO_SANDBOX


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Shared by the workers and the landing of one run."""

    run: str
    config: Config  # its `environ` holds what tools may see
    target: str
    first_party: bool = False  # behind the gateway is Anthropic's own endpoint
    gateway_url: str = ""  # empty: the engine finds its own way to the model
    cli: Path | None = None
    login: dict[str, str] = field(default_factory=dict)  # only when the gateway is bypassed
    solo: bool = False  # `axon run`: an orchestrator with subagents, one task after the other
    overrides: Overrides = field(default_factory=Overrides)  # the project's agents and prompts
    max_iterations: int | None = None  # attempts a solo run makes
    servers: tuple[Server, ...] = ()  # other MCP servers, secrets filled in
    sandbox: Sandbox = NO_SANDBOX
    told: tuple[str, ...] = ()  # channels on which the courier reports what lands
    tape: str = ""  # the cassette to keep the order of beginnings and landings in
    order: tuple[Step, ...] = ()  # that of a recording, to be followed
    strict: bool = True  # say where it is not
    secrets: tuple[str, ...] = ()  # to be redacted wherever they turn up

    def open_ledger(self) -> Ledger:
        """A connection of this process's (and thread's) own."""
        return ledger_from(self.config)

    def engine(self) -> Engine:
        if self.config.engine == "command":
            return CommandEngine(self.config.engine_command)
        assert self.cli is not None  # preflight made sure
        return ClaudeEngine(self.cli)
