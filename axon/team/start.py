"""Set up everything one run needs, hand it to the coordinator, and clear up behind it."""

import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

from axon.config import Config, scrub_environment
from axon.errors import AxonError, EngineError, Forbidden
from axon.gateway import server as gateway
from axon.gateway.login import first_party
from axon.gateway.settings import settings_from, steps_of, tape_path, unpriced
from axon.ledger import Ledger, Run, ledger_from
from axon.monitoring.heartbeat import Heartbeat
from axon.monitoring.preflight import Ready, check_engine
from axon.resources import import_path
from axon.security.sandbox import describe
from axon.security.trust import allowed_only
from axon.tasks import Draft, State
from axon.tasks.known import without_known
from axon.team import landing
from axon.team.coordinator import LEADERSHIP_SECONDS, Coordinator, watch_signals
from axon.team.courier import courier_role
from axon.team.crew import Crew
from axon.team.environment import own_environment
from axon.team.health import warnings
from axon.team.landing.telling import conclude_left
from axon.team.order import arranged
from axon.team.project import Project, hold, open_project
from axon.team.proposing import hear_first, proposals
from axon.team.recovery import continued, exists, nothing_to_do, recover
from axon.team.roles import Beside, Mode, crew_of, equipped, roles_of, sandbox_of, successors
from axon.team.room import room
from axon.team.screen import Reporter, choose_reporter
from axon.team.supervisor import Role, Supervisor
from axon.team.untouched import try_gate
from axon.team.workspace.place import drop_temporary

log = logging.getLogger(__name__)

GATEWAY_SECONDS = 15.0  # for the gateway to say its port
LOG_NAME = "axon.log"
MAX_LOG_BYTES = 10 << 20
PRELOAD = ("axon.team.worker", "axon.team.landing", "axon.gateway.server")


def run_team(
    config: Config,
    drafts: Sequence[Draft],
    *,
    json: bool,
    stream: TextIO,
    mode: Mode = Mode(),  # noqa: B008  # frozen
    beside: Beside | None = None,
) -> int:
    """Run the team to its end; the exit code (DESIGN: processes)."""
    config, ignored = allowed_only(config)  # before anything looks at its servers
    project = open_project(config)
    companion = beside(config) if beside else None
    if companion:
        mode, ignored = replace(mode, companion=companion.role), (*ignored, companion.notice)
    ledger = ledger_from(config, create=True)
    drafts = without_known(drafts, ledger.tasks())
    if drafts:
        ledger.add(drafts)
    hear_first(config, ledger, say, thorough=not mode.skip_preflight)
    if not mode.watch and (nothing := nothing_to_do(ledger, config)):
        conclude_left(project, ledger)
        print(nothing, file=sys.stderr)
        return 0
    ready = check_engine(config, say, thorough=not mode.skip_preflight)
    if not mode.skip_preflight:
        for check in warnings(config):
            say(f"{check.name}: {check.reason}{'; ' if check.fix else ''}{check.fix}")
    project = replace(project, sandbox=sandbox_of(config, project, ready))
    recover(ledger)
    config = replace(config, workers=config.workers or room())
    _say(project, config, ready, ledger, ignored)
    if mode.resume:
        for line in continued(ledger):
            say(line)
    if config.gate and not config.allow_red:
        try_gate(config, project, say)
    _open_log(project.state_dir / LOG_NAME)
    live = config.environ.get("TERM") != "dumb"
    reporter = choose_reporter(stream, json, config.color, live=live)
    return _run(config, project, ledger, ready, reporter, mode)


def say(line: str) -> None:
    print(f"axon: {line}", file=sys.stderr, flush=True)


