"""What the agent of an attempt is told: first, or when its work comes back."""

from axon.core.prompts import continuation_prompt, worker_prompt
from axon.engines import Engine
from axon.tasks import Task
from axon.team.attempt.agent import Brief
from axon.team.attempt.assignment import Assignment
from axon.team.attempt.looking import known
from axon.team.attempt.parts import REASON, rolled_up
from axon.team.attempt.solo import solo_brief
from axon.team.attempt.talking import told_answer, was_answered, with_talk
from axon.team.gate import gate_of
from axon.team.workspace import Workspace


def brief_of(at: Assignment, workspace: Workspace, engine: Engine, conflicts: list[str]) -> Brief:
    """The whole task for a new session; only what is new for one that goes on."""
    return with_talk(at, _brief_of(at, workspace, engine, conflicts))


def _brief_of(at: Assignment, workspace: Workspace, engine: Engine, conflicts: list[str]) -> Brief:
    task = at.task
    resumable = engine.can_resume(workspace.home, task.engine_session)
    if at.crew.solo:
        goes_on = resumable and not conflicts and was_answered(at)
        more = _more(at, workspace, conflicts)
        return solo_brief(at, workspace, more, task.engine_session if goes_on else "")
    first = worker_prompt(
        task,
        workspace=str(workspace.path),
        branch=workspace.branch,
        target=workspace.target,
        gate=gate_of(at.crew.config, task),
        talk=engine.name == "claude",
        briefing=known(at, workspace),
        own=at.crew.overrides.prompts,
    )
    more = _more(at, workspace, conflicts, resumed=resumable)
    if resumable and more:
        return Brief(prompt=more, fresh=first, resume=task.engine_session)
    return Brief(prompt=f"{first}\n\n{more}" if more else first)


def _more(
    at: Assignment, workspace: Workspace, conflicts: list[str], *, resumed: bool = False
) -> str:
    """What an earlier attempt has left to say; nothing at the first one."""
    task = at.task
    if task.token == 1:
        return ""
    if not conflicts and (told := told_answer(at, workspace, _state(conflicts, workspace.target))):
        return told
    whole = None if conflicts else rolled_up(at)
    if not (resumed or task.error or conflicts or whole):
        return ""
    return continuation_prompt(
        whole or task,
        reason=REASON if whole else _reason(task, conflicts, workspace.target),
        workspace=str(workspace.path),
        branch=workspace.branch,
        state=_state(conflicts, workspace.target),
        gate=gate_of(at.crew.config, task),
        own=at.crew.overrides.prompts,
    )


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
