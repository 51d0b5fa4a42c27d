"""A session of the reviewer's or the planner's own: it looks, and answers in a form."""

from typing import Any

from axon.agents.bundled import CHANGES, LOOK
from axon.agents.roster import roster
from axon.core.briefing import briefing
from axon.mcp.config import OWN_NAME
from axon.team.attempt.agent import Brief
from axon.team.attempt.assignment import Assignment
from axon.team.workspace import Workspace


def looking(
    at: Assignment,
    agent: str,
    prompt: str,
    schema: dict[str, Any],
    max_turns: int,
    resume: str = "",
) -> Brief:
    """As the project has that agent, but without a pen or a shell, whatever it may do elsewhere:
    what it looks at is what will land."""
    spec = roster(at.crew.config, at.crew.overrides).named(agent)
    own = f"mcp__{OWN_NAME}__"
    tools = tuple(t for t in spec.tools if t not in CHANGES and not t.startswith(own))
    return Brief(
        prompt=prompt,
        system_prompt=spec.prompt,
        model=spec.model,
        tools=tools or LOOK,
        agent=agent,
        schema=schema,
        resume=resume,
        max_turns=max_turns,
    )


def known(at: Assignment, workspace: Workspace) -> str:
    """The project as its target has it: the work that is judged cannot change what is said."""
    config = at.crew.config
    return briefing(at.project.root, workspace.base, config.environ, config.sparse)
