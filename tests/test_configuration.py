"""Every variable that the design names: it is a setting, its origin is shown, it does something."""

import json
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from axon.agents.roster import agents_for, orchestrator
from axon.config import Config, load_config, settings
from axon.config.values import weekday
from axon.core.context import Gauge
from axon.engines import EngineEvent
from axon.integrations.github import uses_github
from axon.integrations.github.access import connect, repository
from axon.ledger import Ledger
from axon.mcp.config import resolved, servers_of
from axon.monitoring.heartbeat import Heartbeat
from axon.tasks import State
from axon.team.courier.makers import errands_of
from axon.team.courier.roles import office_of
from axon.team.github.round import Round
from axon.team.reports.digest import due
from axon.team.start import heartbeat_of
from tests.drive import Axon
from tests.world import World, add

# DESIGN, "Configuration", word for word.
NAMED = (
    "TASK_MCP_URL TELEGRAM_MCP_URL MCP_API_KEY ORCHESTRATOR_MODEL "
    "{TASK,CODING,TELEGRAM,REVIEWER,DEVOPS,TESTING,SECURITY,RESEARCH,PLANNER}_AGENT_MODEL "
    "MAX_CONTEXT_TOKENS HEARTBEAT_INTERVAL_MINUTES STALE_THRESHOLD_HOURS TELEGRAM_BOT_TOKEN "
    "TELEGRAM_CHAT_ID DAILY_DIGEST_HOUR WEEKLY_SUMMARY_DAY GITHUB_TOKEN GITHUB_REPO "
    "GITHUB_BASE_BRANCH GITHUB_REVIEWERS GITHUB_ISSUES_SYNC"
)
TELEGRAM_TOKEN = "123456789:AAF-abcdefghijklmnopqrstuvwxyz01234"
MONDAY_NOON = datetime(2026, 3, 2, 12).timestamp()


@dataclass(frozen=True, kw_only=True)
class Walked:
    """One variable: the setting it is, and what comes of it that would not without it."""

    variable: str
    said: str
    key: str
    value: Any
    effect: Callable[[Config], Any]
    result: Any
    beside: tuple[tuple[str, str], ...] = ()  # other variables it needs to have an effect


def server_of(config: Config) -> Any:
    found = {server.name: server for server in servers_of(config)}
    return resolved(found["telegram"], {"MCP_API_KEY": "k-12345678"}, {}) if found else None


def model_of(agent: str) -> Callable[[Config], Any]:
    def look(config: Config) -> Any:
        everybody = agents_for(replace(config, telegram_mcp_url="http://127.0.0.1:9/mcp"))
        return {one.name: one.model for one in everybody}[agent]

    return look


def full_at(tokens: int) -> Callable[[Config], Any]:
    def look(config: Config) -> Any:
        gauge = Gauge(config.max_context_tokens)
        gauge.saw(EngineEvent(kind="text", data={"context_tokens": tokens}))
        return gauge.full

    return look


def errands(config: Config) -> list[str]:
    complaints: list[str] = []
    found = [one.name for one in errands_of(office_of(config, "run"), complaints.append)]
    return [*found, *complaints]


def base_of(config: Config) -> str:
    facts: Any = SimpleNamespace(target="main")
    nothing = cast(Any, None)
    made = Round(config=config, project=facts, github=nothing, ledger=nothing, run="")
    return made.base


AGENTS = ("task", "coding", "telegram", "reviewer", "devops", "testing", "security", "research",
          "planner")  # fmt: skip
