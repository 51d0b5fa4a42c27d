"""Which checks a configuration asks for: what a run of it will use, and nothing else."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from axon.agents.bundled import WORKER
from axon.agents.overrides import load_overrides
from axon.agents.roster import roster
from axon.config import Config
from axon.errors import AxonError, UsageError
from axon.integrations.github import uses_github
from axon.integrations.github.check import check as check_github
from axon.integrations.notify.chosen import others_of
from axon.integrations.telegram import check as check_telegram
from axon.mcp.config import servers_of
from axon.monitoring.health import books, engine, machine
from axon.monitoring.health.check import (
    Check,
    CheckState,
    Probe,
    failed,
    good,
    looked,
    skipped,
    warned,
)
from axon.monitoring.health.permissions import permissions
from axon.monitoring.preflight import check_engine
from axon.monitoring.servers import ask_servers, read_servers
from axon.security.sandbox import Containment, choose, describe
from axon.team.courier.roles import office_of
from axon.team.environment import own_environment
from axon.team.health.asking import SECONDS as ASKING_SECONDS
from axon.team.health.asking import ask_model
from axon.team.project import examine, open_project
from axon.team.status import concerns_now, latest_run
from axon.team.untouched import try_gate

Say = Callable[[str], None]
UNPACK_SECONDS = 300.0  # the first time the engine is unpacked
LEDGER_SECONDS = 120.0  # a large one is read as a whole
GITHUB_SECONDS, TELEGRAM_SECONDS = 60.0, 60.0
STATES = {"ok": CheckState.OK, "warning": CheckState.WARN, "failed": CheckState.FAIL}


def fast_probes(config: Config) -> list[Probe]:
    """What takes no time and asks nobody: these come before every run."""
    return [
        Probe(name="disk", look=partial(machine.disk, config)),
        Probe(name="memory", look=partial(machine.memory, config)),
        Probe(name="limits", look=partial(machine.limits, config)),
        Probe(name="clock", look=partial(machine.clock, config)),
        Probe(name="permissions", look=partial(permissions, config)),
    ]


def warnings(config: Config) -> list[Check]:
    """Those of the fast ones that a person should know of before a run."""
    found = [looked(probe) for probe in fast_probes(config)]
    return [check for check in found if check.state in (CheckState.WARN, CheckState.FAIL)]


def all_probes(
    config: Config, say: Say, kept: list[Containment], *, deep: bool, fast: bool
) -> list[Probe]:
    """In the order in which they are shown. `config`: without what nobody has allowed.

    `kept` gets what the containment is like.
    """
    first = [
        Probe(name="git", look=partial(git, config)),
        Probe(name="engine", look=partial(engine.engine, config, say), seconds=UNPACK_SECONDS),
        Probe(name="login", look=partial(engine.login, config), seconds=45.0),
    ]
    if fast:
        return [*first, *fast_probes(config)]
    return [
        *first,
        Probe(name="model", look=partial(engine.endpoint, config), seconds=45.0),
        Probe(name="gateway", look=partial(engine.gateway, config), seconds=45.0),
        *_deep(config, say, deep),
        Probe(name="ledger", look=partial(books.ledger_whole, config), seconds=LEDGER_SECONDS),
        Probe(name="team", look=partial(team, config), seconds=30.0),
        Probe(name="gate", look=partial(gate, config), seconds=_gate_seconds(config)),
        Probe(name="sandbox", look=partial(sandbox, config, kept), seconds=60.0),
        *_servers(config, say),
        Probe(name="github", look=partial(github, config), seconds=GITHUB_SECONDS),
        Probe(name="telegram", look=partial(telegram, config), seconds=TELEGRAM_SECONDS),
        Probe(name="notify", look=partial(notify, config)),
        *fast_probes(config),
    ]


def _deep(config: Config, say: Say, deep: bool) -> list[Probe]:
    look = partial(ask_model, config, say)
    return [Probe(name="request", look=look, seconds=ASKING_SECONDS + 30)] if deep else []


def _gate_seconds(config: Config) -> float:
    return 60 * (config.gate_minutes + config.setup_minutes) + 30


def git(config: Config) -> Check:
    version, target, name, email = examine(config)
    reason = f"git {version}, lands on {target}"
    if not (name and email):
        fix = 'git config --global user.name "NAME"; git config --global user.email ADDRESS'
        return warned("git", f"{reason}; it knows no name and address: axon commits as axon", fix)
    return good("git", f"{reason}, commits as {name} <{email}>")


def gate(config: Config) -> Check:
    """Run it on the untouched branch, as a run does at its start."""
    if not config.gate:
        reason = "no [gate] command is set: a task without a check of its own lands unverified"
        return skipped("gate", reason)
    project = open_project(config)
    lines: list[str] = []
    contained = choose(config, project.root, project.common_dir)
    try:
        try_gate(config, replace(project, sandbox=contained), lines.append)
    except AxonError as error:
        said = [line.strip() for line in lines[1:] if line.strip()][-1:]
        reason, _, fix = str(error).partition("; ")
        return failed("gate", ": ".join([reason, *said]), fix)
    return good("gate", f"{config.gate} is green on {project.target}")


def sandbox(config: Config, kept: list[Containment]) -> Check:
    check, found = containment(config)
    kept += [found] if found else []
    return check


def containment(config: Config) -> tuple[Check, Containment | None]:
    """What holds agents in on this machine. It is tried: this takes a moment."""
    common = config.root / ".git"
    try:
        found = describe(choose(config, config.root.resolve(), common))
    except AxonError as error:
        reason, _, fix = str(error).partition("; ")
        return failed("sandbox", reason, fix), None
    line = found.line.removeprefix("sandbox: ")
    if found.tier == "none":
        return warned("sandbox", line, "leave --unsafe-no-sandbox out"), found
    return good("sandbox", line), found


def team(config: Config) -> Check:
    ledger = books.ledger_here(config)
    if ledger is None:
        return books.team(None, [])
    try:
        sessions = config.state_dir / "sessions"
        found = concerns_now(ledger, sessions, time.time(), config.stale_hours)
        return books.team(latest_run(ledger), found)
    finally:
        ledger.close()


def _servers(config: Config, say: Say) -> list[Probe]:
    """One for each MCP server: they are asked who they are and what tools they have."""
    try:
        names = [server.name for server in servers_of(config)]
    except AxonError as error:
        wrong = error
        return [Probe(name="mcp", look=lambda: _raised(wrong))]
    return [
        Probe(name=f"mcp.{name}", look=partial(server, config, name, say), seconds=UNPACK_SECONDS)
        for name in names
    ]


def _raised(error: AxonError) -> Check:
    raise error


def server(config: Config, name: str, say: Say) -> Check:
    if config.engine != "claude":
        return skipped(f"mcp.{name}", "engine command uses no MCP servers of axon's")
    everyone = {WORKER, *roster(config, load_overrides(config)).origins}
    found = read_servers(config, own_environment(config), everyone)
    ready = check_engine(config, say, thorough=False)
    wanted = [one for one in found.servers if one.name == name]
    answer = ask_servers(wanted, ready.python_path)[name]
    if answer.error:
        return failed(f"mcp.{name}", answer.error, f"correct [mcp.{name}] in axon.toml")
    shown = ", ".join(answer.tools[:5]) + (", …" if len(answer.tools) > 5 else "")
    return good(f"mcp.{name}", f"{len(answer.tools)} tools{': ' if shown else ''}{shown}")


def github(config: Config) -> Check:
    if not uses_github(config):
        return skipped("github", "neither pull requests nor issues of GitHub are asked for")
    found = check_github(config)
    worst = max(found, key=lambda one: list(STATES).index(one.state))
    reason = worst.reason if worst.state != "ok" else ", ".join(one.reason for one in found)
    return Check(name="github", state=STATES[worst.state], reason=reason, fix=worst.fix)


def telegram(config: Config) -> Check:
    """A run does without it where it fails."""
    found = check_telegram(config)
    if not found.used:
        return skipped("telegram", "TELEGRAM_BOT_TOKEN is not set")
    if found.ok:
        return good("telegram", found.reason)
    return warned("telegram", found.reason, found.fix)


def notify(config: Config) -> Check:
    """Nobody is told anything by this look."""
    if not config.notify:
        return skipped("notify", "no [notify] table is there, or none is allowed")
    try:
        names = [one.channel for one in others_of(office_of(config, ""))]
    except UsageError as error:
        reason, _, fix = str(error).partition("; ")
        return warned("notify", reason, fix or "correct it in axon.toml")
    return good("notify", ", ".join(names))
