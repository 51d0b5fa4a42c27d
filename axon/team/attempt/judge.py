"""The runner decides, never the agent: commit what is there, look at it, run the gate."""

from dataclasses import dataclass
from pathlib import Path

from axon.engines import SessionResult
from axon.team import workspace as workspaces
from axon.team.attempt.assignment import Assignment
from axon.team.changes import Changes, changes
from axon.team.environment import allowance, contained, tool_environment
from axon.team.gate import gate_of, run_gate
from axon.team.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of the work. `stopped`: nothing was decided."""

    passed: bool
    why: str = ""
    feedback: str = ""
    stopped: bool = False
    ended: SessionResult | None = None  # the session that was to decide ended by this fault


def commit_work(at: Assignment, workspace: Workspace) -> str:
    """Commit what the agent left, and bring the branch into the project; the commit.

    Unfinished, Broken: the work cannot be taken as it is.
    """
    at.pulse.doing = "committing"
    message = f"{at.task.identifier}: {at.task.title}"
    commit = workspaces.commit_all(at.project, workspace, message)
    workspaces.publish(at.project, workspace)
    at.project.reached("work.published")
    at.enter("commit", commit=commit)
    return commit


def look(at: Assignment, workspace: Workspace) -> Changes:
    """What the work changes; what a guard finds in it is recorded."""
    found = changes(at.project, workspace, at.task, at.redactor)
    if found.findings:
        texts = [at.redactor.text(str(finding)) for finding in found.findings]
        at.record("guard", "; ".join(texts), findings=texts)
    return found


def run_the_gate(at: Assignment, workspace: Workspace, commit: str, session: str) -> Verdict:
    """The task's check, or the project's gate; passed when there is neither."""
    command = gate_of(at.crew.config, at.task)
    if not command:
        return Verdict(passed=True)
    at.pulse.doing = f"gate: {command}"
    at.project.reached("gate.before")
    log = Path("sessions", f"{session}.gate.log")
    result = run_gate(
        command,
        cwd=workspace.path,
        environment=tool_environment(at.crew.config, workspace.home, workspace.temporary),
        seconds=60 * at.crew.config.gate_minutes,
        log=at.project.state_dir / log,
        watch=at.watch,
        contained=contained(at.project, workspace),
        allowance=allowance(at.project, workspace),
        redactor=at.redactor,
    )
    if result.stopped:
        return Verdict(passed=False, stopped=True)
    why = at.redactor.text(result.why)
    at.record(
        "gate",
        why,
        passed=result.passed,
        code=result.code,
        seconds=round(result.seconds, 3),
        where="workspace",
        commit=commit,
        log=str(log),
    )
    at.project.reached("gate.told")
    return Verdict(
        passed=result.passed, why=f"gate: {why}", feedback=at.redactor.text(result.output)
    )