TOKEN = (("GITHUB_TOKEN", "ghp_0123456789"), ("GITHUB_REPO", "octo/repo"))
WALK = (
    Walked(
        variable="TASK_MCP_URL",
        said="https://tasks.example/mcp",
        key="ledger.task_mcp_url",
        value="https://tasks.example/mcp",
        effect=lambda config: config.ledger_url.partition("#")[0],
        result="mcp+https://tasks.example/mcp",
    ),
    Walked(
        variable="TELEGRAM_MCP_URL",
        said="http://127.0.0.1:9/mcp",
        key="telegram.mcp_url",
        value="http://127.0.0.1:9/mcp",
        effect=lambda config: getattr(server_of(config), "url", None),
        result="http://127.0.0.1:9/mcp",
    ),
    Walked(
        variable="MCP_API_KEY",
        said="k-12345678",
        key="mcp_api_key",
        value="k-12345678",
        effect=lambda config: server_of(config).headers,
        result={"Authorization": "Bearer k-12345678"},
        beside=(("TELEGRAM_MCP_URL", "http://127.0.0.1:9/mcp"),),
    ),
    Walked(
        variable="ORCHESTRATOR_MODEL",
        said="opus",
        key="agents.orchestrator.model",
        value="opus",
        effect=lambda config: orchestrator(config).model,
        result="opus",
    ),
    *(
        Walked(
            variable=f"{agent.upper()}_AGENT_MODEL",
            said="haiku",
            key=f"agents.{agent}.model",
            value="haiku",
            effect=model_of(agent),
            result="haiku",
        )
        for agent in AGENTS
    ),
    Walked(
        variable="MAX_CONTEXT_TOKENS",
        said="50000",
        key="limits.max_context_tokens",
        value=50_000,
        effect=full_at(45_000),
        result=True,
    ),
    Walked(
        variable="HEARTBEAT_INTERVAL_MINUTES",
        said="0",
        key="heartbeat.minutes",
        value=0.0,
        effect=lambda config: heartbeat_of(config, cast(Ledger, None)),
        result=None,
    ),
    Walked(
        variable="STALE_THRESHOLD_HOURS",
        said="7",
        key="heartbeat.stale_hours",
        value=7.0,
        effect=lambda config: cast(Heartbeat, heartbeat_of(config, cast(Ledger, None))).stale_hours,
        result=7.0,
    ),
    Walked(
        variable="TELEGRAM_BOT_TOKEN",
        said=TELEGRAM_TOKEN,
        key="telegram.token",
        value=TELEGRAM_TOKEN,
        effect=lambda config: any("telegram" in name.lower() for name in errands(config)),
        result=True,
        beside=(("TELEGRAM_CHAT_ID", "4711"),),
    ),
    Walked(
        variable="TELEGRAM_CHAT_ID",
        said="4711",
        key="telegram.chats",
        value="4711",
        effect=lambda config: any("4711" in name for name in errands(config)),
        result=True,
        beside=(("TELEGRAM_BOT_TOKEN", TELEGRAM_TOKEN),),
    ),
    Walked(
        variable="DAILY_DIGEST_HOUR",
        said="13",
        key="report.digest_hour",
        value=13,
        effect=lambda config: due(MONDAY_NOON, config.digest_hour, weekday(config.weekly_day)),
        result=[],
    ),
    Walked(
        variable="WEEKLY_SUMMARY_DAY",
        said="friday",
        key="report.weekly_day",
        value="friday",
        effect=lambda config: due(MONDAY_NOON, config.digest_hour, weekday(config.weekly_day)),
        result=["daily"],
    ),
    Walked(
        variable="GITHUB_TOKEN",
        said="ghp_0123456789",
        key="github.token",
        value="ghp_0123456789",
        effect=uses_github,
        result=True,
        beside=(("GITHUB_ISSUES_SYNC", "true"),),
    ),
    Walked(
        variable="GITHUB_REPO",
        said="octo/repo",
        key="github.repo",
        value="octo/repo",
        effect=lambda config: repository(config).full,
        result="octo/repo",
    ),
    Walked(
        variable="GITHUB_BASE_BRANCH",
        said="next",
        key="github.base_branch",
        value="next",
        effect=base_of,
        result="next",
    ),
    Walked(
        variable="GITHUB_REVIEWERS",
        said="alice, octo/core",
        key="github.reviewers",
        value=["alice", "octo/core"],
        # what is done with them: test_a_pull_request_says_what_judged_the_work
        effect=lambda config: config.github_reviewers,
        result=("alice", "octo/core"),
    ),
    Walked(
        variable="GITHUB_ISSUES_SYNC",
        said="true",
        key="github.issues_sync",
        value=True,
        effect=uses_github,
        result=True,
        beside=TOKEN,
    ),
)


def named() -> list[str]:
    """The names of the design, each written out."""
    found: list[str] = []
    for word in NAMED.split():
        before, brace, rest = word.partition("{")
        inside, _, after = rest.partition("}")
        found += [before + one + after for one in inside.split(",")] if brace else [word]
    return found


def test_the_walk_leaves_none_out() -> None:
    assert [one.variable for one in WALK] == named()
    keys = {s.metadata["env"]: s.metadata["key"] for s in settings() if s.metadata["env"]}
    assert {one.variable: one.key for one in WALK}.items() <= keys.items()


@pytest.mark.parametrize("one", WALK, ids=lambda one: one.variable)
def test_each_has_its_effect(one: Walked, tmp_path: Path) -> None:
    def result(environ: dict[str, str]) -> Any:
        config = load_config(Namespace(), tmp_path, {"HOME": str(tmp_path), **environ})
        if one.variable in environ:
            assert config.origins[one.key] == one.variable
        try:
            return one.effect(config)
        except Exception as error:  # what it cannot be without
            return error

    beside = dict(one.beside)
    assert result(beside) != one.result, "also without it"
    assert result({**beside, one.variable: one.said}) == one.result


def test_axon_config_shows_each_with_its_origin(axon: Axon) -> None:
    axon.make_repository()
    axon.variables |= {one.variable: one.said for one in WALK}
    shown = {entry["key"]: entry for entry in axon.json("config")}
    secret = {s.metadata["key"] for s in settings() if s.metadata["secret"]}
    for one in WALK:
        value = "set" if one.key in secret else one.value
        assert shown[one.key] == {"key": one.key, "value": value, "origin": one.variable}
    text = axon.ok("config")
    assert "(HEARTBEAT_INTERVAL_MINUTES)" in text and "(STALE_THRESHOLD_HOURS)" in text
    assert TELEGRAM_TOKEN not in text + json.dumps(shown) and "ghp_0123456789" not in text


def test_github_is_reached_with_the_token(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), **dict(TOKEN)}
    github = connect(load_config(Namespace(), tmp_path, environ))
    assert github.token == "ghp_0123456789" and github.place.full == "octo/repo"


def test_a_heartbeat_goes_by_what_is_set(world: World, ledger: Ledger, tmp_path: Path) -> None:
    add(ledger, "held")
    ledger.move("ENG-1", State.IN_PROGRESS)
    world.sleep(5 * 3600)
    for hours, count in (("7", 0), ("4", 1)):
        config = load_config(Namespace(), tmp_path, {"STALE_THRESHOLD_HOURS": hours})
        beats = heartbeat_of(config, ledger)
        assert beats is not None
        beats.folder.mkdir(exist_ok=True)
        beats.beat(world.wall)
        assert len(beats.beat(world.wall)) == count
