"""What a pull request says of the work: what judged it, and how that went."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from axon.config import Config
from axon.integrations.github.markers import code, quoted
from axon.ledger import Event
from axon.tasks import Task
from axon.team.gate import gate_of

MOST_TEXT = 4000
MOST_FINDINGS = 20

Statuses = dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Of one commit. `gate`, `review`, `guard`: the data of the events that tell of it."""

    task: Task
    check: str  # the command; empty: there is none
    gate: dict[str, Any]
    review: dict[str, Any]
    summary: str  # of the review
    overruled: bool  # a person has answered "approve"
    guard: tuple[str, ...]


def evidence_of(config: Config, task: Task, events: Sequence[Event]) -> Evidence:
    gate: dict[str, Any] = {}
    review: dict[str, Any] = {}
    guard: tuple[str, ...] = ()
    summary, overruled = "", False
    for event in events:
        if event.action == "claim":
            guard = ()
        elif event.action == "gate" and event.data.get("commit") == task.commit:
            gate = event.data
        elif event.action == "review" and event.data.get("commit") == task.commit:
            review, summary = event.data, event.why
        elif event.action == "guard":
            guard = tuple(str(finding) for finding in event.data.get("findings", ()))
        elif event.action == "answer":
            overruled = event.why.strip().rstrip(".!").lower() in ("approve", "approved")
    return Evidence(
        task=task,
        check=gate_of(config, task),
        gate=gate,
        review=review,
        summary=summary,
        overruled=overruled,
        guard=guard,
    )


def text_of(found: Evidence, *, issue: int = 0) -> str:
    """The body of the pull request. Texts of agents and of the task stand in it as data."""
    task = found.task
    parts = [f"**{task.identifier}**, worked on by an agent of axon."]
    if issue:
        parts[0] += f" For #{issue}."
    if task.description:
        parts.append(f"What was asked:\n\n{quoted(task.description, MOST_TEXT)}")
    parts.append("\n".join(f"- {line}" for line in _facts(found)))
    if found.guard:
        listed = "\n".join(found.guard[:MOST_FINDINGS])
        parts.append(f"A guard found in the change:\n\n{quoted(listed, MOST_TEXT)}")
    if found.summary:
        parts.append(f"What the reviewer says:\n\n{quoted(found.summary, MOST_TEXT)}")
    if task.result:
        parts.append(f"What the agent says (nobody has checked it):\n\n{quoted(task.result, 4000)}")
    return "\n\n".join(parts)


def statuses_of(found: Evidence) -> Statuses:
    """The contexts of the commit. What nobody has judged does not pass for good."""
    verified = bool(found.task.verified and found.gate.get("passed"))
    return {
        "axon/tests": _tests(found),
        "axon/quality": _quality(found),
        "axon/verification": (
            ("success", "its check passed on this very commit")
            if verified
            else ("failure", "unverified: no check has judged this commit")
        ),
    }


def _tests(found: Evidence) -> tuple[str, str]:
    if not found.gate:
        return "pending", "no check is set for this task"
    state = "success" if found.gate.get("passed") else "failure"
    return state, f"{found.check or 'the check'}: {_ended(found.gate)}"


def _quality(found: Evidence) -> tuple[str, str]:
    guard = (
        f"{len(found.guard)} findings of the guard" if found.guard else "the guard found nothing"
    )
    verdict = found.review.get("verdict")
    if found.overruled:
        return "success", f"a person approved it; {guard}"
    if verdict == "approve":
        return "success", f"its reviewer approves; {guard}"
    if verdict:
        return "failure", f"its reviewer wants changes; {guard}"
    return ("failure" if found.guard else "success"), f"no reviewer was asked; {guard}"


def _facts(found: Evidence) -> list[str]:
    task = found.task
    if found.gate:
        check = f"Check: {code(found.check)}: {_ended(found.gate)}"
    else:
        check = "**Unverified**: no check has judged this work"
    verdict = found.review.get("verdict", "")
    review = {
        "approve": "Review: an agent approves",
        "request_changes": "Review: an agent wants changes",
    }.get(str(verdict), "Review: no agent was asked")
    if found.overruled:
        review += "; a person approved it"
    cost = "unknown" if task.cost_usd is None else f"${task.cost_usd:.2f}"
    return [
        check,
        review,
        f"Cost: {cost}, {task.tokens:,} tokens",
        f"Attempts: {task.attempts}",
        f"Commit: `{task.commit}`",
    ]


def _ended(gate: dict[str, Any]) -> str:
    seconds = f"{gate['seconds']:.1f} s" if isinstance(gate.get("seconds"), float | int) else ""
    how = "passed" if gate.get("passed") else "failed"
    said = ", ".join(filter(None, (f"exit {gate.get('code')}", seconds)))
    return f"{how} ({said})"
