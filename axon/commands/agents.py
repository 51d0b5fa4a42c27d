"""List the agents a session has: their model, their tools, and where each comes from."""

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from axon.agents import AgentSpec
from axon.agents.overrides import load_overrides
from axon.agents.roster import Roster, roster
from axon.commands import add_json, add_trust, print_json
from axon.config import INHERIT, Config
from axon.core.terminal import one_line, plain
from axon.mcp.config import servers_of
from axon.security.trust import allowed_only


def configure(parser: ArgumentParser) -> None:
    add_trust(parser)
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    config, ignored = allowed_only(config)
    found = roster(config, load_overrides(config))
    notices = [one_line(notice) for notice in (*found.notices, *ignored)]
    if args.json:
        print_json({"agents": _views(found, config), "notices": notices})
        return 0
    for view in _views(found, config):
        print(f"{view['name']}  {view['model']}  from {view['origin']}")
        print(f"  {plain(view['description'])}")
        print(f"  tools: {', '.join(view['tools']) or 'none'}")
    for notice in notices:
        print(f"axon: {notice}", file=sys.stderr)
    return 0


def _views(found: Roster, config: Config) -> list[dict[str, Any]]:
    return [_view(agent, found, config) for agent in (found.orchestrator, *found.agents)]


def _view(agent: AgentSpec, found: Roster, config: Config) -> dict[str, Any]:
    main = agent is found.orchestrator
    return {
        "name": agent.name,
        "model": agent.model or (config.model if main else INHERIT),
        "tools": [*agent.tools, *_of_servers(agent.name, config)],
        "origin": found.origins[agent.name],
        "description": agent.description,
    }


def _of_servers(name: str, config: Config) -> list[str]:
    """What other MCP servers lend to this agent."""
    return [f"mcp__{server.name}" for server in servers_of(config) if server.open_to(name)]
