"""Every setting there is: its key, its default, what it is for and who may say it."""

import hashlib
from collections.abc import Mapping
from dataclasses import Field, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from axon.config.services import ServiceSettings
from axon.config.setting import setting
from axon.facts import dataclass

CREDENTIALS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_OAUTH_TOKEN",
)
# Read by other modules from `Config.environ`; listed for `axon config`.
MODEL_VARIABLES = (*CREDENTIALS, "ANTHROPIC_BASE_URL")


def _model_of(agent: str, env: str) -> Any:
    doc = f"model of the {agent} agent; inherit: that of the session"
    return setting(f"agents.{agent}.model", "inherit", doc, env=env)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(ServiceSettings):
    """Effective settings of one project."""

    root: Path
    environ: Mapping[str, str] = field(repr=False)  # `.env` under the environment
    origins: Mapping[str, str]  # setting key -> "default", "axon.toml", ".env", NAME, "--flag"

    target: str = setting(
        "project.target", "", "branch to land on; empty: the one checked out", flag="target"
    )
    team: str = setting("project.team", "ENG", "team key of new tasks", flag="team")
    ledger: str = setting(
        "ledger.url",
        "",
        "file:PATH, or mcp+https://HOST/mcp of a task server; empty: file:.axon/ledger.db",
        env="AXON_LEDGER",
        flag="ledger",
    )
    task_mcp_url: str = setting(
        "ledger.task_mcp_url",
        "",
        "https://HOST/mcp of a task server, used when ledger.url is empty",
        env="TASK_MCP_URL",
    )
    mcp_key: str = setting(
        "mcp_api_key",
        "",
        "key that axon mcp asks for, and that axon shows to a task server",
        env="MCP_API_KEY",
        secret=True,
    )
    workers: int = setting(
        "team.workers",
        2,
        "agents at work at once; 0 (--workers auto): as many as cores and memory allow",
        flag="workers",
    )
    max_review: int = setting(
        "team.max_review", 20, "no new task is begun while so many wait in Review"
    )
    max_tasks: int | None = setting(
        "team.max_tasks", None, "tasks one run may take", flag="max_tasks"
    )
    lease_seconds: float = setting(
        "team.lease_seconds",
        30.0,
        "a claim not renewed for so long is given back; the landing's after 15 s at most",
    )
    engine: str = setting("engine.name", "claude", "claude or command", flag="engine")
    engine_command: str = setting("engine.command", "", "what engine `command` runs in a shell")
    model: str = setting(
        "engine.model", "sonnet", "haiku, sonnet, opus or a full model id", flag="model"
    )
    claude: str = setting(
        "engine.claude",
        "",
        "Claude Code CLI to use instead of the packed one",
        env="AXON_CLAUDE",
        own=True,  # it is tried outside of the sandbox
    )
    orchestrator_model: str = _model_of("orchestrator", "ORCHESTRATOR_MODEL")
    task_agent_model: str = _model_of("task", "TASK_AGENT_MODEL")
    coding_agent_model: str = _model_of("coding", "CODING_AGENT_MODEL")
    reviewer_agent_model: str = _model_of("reviewer", "REVIEWER_AGENT_MODEL")
    telegram_agent_model: str = _model_of("telegram", "TELEGRAM_AGENT_MODEL")
    devops_agent_model: str = _model_of("devops", "DEVOPS_AGENT_MODEL")
    testing_agent_model: str = _model_of("testing", "TESTING_AGENT_MODEL")
    security_agent_model: str = _model_of("security", "SECURITY_AGENT_MODEL")
    research_agent_model: str = _model_of("research", "RESEARCH_AGENT_MODEL")
    planner_agent_model: str = _model_of("planner", "PLANNER_AGENT_MODEL")
    gate: str = setting("gate.command", "", "exit code 0 means the work is good")
    gate_minutes: float = setting("gate.minutes", 10.0, "time limit of the gate")
    max_processes: int = setting(
        "gate.max_processes", 1000, "a check or set-up that has more at once is ended"
    )
    allow_red: bool = setting(
        "gate.allow_red",
        False,
        "start although the gate is red on the untouched target",
        flag="allow_red",
    )
    land: str = setting(
        "land.mode",
        "auto",
        "auto: good work lands at once; manual: it waits in Review for axon land ENG-1; pr: it "
        "becomes a pull request and waits for its merge",
        flag="land",
    )
    land_batch: int = setting(
        "land.batch",
        1,
        "so much finished work is merged, checked and landed at once; red halves are tried apart",
        flag="land_batch",
    )
    review: str = setting(
        "review.when",
        "solo",
        "who reviews work that passed its gate: solo (axon run), always, never",
    )
    review_skip: tuple[str, ...] = setting(
        "review.skip", ("*.md", "docs/**"), "a change of nothing but such files needs no review"
    )
    review_skip_lines: int = setting(
        "review.skip_lines", 0, "nor does one of at most so many lines"
    )
    review_paths: tuple[str, ...] = setting(
        "review.paths", (), "a change of such files is always reviewed"
    )
    guard_block: tuple[str, ...] = setting(
        "guard.block",
        ("tests", "paths", "empty", "secrets", "size", "repositories", "conflicts", "settings"),
        "findings that keep work from landing until the reviewer or a person has cleared them",
    )
    max_file_mb: float = setting("guard.max_file_mb", 5.0, "a larger file is a finding (size)")
    review_rounds: int = setting("review.rounds", 2, "refusals before a person is asked")
    copy: tuple[str, ...] = setting(
        "workspace.copy", (), "untracked paths copied into each workspace"
    )
    link: tuple[str, ...] = setting(
        "workspace.link", (), "untracked paths linked into each workspace"
    )
    setup: str = setting("workspace.setup", "", "command that prepares a new workspace")
    setup_minutes: float = setting("workspace.setup_minutes", 10.0, "time limit of the set-up")
    sparse: tuple[str, ...] = setting(
        "workspace.sparse",
        (),
        "folders of a big repository that workspaces have, beside the files above; empty: all",
    )
    ports: int = setting(
        "workspace.ports", 10, "ports reserved per workspace; the first is $AXON_PORT"
    )
    variables: dict[str, str] = setting(
        "workspace.environment", {}, "variables for set-up, agent and gate"
    )
    disk_floor_mb: int = setting(
        "workspace.disk_floor_mb",
        500,
        "no task is started with less free space, and a check that leaves less is ended",
    )
    policy_commands: tuple[str, ...] = setting(
        "policy.commands",
        (),
        "first words of commands that agents may run also without a containment",
        widens=True,
    )
    max_attempts: int = setting("limits.max_attempts", 3, "failed attempts before a task fails")
    max_losses: int = setting(
        "limits.max_losses", 10, "dead workers one task may cost before it fails"
    )
    max_turns: int = setting("limits.max_turns", 200, "model turns of one attempt")
    max_context_tokens: int = setting(
        "limits.max_context_tokens",
        200_000,
        "context of the model: at 70 % agents are asked to be brief, at 85 % a new session begins",
        env="MAX_CONTEXT_TOKENS",
    )
    max_minutes: float = setting("limits.max_minutes", 60.0, "time limit of one attempt")
    stall_minutes: float = setting(
        "limits.stall_minutes",
        10.0,
        "without any sign of life an agent is nudged, then interrupted and begun again",
    )
    same_errors: int = setting(
        "limits.same_errors", 8, "the same error so often in a row ends the attempt"
    )
    idle_turns: int = setting(
        "limits.idle_turns", 100, "so many tool calls without a change of the work end the attempt"
    )
    backoff_seconds: float = setting(
        "limits.backoff_seconds", 2.0, "pause after a failed attempt, doubled each time"
    )
    servers: dict[str, dict[str, Any]] = setting(
        "mcp", {}, "other MCP servers for agents: a table each, see below", widens=True
    )
    telegram_mcp_url: str = setting(
        "telegram.mcp_url",
        "",
        "MCP server that sends to Telegram: the server telegram, for the agent telegram",
        env="TELEGRAM_MCP_URL",
        own=True,
    )
    dashboard_token: str = setting(
        "dashboard.token",
        "",
        "what the page and programs must show; empty: made once, kept in .axon",
        env="AXON_DASHBOARD_TOKEN",
        flag="token",
        secret=True,
    )
    dashboard_names: tuple[str, ...] = setting(
        "dashboard.names",
        (),
        "further names (NAME or NAME:PORT) by which the page may be asked for",
        widens=True,
    )
    heartbeat_minutes: float = setting(
        "heartbeat.minutes",
        5.0,
        "how often a run looks for tasks, workers and runs that have come to a halt; 0: never",
        env="HEARTBEAT_INTERVAL_MINUTES",
    )
    stale_hours: float = setting(
        "heartbeat.stale_hours",
        2.0,
        "a task begun is stale after so long without a sign of progress",
        env="STALE_THRESHOLD_HOURS",
    )
    sandbox_tier: str = setting(
        "sandbox.tier",
        "auto",
        "auto (the best there is), bubblewrap, landlock or sandbox-exec",
        env="AXON_SANDBOX",
        own=True,
    )
    sandbox_network: str = setting(
        "sandbox.network",
        "open",
        "what agents and checks may connect to: open, model-only, or ports",
        env="AXON_SANDBOX_NETWORK",
    )
    sandbox_ports: tuple[int, ...] = setting(
        "sandbox.ports", (), 'TCP ports that sandbox.network = "ports" leaves open'
    )
    sandbox_read: tuple[str, ...] = setting(
        "sandbox.read", (), "more folders and files that may be read inside", widens=True
    )
    sandbox_write: tuple[str, ...] = setting(
        "sandbox.write", (), "more folders that may be written inside", widens=True
    )
    no_sandbox: bool = setting(
        "sandbox.off",
        False,
        "run agents and checks with all your rights",
        flag="unsafe_no_sandbox",
        own=True,
    )
    cache_dir: str = setting(
        "cache.dir", "", "where engine files are unpacked", env="AXON_CACHE_DIR", own=True
    )

    trust_all: bool = setting(
        "trust.all",
        False,
        "take the project's agents, prompts and servers as allowed",
        flag="trust",
        own=True,
    )

    @property
    def state_dir(self) -> Path:
        return self.root / ".axon"

    @property
    def ledger_url(self) -> str:
        """For a task server also which team's tasks, and where this host keeps what it knows."""
        url = self.ledger or (f"mcp+{self.task_mcp_url}" if self.task_mcp_url else "")
        if url.startswith("mcp+") and "#" not in url:
            digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()
            place = self.state_dir / f"tasks-{digest[:12]}.db"
            return f"{url}#{urlencode({'team': self.team, 'file': place})}"
        return url or f"file:{self.state_dir / 'ledger.db'}"

    @property
    def color(self) -> bool:
        return not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"


def settings() -> tuple["Field[Any]", ...]:
    """In the order in which they are shown."""
    last = {f.name for f in fields(ServiceSettings)}
    declared = [f for f in fields(Config) if "key" in f.metadata]
    return tuple(sorted(declared, key=lambda field: field.name in last))
