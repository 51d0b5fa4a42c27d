"""What an agent is told: templates in `prompts/`, filled with everything known of the task."""

from string import Template

from axon.resources import read_text
from axon.tasks import Task

MAX_FEEDBACK = 16 << 10  # characters of gate output or conflict that go into a prompt


def render(name: str, **names: str) -> str:
    """Fill `prompts/<name>.md`; a name it needs and does not get is a KeyError (a bug)."""
    return Template(read_text(f"prompts/{name}.md")).substitute(names)


def worker_prompt(task: Task, *, workspace: str, branch: str, target: str, gate: str) -> str:
    """The first prompt of a task: the whole of it."""
    return render(
        "team_worker_prompt",
        identifier=task.identifier,
        title=task.title,
        description=task.description or "(The title says it all.)",
        facts=_facts(task),
        workspace=workspace,
        branch=branch,
        target=target,
        gate=_gate(gate),
    )


def continuation_prompt(
    task: Task, *, reason: str, workspace: str, branch: str, state: str, gate: str
) -> str:
    """The next prompt of a session whose work was not good enough, or was cut short."""
    return render(
        "continuation_task",
        identifier=task.identifier,
        title=task.title,
        reason=reason,
        feedback=shorten(task.feedback, MAX_FEEDBACK) or "(no output)",
        workspace=workspace,
        branch=branch,
        state=state,
        gate=_gate(gate),
    )


def shorten(text: str, limit: int) -> str:
    """`text` with its middle cut out when it is longer than `limit`: both ends tell most."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters cut …]\n{text[-half:]}"


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
