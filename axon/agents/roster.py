"""Who is there for a session: axon's own agents as the project has changed or added to them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from axon.agents import AgentSpec
from axon.agents.bundled import LOOK, ORCHESTRATOR, SUBAGENTS, THE_ORCHESTRATOR, Bundled
from axon.agents.frontmatter import AgentFile
from axon.agents.overrides import AGENTS, PROMPTS, Overrides
from axon.config import Config
from axon.mcp.config import TELEGRAM, is_browser, servers_of

NOTIFY = (
    "- When the work ends, or stands still for a reason a person should know at once, let "
    "`telegram` tell them, in one message."
)
NO_NOTIFY = (
    "- Nobody can be reached at once in this run: what a person should know goes into a comment "
    "on the task."
)
NO_SENDER = "no server can send; set TELEGRAM_MCP_URL, or add [mcp.telegram] to axon.toml"
NO_PAGES = "no server offers a browser: pages are not looked at; add [mcp.playwright] to axon.toml"
NO_BROWSER = (
    "- There is no browser in this run. What can only be seen in one is not checked, and the "
    "report says so."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The orchestrator, whom it may delegate to, where each comes from, and who is missing."""

    orchestrator: AgentSpec
    agents: tuple[AgentSpec, ...]
    origins: Mapping[str, str]
    notices: tuple[str, ...]

    def named(self, name: str) -> AgentSpec:
        """One of axon's own, as the project has it."""
        return next(agent for agent in self.agents if agent.name == name)


def roster(config: Config, overrides: Overrides | None = None) -> Roster:
    overrides = overrides or Overrides()
    notices = list(overrides.notices)
    found: list[AgentSpec] = []
    for agent in SUBAGENTS:
        file = overrides.agents.get(agent.name)
        if agent.name == TELEGRAM and file is None and (missing := telegram_missing(config)):
            notices.append(missing)
            continue
        found.append(_changed(agent.spec(config, overrides.prompts), file))
    if not has_browser(config):
        notices.append(NO_PAGES)
    known = {ORCHESTRATOR, *(agent.name for agent in SUBAGENTS)}
    added = (file for name, file in sorted(overrides.agents.items()) if name not in known)
    found += [_added(file) for file in added]
    return Roster(
        orchestrator=_orchestrator(config, overrides, found),
        agents=tuple(found),
        origins={
            name: _origin(name, overrides) for name in (ORCHESTRATOR, *(a.name for a in found))
        },
        notices=tuple(notices),
    )


def agents_for(config: Config, overrides: Overrides | None = None) -> tuple[AgentSpec, ...]:
    """The subagents of a session."""
    return roster(config, overrides).agents


def orchestrator(config: Config, overrides: Overrides | None = None) -> AgentSpec:
    """Who runs a session that has subagents."""
    return roster(config, overrides).orchestrator


def bundled_spec(agent: Bundled, config: Config) -> AgentSpec:
    """An agent as axon brings it, whatever the project says."""
    names = {"colleagues": "", "notify": NO_NOTIFY} if agent.name == ORCHESTRATOR else {}
    return agent.spec(config, {}, **names)


def telegram_missing(config: Config) -> str:
    """Why nobody can be told by Telegram; empty when that is possible."""
    there = any(server.name == TELEGRAM for server in servers_of(config))
    return "" if there else f"agent telegram is left out: {NO_SENDER}"


def has_browser(config: Config) -> bool:
    return any(is_browser(server) for server in servers_of(config))


def _orchestrator(config: Config, overrides: Overrides, agents: list[AgentSpec]) -> AgentSpec:
    names = {agent.name for agent in agents}
    notify = NOTIFY if TELEGRAM in names else NO_NOTIFY
    spec = THE_ORCHESTRATOR.spec(
        config,
        overrides.prompts,
        colleagues=", ".join(f"`{agent.name}`" for agent in agents),
        notify=notify if has_browser(config) else f"{notify}\n{NO_BROWSER}",
    )
    return _changed(spec, overrides.agents.get(ORCHESTRATOR))


def _changed(spec: AgentSpec, file: AgentFile | None) -> AgentSpec:
    """What the file says takes the place of what axon says; the rest stays."""
    if file is None:
        return spec
    return replace(
        spec,
        description=file.description or spec.description,
        prompt=file.prompt or spec.prompt,
        tools=spec.tools if file.tools is None else file.tools,
        model=spec.model if file.model is None else file.model,
    )


def _added(file: AgentFile) -> AgentSpec:
    """Without a list of tools it may look, not change: more has to be said."""
    return AgentSpec(
        name=file.name,
        description=file.description,
        prompt=file.prompt,
        tools=LOOK if file.tools is None else file.tools,
        model=file.model or "",
    )


def _origin(name: str, overrides: Overrides) -> str:
    if name in overrides.agents:
        return f"{AGENTS}/{name}.md"
    return f"{PROMPTS}/{name}.md" if name in overrides.prompts else "axon"
