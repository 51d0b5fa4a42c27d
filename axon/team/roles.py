"""Who works in a run, and with what: the crew and its roles, as the configuration has them."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from axon.agents.bundled import WORKER
from axon.agents.overrides import load_overrides
from axon.agents.roster import roster
from axon.config import Config
from axon.errors import UsageError
from axon.gateway.login import login_environment
from axon.ledger import Run
from axon.mcp.config import can_be_missing, without_servers
from axon.monitoring.preflight import Ready
from axon.monitoring.servers import Servers, read_servers, try_servers
from axon.security.sandbox import Sandbox, choose
from axon.security.secrets import secrets_of
from axon.security.trust import allowed_only
from axon.team import landing, worker
from axon.team.courier.roles import courier_role, told_of
from axon.team.crew import Crew
from axon.team.environment import own_environment, without_secrets
from axon.team.project import Project
from axon.team.supervisor import Role

ALONE = (WORKER, "reviewer", "planner")  # those who have sessions of their own in a team
# What was decided at the start and stands in the ledger, or on the gateway's settings.
FIXED = (
    "target", "team", "ledger", "task_mcp_url", "engine", "upstream", "record", "replay", "land",
    "budget_usd", "budget_tokens", "day_usd", "day_tokens", "prices",
    "max_tasks", "cache_dir", "claude",
)  # fmt: skip
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A team, or `solo`: one orchestrator with subagents, one task after the other."""

    solo: bool = False
    max_iterations: int | None = None
    skip_preflight: bool = False
    only: str = ""  # take this task and no other
    watch: bool = False  # stay, and wait for new tasks
    resume: bool = False  # say first what is taken up again
    reread: Callable[[], Config] | None = None  # the configuration as it is now
    companion: Role | None = None  # runs beside the team


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A process that runs beside a team, and a line that says so."""

    role: Role
    notice: str


Beside = Callable[[Config], Companion]


def sandbox_of(config: Config, project: Project, ready: Ready) -> Sandbox:
    """UsageError when agents cannot be contained as the person wants it."""
    if ready.login == "bypass" and config.sandbox_network == "model-only":
        raise UsageError(
            'sandbox.network is "model-only", but this login goes past the gateway; use an API '
            'key, or network = "ports" with ports = [443]'
        )
    sandbox = choose(config, project.root, project.common_dir)
    login = login_environment(config).values() if ready.login == "bypass" else ()
    files = (value for value in login if os.path.isabs(value) and os.path.exists(value))
    return sandbox.showing(*files, *([str(ready.cli)] if ready.cli else ()))


def crew_of(config: Config, run: Run, ready: Ready) -> Crew:
    return Crew(
        run=run.id,
        config=without_secrets(config, own_environment(config)),
        target=run.target,
        cli=ready.cli,
        login=login_environment(config) if ready.login == "bypass" else {},
        told=told_of(config, run.id),
    )


def equipped(crew: Crew, config: Config, ready: Ready, mode: Mode, say: Say) -> Crew:
    """The crew with the project's own agents and servers; `config` as it is outside of it.

    Servers are tried before agents meet them; what can be missing is left out when it is.
    """
    overrides, servers = load_overrides(config), Servers()
    if config.engine == "claude":
        everyone = {WORKER, *roster(config, overrides).origins}
        servers = read_servers(config, own_environment(config), everyone)
        if not mode.skip_preflight:
            there = everyone if mode.solo else set(ALONE)
            used = [s for s in servers.servers if any(map(s.open_to, there))]
            absent = try_servers(used, ready.python_path, spare=can_be_missing)
            for error in absent.values():
                say(f"{error}; the run does without it")
            config, servers = without_servers(config, absent), servers.without(absent)
            crew = replace(crew, config=without_servers(crew.config, absent))
    for notice in roster(config, overrides).notices if mode.solo else overrides.notices:
        say(notice)
    return replace(
        crew,
        solo=mode.solo,
        overrides=overrides,
        max_iterations=mode.max_iterations,
        servers=servers.servers,
        secrets=(*secrets_of(config.environ), *servers.secrets),
    )


def roles_of(crew: Crew) -> list[Role]:
    workers = [
        Role(name=name, target=worker.serve, args=(crew, name))
        for name in (f"worker-{n}" for n in range(1, crew.config.workers + 1))
    ]
    lander = Role(name=landing.NAME, target=landing.serve, args=(crew,))
    return [*workers, lander] if crew.config.land == "auto" else workers


def successors(crew: Crew, config: Config, ready: Ready, mode: Mode, say: Say) -> list[Role]:
    """The roles as the configuration is by now. AxonError: it is not fit to be used."""
    assert mode.reread is not None
    fresh, notices = allowed_only(mode.reread())
    for notice in notices:
        say(notice)
    fixed = {name: getattr(config, name) for name in FIXED}
    fresh = replace(fresh, **fixed, workers=fresh.workers or config.workers)
    safe = without_secrets(fresh, own_environment(fresh))
    crew = replace(crew, config=safe, told=told_of(fresh, crew.run))
    roles = roles_of(equipped(crew, fresh, ready, mode, say))
    courier = courier_role(fresh, crew.run, say)
    return [*roles, courier] if courier else roles
