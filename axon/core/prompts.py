"""What an agent is told: templates in `prompts/`, filled with everything known of the task."""

from collections.abc import Mapping

from axon.core.text import fenced, shorten
from axon.prompts import render
from axon.tasks import Task

__all__ = ["continuation_prompt", "execute_prompt", "render", "shorten", "worker_prompt"]

MAX_FEEDBACK = 16 << 10  # characters of gate output or conflict that go into a prompt

Own = Mapping[str, str]  # the project's own texts, by the name of the prompt


def worker_prompt(
    task: Task,
    *,
    workspace: str,
    branch: str,
    target: str,
    gate: str,
    briefing: str = "",
    talk: bool = False,
    own: Own | None = None,
) -> str:
    """The first prompt of a task for one agent: the whole of it. `talk`: it has those tools."""
    return render(
        "team_worker_prompt",
        own,
        identifier=task.identifier,
        title=task.title,
        description=_description(task),
        facts=_facts(task),
        workspace=workspace,
        branch=branch,
        target=target,
        gate=_gate(gate),
        briefing=briefing,
        talk=render("talk_note" if talk else "silence_note", own),
    )


def execute_prompt(
    task: Task,
    *,
    workspace: str,
    branch: str,
    target: str,
    gate: str,
    state: str,
    briefing: str = "",
    own: Own | None = None,
) -> str:
    """The same for an orchestrator, whose own prompt says how it works."""
    return render(
        "execute_task",
        own,
        identifier=task.identifier,
        title=task.title,
        description=_description(task),
        facts=_facts(task),
        workspace=workspace,
        branch=branch,
        target=target,
        gate=_gate(gate),
        state=state,
        briefing=briefing,
    )


def continuation_prompt(
    task: Task,
    *,
    reason: str,
    workspace: str,
    branch: str,
    state: str,
    gate: str,
    own: Own | None = None,
) -> str:
    """The next prompt of a session whose work was not good enough, or was cut short."""
    return render(
        "continuation_task",
        own,
        identifier=task.identifier,
        title=task.title,
        reason=reason,
        feedback=fenced(shorten(task.feedback, MAX_FEEDBACK) or "(no output)"),
        workspace=workspace,
        branch=branch,
        state=state,
        gate=_gate(gate),
    )


def answered_prompt(
    task: Task,
    *,
    answer: str,
    workspace: str,
    branch: str,
    state: str,
    gate: str,
    own: Own | None = None,
) -> str:
    """The next prompt of a session that ended with a question."""
    return render(
        "answered_task",
        own,
        identifier=task.identifier,
        title=task.title,
        question=fenced(shorten(task.question, MAX_FEEDBACK) or "(not known any more)"),
        answer=fenced(shorten(answer, MAX_FEEDBACK)),
        workspace=workspace,
        branch=branch,
        state=state,
        gate=_gate(gate),
    )


def _description(task: Task) -> str:
    text = task.description or "(The title says it all.)"
    if task.answers:
        answers = fenced(shorten(task.answers, MAX_FEEDBACK))
        text += f"\n\nAsked before, and answered by a person:\n\n{answers}"
    return text


def _facts(task: Task) -> str:
    lines = [f"Priority: {task.priority.label}. Type: {task.type}."]
    if task.labels:
        lines.append(f"Labels: {', '.join(task.labels)}.")
    if task.parent:
        lines.append(f"Part of {task.parent}.")
    if task.depends:
        lines.append(f"Builds on {', '.join(task.depends)}, which are done and in your workspace.")
    if task.paths:
        lines.append(f"Files you may change: {', '.join(task.paths)}. Others are not yours.")
    return "\n".join(lines)


def _gate(command: str) -> str:
    if not command:
        return "Run the tests that cover your change until they pass."
    return (
        f"Your work is judged by this command, run in the workspace after you have finished and "
        f"again on the merged branch: `{command}`. Run it yourself until it passes."
    )
