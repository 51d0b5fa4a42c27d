"""What axon decides about single tool calls: who may use a server, and which call is the last."""

from typing import TYPE_CHECKING, Any

from axon.engines import SessionRequest
from axon.engines.claude.toolbox import Toolbox
from axon.mcp.config import OWN_NAME

if TYPE_CHECKING:
    from claude_agent_sdk import HookMatcher

    Hooks = dict[str, list[HookMatcher]]

SECONDS = 30.0


def hooks_of(request: SessionRequest, toolbox: Toolbox) -> "Any":
    """A hook that fails blocks the call: the SDK's default lets it through."""
    from claude_agent_sdk import HookMatcher

    hooks: Hooks = {}
    closing = [spec.name for spec in request.talk if spec.ends]
    if closing:
        matcher = f"mcp__{OWN_NAME}__({'|'.join(closing)})"
        hooks["PostToolUse"] = [
            HookMatcher(matcher=matcher, hooks=[_stop(toolbox)], timeout=SECONDS)
        ]
    restricted = [server.name for server in request.servers if server.agents]
    if restricted:
        matcher = f"mcp__({'|'.join(restricted)})__.*"
        check = HookMatcher(
            matcher=matcher, hooks=[_admit(request)], timeout=SECONDS, on_failure="block"
        )
        hooks["PreToolUse"] = [check]
    return hooks


def _stop(toolbox: Toolbox) -> Any:
    async def stop(given: Any, call: str | None, context: Any) -> dict[str, Any]:
        """End the turn with the tool's result in the history: it can be resumed from there."""
        if not toolbox.ended_by:
            return {}
        return {"continue_": False, "stopReason": "axon goes on later"}

    return stop


def _admit(request: SessionRequest) -> Any:
    allowed = {server.name: server for server in request.servers}

    async def admit(given: Any, call: str | None, context: Any) -> dict[str, Any]:
        agent = str(given.get("agent_type") or request.agent)
        server = allowed.get(str(given.get("tool_name", "")).split("__")[1])
        if server is not None and server.open_to(agent):
            return {}
        return {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": f"the {agent} agent may not use this server",
            }
        }

    return admit
