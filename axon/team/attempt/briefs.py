"""What the agent of an attempt is told: first, or when its work comes back."""

from axon.core.prompts import continuation_prompt, worker_prompt
from axon.engines import Engine
from axon.tasks import Task
from axon.team.attempt.agent import Brief
from axon.team.attempt.assignment import Assignment
from axon.team.gate import gate_of
from axon.team.workspace import Workspace


def worker_brief(
    at: Assignment, workspace: Workspace, engine: Engine, conflicts: list[str]
) -> Brief:
    """The whole task for a new session; only what is new for one that goes on."""
    task = at.task
    resumable = engine.can_resume(workspace.home, task.engine_session)
    gate = gate_of(at.crew.config, task)
    first = worker_prompt(
        task,
        workspace=str(workspace.path),
        branch=workspace.branch,
        target=workspace.target,
        gate=gate,
    )
    if task.token == 1 or not (resumable or task.error or conflicts):
        return Brief(prompt=first)
    more = continuation_prompt(
        task,
        reason=_reason(task, conflicts, workspace.target),
        workspace=str(workspace.path),
        branch=workspace.branch,
        state=_state(conflicts, workspace.target),
        gate=gate,
    )
    if resumable:
        return Brief(prompt=more, fresh=first, resume=task.engine_session)
    return Brief(prompt=f"{first}\n\n{more}")


def _reason(task: Task, conflicts: list[str], target: str) -> str:
    if conflicts:
        return (
            f"`{target}` has moved on and changed the same lines as your branch. A merge of "
            f"`{target}` into your branch has been started in the workspace; conflict markers "
            f"stand in: {', '.join(conflicts)}. Resolve them so that the intent of both sides is "
            "kept, then conclude the merge with a commit."
        )
    if task.feedback:
        return f"Your work was not accepted: {task.error}. What was printed:"
    cause = task.error or "the run was stopped"
    return f"Your last session was cut short ({cause}). Go on from there."


def _state(conflicts: list[str], target: str) -> str:
    if conflicts:
        return f"The merge of `{target}` is still open (see git status)."
    return f"The newest `{target}` has been merged into it."
