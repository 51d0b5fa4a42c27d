"""What axon decides about single tool calls: whether one may be made, and which is the last."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from axon.engines import Denial, SessionRequest
from axon.engines.claude.toolbox import Toolbox
from axon.mcp.config import OWN_NAME
from axon.security.paths import Places
from axon.security.policy import Policy, Profile
from axon.security.policy.tools import rule

if TYPE_CHECKING:
    from claude_agent_sdk import HookMatcher

    Hooks = dict[str, list[HookMatcher]]

log = logging.getLogger(__name__)

SECONDS = 30.0


def hooks_of(request: SessionRequest, toolbox: Toolbox) -> "Any":
    """A hook that fails blocks the call: the SDK's default lets it through."""
    from claude_agent_sdk import HookMatcher

    guard = HookMatcher(matcher=None, hooks=[_guard(request)], timeout=SECONDS, on_failure="block")
    hooks: Hooks = {"PreToolUse": [guard]}
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
        hooks["PreToolUse"].append(check)
    return hooks


def policy_of(request: SessionRequest) -> Policy:
    """What the session's calls are held against."""
    inside = request.contained.sandbox.tier != "none"
    return Policy(
        profile=Profile.CONTAINED if inside else Profile.STRICT,
        places=Places(workspace=request.cwd, temporary=request.temporary, home=request.home),
        commands=request.commands,
    )


def _guard(request: SessionRequest) -> Any:
    policy = policy_of(request)

    async def guard(given: Any, call: str | None, context: Any) -> dict[str, Any]:
        """Deny with a reason, or allow with what the tool gets instead."""
        tool = str(given.get("tool_name", ""))
        ruling = rule(policy, tool, given.get("tool_input"), str(given.get("cwd") or ""))
        if not ruling.allowed:
            denial = Denial(
                tool=tool,
                reason=ruling.reason,
                input=given.get("tool_input"),
                call=str(call or ""),
                agent=str(given.get("agent_type") or ""),
            )
            _tell(request.denied, denial)
            return _decision("deny", permissionDecisionReason=_advice(ruling.reason))
        if ruling.given is not None:
            return _decision("allow", updatedInput=ruling.given)
        return {}

    return guard


def _advice(reason: str) -> str:
    return (
        f"axon's policy denies this call: {reason}. Nothing was run or changed. Find another way;"
        " when there is none, leave this out and say so in your last message."
    )


def _tell(denied: Callable[[Denial], None] | None, denial: Denial) -> None:
    """Whoever listens; that it cannot be told must not let the call through."""
    try:
        if denied is not None:
            denied(denial)
    except Exception:
        log.exception("denial not told tool=%s", denial.tool)


def _decision(decision: str, **more: Any) -> dict[str, Any]:
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": decision,
            **more,
        }
    }


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
        reason = f"the {agent} agent may not use this server"
        return _decision("deny", permissionDecisionReason=reason)

    return admit
