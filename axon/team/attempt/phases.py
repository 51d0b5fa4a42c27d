"""How far the work on a task has come, told by what happened and never by what was said.

orient, research, planning, implementation, testing, review, commit, land, notify. Until testing
an attempt that was cut short begins again with orient and with what is known; from commit on
nothing is implemented again. Commit is the runner's, after the agent has finished: what an agent
commits by itself may be half the work.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from axon.engines import EngineEvent
from axon.ledger import Event

PHASES = (
    "orient", "research", "planning", "implementation", "testing", "review", "commit", "land",
    "notify",
)  # fmt: skip
_BY_AGENT = {
    "research": "research",
    "planner": "planning",
    "task": "planning",
    "coding": "implementation",
    "devops": "implementation",
    "testing": "testing",
    "security": "review",
    "reviewer": "review",
    "telegram": "notify",
}
_BY_TOOL = {
    "Read": "research",
    "Glob": "research",
    "Grep": "research",
    "WebFetch": "research",
    "WebSearch": "research",
    "TodoWrite": "planning",
    "Write": "implementation",
    "Edit": "implementation",
}
_TEST_PROGRAMS = {"pytest", "tox", "nox", "unittest", "jest", "vitest", "ctest", "rspec", "phpunit"}
WAITS_FOR_PARTS = "waits for its parts"  # why a task that was split is given back
# Moves after which the work itself has to be done again.
_UNDONE = {"fail", "give_up", "retry", "reopen", "answer"}


def phase_of(event: EngineEvent, gate: str) -> str:
    """The phase an event of the session belongs to, or nothing. `gate`: the task's check."""
    if event.kind == "init":
        return "orient"
    if event.kind != "tool":
        return ""
    if event.tool in ("Agent", "Task") and isinstance(event.input, dict):
        return _BY_AGENT.get(str(event.input.get("subagent_type", "")), "")
    if event.tool == "Bash" and isinstance(event.input, dict):
        return _of_command(str(event.input.get("command", "")), gate)
    return _BY_TOOL.get(event.tool, "")


def _of_command(command: str, gate: str) -> str:
    if gate and gate in command:
        return "testing"
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return ""
    names = {word.rsplit("/", 1)[-1] for word in words}
    return "testing" if names & _TEST_PROGRAMS else ""


def advanced(reached: str, phase: str) -> bool:
    """Whether `phase` is news after `reached`: forward, or back to work after a test or review."""
    if not reached:
        return True
    back = reached in ("testing", "review") and phase == "implementation"
    return back or PHASES.index(phase) > PHASES.index(reached)


def approves(answer: str) -> bool:
    """Whether a person has overruled the reviewer: the one word asked for, nothing guessed."""
    return answer.strip().rstrip(".!").lower() in ("approve", "approved")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """What an earlier attempt that was cut short has left to build on."""

    phase: str = ""
    commit: str = ""  # made by the runner after the agent had finished
    judged: bool = False  # that commit has passed its gate
    reviewed: bool = False  # and its review


def resume_point(events: Sequence[Event]) -> ResumePoint:
    """Read from a task's events, oldest first."""
    facts: dict[str, Any] = {}
    for event in events:
        if event.action == "answer" and approves(event.why):
            facts["reviewed"] = True
        elif event.action in _UNDONE or event.why == WAITS_FOR_PARTS:
            facts = {}
        elif event.action == "phase":
            commit = event.data.get("commit")
            if commit and commit != facts.get("commit"):
                facts = {"commit": str(commit)}
            facts["phase"] = str(event.data.get("phase", ""))
        elif event.action == "gate" and event.data.get("passed"):
            facts["judged"] = event.data.get("commit") == facts.get("commit")
        elif event.action == "review" and event.data.get("verdict") == "approve":
            facts["reviewed"] = event.data.get("commit") == facts.get("commit")
    return ResumePoint(**facts)
