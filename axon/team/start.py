"""Set up everything one run needs, hand it to the coordinator, and clear up behind it."""

import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from axon.agents.bundled import WORKER
from axon.agents.overrides import Overrides, load_overrides
from axon.agents.roster import roster
from axon.config import Config, scrub_environment
from axon.errors import AxonError, EngineError, Forbidden
from axon.gateway import server as gateway
from axon.gateway.login import login_environment
from axon.gateway.settings import settings_from
from axon.ledger import Ledger, Run, ledger_from
from axon.monitoring.preflight import Ready, check_engine
from axon.monitoring.servers import Servers, read_servers, try_servers
from axon.resources import import_path
from axon.security.secrets import secrets_of
from axon.security.trust import allowed_only
from axon.tasks import Draft, State
from axon.tasks.known import without_known
from axon.team import landing, worker
from axon.team.coordinator import LEADERSHIP_SECONDS, Coordinator, watch_signals
from axon.team.crew import Crew, without_secrets
from axon.team.environment import own_environment
from axon.team.project import Project, hold, open_project
from axon.team.recovery import recover
from axon.team.screen import Reporter, choose_reporter
from axon.team.supervisor import Role, Supervisor
from axon.team.workspace.place import drop_temporary

log = logging.getLogger(__name__)

GATEWAY_SECONDS = 15.0  # for the gateway to say its port
LOG_NAME = "axon.log"
MAX_LOG_BYTES = 10 << 20
ALONE = (WORKER, "reviewer", "planner")  # those who have sessions of their own in a team
PRELOAD = ("axon.team.worker", "axon.team.landing", "axon.gateway.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A team, or `solo`: one orchestrator with subagents, one task after the other."""

    solo: bool = False
    max_iterations: int | None = None
    skip_preflight: bool = False
    only: str = ""  # take this task and no other


def run_team(
    config: Config,
    drafts: Sequence[Draft],
    *,
    json: bool,
    stream: TextIO,
    mode: Mode = Mode(),  # noqa: B008  # frozen
) -> int:
    """Run the team to its end; the exit code (DESIGN: processes)."""
    config, ignored = allowed_only(config)  # before anything looks at its servers
    project = open_project(config)
    ledger = ledger_from(config, create=True)
    drafts = without_known(drafts, ledger.tasks())
    if drafts:
        ledger.add(drafts)
    if nothing := _nothing_to_do(ledger):
        print(nothing, file=sys.stderr)
        return 0
    ready = check_engine(
        config,
        lambda line: print(f"axon: {line}", file=sys.stderr),
        thorough=not mode.skip_preflight,
    )
    recover(ledger)
    _say(project, config, ready, ledger, ignored)
    _open_log(project.state_dir / LOG_NAME)
    live = config.environ.get("TERM") != "dumb"
    reporter = choose_reporter(stream, json, config.color, live=live)
    return _run(config, project, ledger, ready, reporter, mode)


def _nothing_to_do(ledger: Ledger) -> str:
    counts = ledger.counts()
    if not any(counts.values()):
        return (
            'the ledger is empty; add tasks with axon task add "TITLE", axon task import FILE, '
            "or axon team TASKS.md"
        )
    if counts[State.IN_PROGRESS] or counts[State.REVIEW] or ledger.ready_in() is not None:
        return ""
    left = ", ".join(f"{n} {State(s).label}" for s, n in counts.items() if n)
    return f"nothing to do ({left}); axon task list shows the tasks"


def _say(
    project: Project, config: Config, ready: Ready, ledger: Ledger, ignored: Sequence[str]
) -> None:
    """What a person should know before agents start."""
    notices = [project.notice, *ignored]
    loose = [t.identifier for t in ledger.tasks(states=(State.TODO,)) if not t.check]
    if not config.gate and loose:
        notices.append(
            f"{loose[0] if len(loose) == 1 else f'{len(loose)} tasks'} without a check, and no "
            "[gate] command in axon.toml: lands unverified"
        )
    if ready.login == "bypass":
        notices.append(
            "this login is the CLI's own: the gateway is bypassed, budgets rest on its figures"
        )
    if config.upstream:
        notices.append(f"the model is {config.upstream}, not a real one")
    for notice in filter(None, notices):
        print(f"axon: {notice}", file=sys.stderr)


def _open_log(path: Path) -> None:
    """This process logs there too; a log that has grown large gives way to a new one."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    logging.basicConfig(
        filename=path,
        level=logging.INFO,
        format="%(asctime)s coordinator %(levelname)s %(message)s",
    )


def _run(
    config: Config, project: Project, ledger: Ledger, ready: Ready, reporter: Reporter, mode: Mode
) -> int:
    run = Run(
        id=f"run-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}",
        pid=os.getpid(),
        host=socket.gethostname(),
        target=project.target,
        engine=config.engine,
        workers=config.workers,
        max_tasks=config.max_tasks,
        max_usd=config.budget_usd,
        started_at=time.time(),
    )
    overrides, servers = _additions(config, ready, mode)
    supervisor = _supervisor(config, project, ready)
    coordinator = Coordinator(
        ledger=ledger,
        run=run,
        supervisor=supervisor,
        reporter=reporter,
        max_iterations=mode.max_iterations,
    )
    watch_signals(coordinator.on_signal)
    ledger.start_run(run, LEADERSHIP_SECONDS)
    if mode.only:
        ledger.reserve(run.id, mode.only)
    try:
        url = _start_gateway(config, run, ready, supervisor)
        crew = replace(
            _crew(config, run, project, ready, url),
            solo=mode.solo,
            overrides=overrides,
            max_iterations=mode.max_iterations,
            servers=servers.servers,
            secrets=(*secrets_of(config.environ), *servers.secrets),
        )
        return coordinator.work(_roles(crew))
    except AxonError:
        supervisor.end()
        ledger.end_run(run.id)
        raise
    finally:
        with suppress(Forbidden), hold(project, landing.NAME):  # another run may be landing
            drop_temporary(project, landing.NAME)


def _additions(config: Config, ready: Ready, mode: Mode) -> tuple[Overrides, Servers]:
    """The project's own agents and prompts, and other servers, tried before agents meet them."""
    overrides = load_overrides(config)
    found = roster(config, overrides)
    for notice in found.notices if mode.solo else overrides.notices:
        print(f"axon: {notice}", file=sys.stderr)
    if config.engine != "claude":
        return overrides, Servers()
    servers = read_servers(config, own_environment(config), {WORKER, *found.origins})
    if not mode.skip_preflight:
        there = found.origins if mode.solo else ALONE
        used = [server for server in servers.servers if any(map(server.open_to, there))]
        try_servers(used, ready.python_path)
    return overrides, servers


def _supervisor(config: Config, project: Project, ready: Ready) -> Supervisor:
    """The forkserver starts with an environment that holds no key, and can import everything."""
    path = os.pathsep.join((import_path(), *ready.python_path))
    scrub_environment(own_environment(config) | {"PYTHONPATH": path})
    engine = ("claude_agent_sdk",) if config.engine == "claude" else ()
    return Supervisor(preload=(*PRELOAD, *engine), log_path=project.state_dir / LOG_NAME)


def _start_gateway(config: Config, run: Run, ready: Ready, supervisor: Supervisor) -> str:
    """Its address, or nothing when agents find their own way to the model."""
    if ready.login != "gateway":
        return ""
    settings = settings_from(config, run=run.id)
    child = supervisor.add(Role(name="gateway", target=gateway.serve, args=(settings,)))
    assert child.leash is not None
    try:
        if not child.leash.poll(GATEWAY_SECONDS):
            raise EngineError("the gateway did not start; see .axon/axon.log")
        port = child.leash.recv()
    except EOFError:
        raise EngineError("the gateway ended at its start; see .axon/axon.log") from None
    if not isinstance(port, int):
        raise EngineError(f"the gateway {port}")
    settings = replace(settings, port=port)  # a restarted one must be found at the same address
    child.role = replace(child.role, args=(settings,))
    return f"http://127.0.0.1:{port}"


def _crew(config: Config, run: Run, project: Project, ready: Ready, url: str) -> Crew:
    return Crew(
        run=run.id,
        config=without_secrets(config, own_environment(config)),
        target=project.target,
        gateway_url=url,
        cli=ready.cli,
        login=login_environment(config) if ready.login == "bypass" else {},
    )


def _roles(crew: Crew) -> list[Role]:
    workers = [
        Role(name=name, target=worker.serve, args=(crew, name))
        for name in (f"worker-{n}" for n in range(1, crew.config.workers + 1))
    ]
    lander = Role(name="landing", target=landing.serve, args=(crew,))
    return [*workers, lander]
