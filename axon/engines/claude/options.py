"""A session request as options of the SDK."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from axon.agents import AgentSpec
from axon.engines import SessionRequest
from axon.engines.claude.hooks import hooks_of
from axon.engines.claude.toolbox import Toolbox
from axon.engines.launch import leashed

if TYPE_CHECKING:
    from claude_agent_sdk import AgentDefinition, ClaudeAgentOptions

TOOLS = ("Bash", "Read", "Write", "Edit", "Glob", "Grep")
DELEGATE = "Agent"
LEAD = "You lead the work and delegate it to your subagents."
MAX_MESSAGE_BYTES = 64 << 20  # the SDK's default of 1 MiB ends a session at one large image

# What keeps an unattended session from hanging, phoning home or leaving things running.
_SETTINGS = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
    "CLAUDE_AGENT_SDK_DISABLE_BUILTIN_AGENTS": "1",
    "CLAUDE_CODE_MAX_RETRIES": "3",
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "180000",
    "API_TIMEOUT_MS": "600000",
    "DISABLE_AUTOUPDATER": "1",
    "IS_SANDBOX": "1",  # root may not bypass permissions without it
}


def options_of(
    cli: Path, request: SessionRequest, toolbox: Toolbox, stderr: Any
) -> "ClaudeAgentOptions":
    from claude_agent_sdk import ClaudeAgentOptions

    environment = {
        **_SETTINGS,
        **request.environment,
        "HOME": str(request.home),
        "CLAUDE_CONFIG_DIR": str(request.home / ".claude"),
        "CLAUDE_CODE_TMPDIR": str(request.temporary),
        "TMPDIR": str(request.temporary),
    }
    schema = request.schema
    return ClaudeAgentOptions(
        cli_path=leashed(cli, request, environment),
        cwd=request.cwd,
        env=environment,
        model=request.model,
        tools=_tools(request),
        mcp_servers=toolbox.servers,
        agents=_agents(request) or None,
        output_format={"type": "json_schema", "schema": schema} if schema else None,
        hooks=hooks_of(request, toolbox),
        permission_mode="bypassPermissions",
        setting_sources=[],  # a repository's own settings and hooks are code: never loaded
        strict_mcp_config=True,
        system_prompt={
            "type": "preset",
            "preset": "claude_code",
            "append": "" if request.agents else request.system_prompt,
        },
        max_turns=request.max_turns,
        max_buffer_size=MAX_MESSAGE_BYTES,
        verbatim_prompts=True,  # "@/etc/passwd" in a task's text stays a text
        extra_args={
            "replay-user-messages": None,  # tells when the agent has a message
            **({"agent": request.agent} if request.agents else {}),
        },
        resume=request.resume or None,
        stderr=stderr,
    )


def _tools(request: SessionRequest) -> list[str]:
    """What the session has is all that anybody in it can have."""
    subagents = [tool for spec in request.agents for tool in spec.tools]
    delegate = [DELEGATE] if request.agents else []
    every = dict.fromkeys([*(request.tools or TOOLS), *subagents, *delegate])
    return [tool for tool in every if not tool.startswith("mcp__")]


def _agents(request: SessionRequest) -> "dict[str, AgentDefinition]":
    """The subagents, and the main agent as one of them: only so has it fewer tools than they."""
    if not request.agents:
        return {}
    names = ",".join(spec.name for spec in request.agents)
    own = [tool for tool in request.tools or TOOLS if tool != DELEGATE]
    main = AgentSpec(
        name=request.agent,
        description="Leads the session; nobody delegates to it.",
        prompt=request.system_prompt or LEAD,
        tools=(f"{DELEGATE}({names})", *own),  # a plain one would let it call itself
    )
    return {spec.name: _agent(request, spec) for spec in (main, *request.agents)}


def _agent(request: SessionRequest, spec: AgentSpec) -> "AgentDefinition":
    from claude_agent_sdk import AgentDefinition

    servers = [f"mcp__{server.name}" for server in request.servers if server.open_to(spec.name)]
    return AgentDefinition(
        description=spec.description,
        prompt=spec.prompt,
        tools=[*spec.tools, *servers],
        model=spec.model or "inherit",
        # the session's own limit does not count a subagent's turns
        maxTurns=request.max_turns if spec.name != request.agent else None,
    )