def _say(
    project: Project, config: Config, ready: Ready, ledger: Ledger, ignored: Sequence[str]
) -> None:
    """What a person should know before agents start."""
    notices = [describe(project.sandbox).line, project.notice, *ignored]
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
    notices.append(unpriced(config))
    if config.upstream:
        notices.append(f"the model is {config.upstream}, not a real one")
    for notice in filter(None, notices):
        say(notice)


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
    run = _new_run(config, project)
    crew = equipped(crew_of(config, run, ready), config, ready, mode, say)
    beside = [role for role in (mode.companion, courier_role(config, run.id, say)) if role]
    supervisor = _supervisor(config, project, ready, beside)
    leadership = min(LEADERSHIP_SECONDS, config.lease_seconds)
    coordinator = Coordinator(
        ledger=ledger,
        run=run,
        supervisor=supervisor,
        reporter=reporter,
        max_iterations=mode.max_iterations,
        max_review=config.max_review,
        lands=config.land == "auto",
        proposals=proposals(config, ledger, run.id, supervisor),
        stays=mode.watch,
        waits=not mode.solo,
        heartbeat=heartbeat_of(config, ledger),
        heartbeat_seconds=60 * config.heartbeat_minutes,
        leadership=leadership,
    )
    watch_signals(coordinator.on_signal)
    ledger.start_run(run, leadership)
    if mode.only:
        ledger.reserve(run.id, mode.only)
    for role in beside:
        supervisor.add(role)
    try:
        url = _start_gateway(config, run, ready, supervisor)
        sandbox = replace(project.sandbox, gateway=int(url.rpartition(":")[2] or 0))
        own = bool(url) and first_party(config)
        crew = replace(crew, gateway_url=url, first_party=own, sandbox=sandbox)
        crew = _taped(crew, config)
        if mode.reread is not None:
            coordinator.reread = partial(successors, crew, config, ready, mode, say)
        return coordinator.work(roles_of(crew))
    except AxonError:
        supervisor.end()
        ledger.end_run(run.id)
        raise
    finally:
        with suppress(Forbidden), hold(project, landing.NAME):  # another run may be landing
            drop_temporary(project, landing.NAME)


def heartbeat_of(config: Config, ledger: Ledger) -> Heartbeat | None:
    if not config.heartbeat_minutes:
        return None
    return Heartbeat.of(config, ledger, exists, partial(recover, seconds=0.0))


def _new_run(config: Config, project: Project) -> Run:
    return Run(
        id=f"run-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}",
        pid=os.getpid(),
        host=socket.gethostname(),
        target=project.target,
        engine=config.engine,
        workers=config.workers,
        max_tasks=config.max_tasks,
        max_usd=config.budget_usd,
        max_tokens=config.budget_tokens,
        started_at=time.time(),
    )


def _taped(crew: Crew, config: Config) -> Crew:
    """What is recorded, and what is followed, of the order in which tasks begin and land."""
    if not crew.gateway_url:
        return crew
    follows = config.land == "auto"  # else a person decides what lands when
    return replace(
        crew,
        tape=tape_path(config),
        order=arranged(steps_of(config)) if follows else (),
        strict=config.replay == "strict",
    )


def _supervisor(
    config: Config, project: Project, ready: Ready, beside: Sequence[Role]
) -> Supervisor:
    """The forkserver starts with an environment that holds no key, and can import everything."""
    path = os.pathsep.join((import_path(), *ready.python_path))
    scrub_environment(own_environment(config) | {"PYTHONPATH": path})
    engine = ("claude_agent_sdk",) if config.engine == "claude" else ()
    preload = (*PRELOAD, *engine, *(role.target.__module__ for role in beside))
    return Supervisor(preload=preload, log_path=project.state_dir / LOG_NAME)


def _start_gateway(config: Config, run: Run, ready: Ready, supervisor: Supervisor) -> str:
    """Its address, or nothing when agents find their own way to the model."""
    if ready.login != "gateway":
        return ""
    settings = settings_from(config, run=run.id)
    child = supervisor.add(Role(name="gateway", target=gateway.serve, args=(settings,), lasts=True))
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
