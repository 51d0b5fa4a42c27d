"""Decide on one call of an agent's tool: commands by the command policy, files by their paths."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axon.security.paths import real, why_not_read, why_not_written
from axon.security.policy import Policy
from axon.security.policy.refusal import Refused

MAX_PATH = 4096

_READS = {"Read": "file_path", "NotebookRead": "notebook_path", "LS": "path"}
_WRITES = {
    "Write": "file_path",
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "NotebookEdit": "notebook_path",
}
_PATHS = ("file_path", "notebook_path", "path", "paths", "command")
# They take a session's own name for something, or a text that is no path.
_OTHERS = frozenset(
    {"Agent", "Task", "TodoWrite", "TodoRead", "WebFetch", "WebSearch", "ToolSearch", "Skill"}
    | {"BashOutput", "KillBash", "KillShell", "TaskOutput", "TaskStop", "StructuredOutput"}
)
# ripgrep's own globs, behind what the agent asked for: files that may hold secrets are left out
_NOT_SEARCHED = (
    "!.env !.env.* !.envrc !*.pem !*.key !*.p12 !*.pfx !*.jks !*.keystore !id_rsa* !id_ed25519*"
    " !.netrc !.npmrc !.pypirc !.git-credentials !.credentials.json !credentials.json !.ssh !.aws"
    " !.gnupg !.kube !.docker"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """`given` is what the tool gets instead, when the call is allowed but changed."""

    allowed: bool
    reason: str = ""
    given: dict[str, Any] | None = None


def rule(policy: Policy, tool: str, given: Any, folder: str) -> Ruling:
    """The ruling on one call made in `folder`; whatever goes wrong, the call is denied."""
    try:
        if not isinstance(given, Mapping):
            raise Refused(f"{tool} was called with something else than named values")
        return _rule(policy, tool, dict(given), folder or str(policy.places.workspace))
    except Refused as refusal:
        return Ruling(allowed=False, reason=str(refusal))
    except Exception as error:  # whatever goes wrong here, the tool is not called
        reason = f"the policy could not follow this call ({type(error).__name__}); simplify it"
        return Ruling(allowed=False, reason=reason)


def _rule(policy: Policy, tool: str, given: dict[str, Any], folder: str) -> Ruling:
    if tool == "Bash":
        return _command(policy, given, folder)
    if tool in _READS:
        _check(policy, _path(policy, given, _READS[tool], folder), writes=False)
    elif tool in _WRITES:
        _check(policy, _path(policy, given, _WRITES[tool], folder), writes=True)
    elif tool == "Glob":
        _glob(policy, given, folder)
    elif tool == "Grep":
        return _grep(policy, given, folder)
    elif tool not in _OTHERS and not tool.startswith("mcp__") and set(_PATHS) & set(given):
        raise Refused(f"the policy does not know the tool {tool}; use Bash, Read, Edit or Write")
    return Ruling(allowed=True)


def _command(policy: Policy, given: dict[str, Any], folder: str) -> Ruling:
    command = given.get("command")
    if not isinstance(command, str):
        raise Refused("Bash was called without a command")
    verdict = policy.check(command, folder)
    if not verdict.allowed:
        return Ruling(allowed=False, reason=verdict.reason)
    given.pop("dangerouslyDisableSandbox", None)
    return Ruling(allowed=True, given={**given, "command": verdict.command})


def _path(policy: Policy, given: dict[str, Any], key: str, folder: str, default: str = "") -> str:
    value = given.get(key) or default
    if not isinstance(value, str) or not value:
        raise Refused(f"the call has no {key}")
    return _resolved(policy, value, folder)


def _resolved(policy: Policy, value: str, folder: str) -> str:
    if len(value) > MAX_PATH or "\0" in value:
        raise Refused("a path that no file can have")
    if value == "~" or value.startswith("~/"):
        value = str(policy.places.home) + value[1:]
    return real(value, folder)


def _check(policy: Policy, path: str, *, writes: bool) -> None:
    # what may not be read may not be written either: an edit shows what it changes
    why = why_not_read(path, policy.places)
    if not why and writes:
        why = why_not_written(path, policy.places)
    if why:
        raise Refused(why)


def _glob(policy: Policy, given: dict[str, Any], folder: str) -> None:
    """Names are no secret, but for those in folders that hold nothing else."""
    top = _path(policy, given, "path", folder, default=folder)
    _check(policy, top, writes=False)
    pattern = given.get("pattern")
    if not isinstance(pattern, str):
        raise Refused("Glob was called without a pattern")
    fixed = pattern
    for sign in "*?[{":
        fixed = fixed.partition(sign)[0]
    start = os.path.dirname(fixed)
    if start:
        _check(policy, _resolved(policy, start, top), writes=False)


def _grep(policy: Policy, given: dict[str, Any], folder: str) -> Ruling:
    top = _path(policy, given, "path", folder, default=folder)
    _check(policy, top, writes=False)
    glob = given.get("glob") or ""
    if not isinstance(glob, str):
        raise Refused("Grep was called with a glob that is no text")
    if not os.path.isdir(top):
        return Ruling(allowed=True)
    return Ruling(allowed=True, given={**given, "glob": f"{glob} {_NOT_SEARCHED}".strip()})
