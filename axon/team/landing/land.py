"""Land one task: merged, judged, moved onto the target by compare-and-swap, proven."""

from dataclasses import dataclass

from axon.errors import AxonError
from axon.tasks import Task
from axon.team.gate import GateResult, Watch
from axon.team.landing.checkout import Move, move, obstacle_to, recover
from axon.team.landing.merge import (
    Interrupted,
    Merged,
    Refused,
    gate_log,
    land_ref,
    merge_beside,
    merge_task,
    was_alone,
    was_verified,
)
from axon.team.project import Project
from axon.team.workspace.place import read_state, write_state

ROUNDS = 5  # somebody else may move the target just as often


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """`commit` is reachable from branch `target`. `beside`: why it is not the real target."""

    commit: str
    target: str
    verified: bool
    beside: str = ""
    gate: GateResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """It conflicts, or the gate is red on the merge: back to its agent."""

    why: str
    feedback: str
    gate: GateResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Nothing was decided; to be tried again."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What became of work that had landed beside the target. `commit`: the target's, or empty."""

    commit: str = ""
    waiting: int = 0  # commits beside
    why: str = ""  # why they still are


def land(project: Project, task: Task, watch: Watch | None = None) -> Landed | Rejected | Deferred:
    """Bring a task in review onto the target. The caller holds "landing". Repeatable at any point:
    what was done before is found and not done again."""
    recover(project)
    bring_over(project, watch)
    before = landed_before(project, task)
    if before is not None:
        return before
    if not task.commit or project.commit_of(task.commit) is None:
        why = "its commit is not in the project's repository"
        return Rejected(why=why, feedback="")
    for _ in range(ROUNDS):
        outcome = _round(project, task, watch)
        if outcome is not None:
            return outcome
    return Deferred(why=f"{project.target} was moved by others {ROUNDS} times in a row")


def bring_over(project: Project, watch: Watch | None = None, *, again: bool = False) -> Brought:
    """Move the target on to what has landed beside it, when its checkout allows that.

    The caller holds "landing". `again`: also when the same two could not be merged before.
    """
    beside = project.commit_of(f"refs/heads/{project.beside}")
    target = project.commit_of(f"refs/heads/{project.target}")
    if beside is None or target is None:
        return Brought()
    if project.contains(target, beside):
        _drop_beside(project, beside)
        return Brought(commit=target)
    waiting = int(project.git.line("rev-list", "--count", "--no-merges", f"{target}..{beside}"))
    found = _over(project, target, beside, watch, again)
    gate_log(project).unlink(missing_ok=True)  # as it came: it may hold secrets
    if isinstance(found, str):
        return Brought(waiting=waiting, why=found)
    moved = move(
        project, project.target, target, found.commit, f"axon: bring {project.beside} over"
    )
    if not moved.done:
        return Brought(waiting=waiting, why=moved.obstacle or f"{project.target} has just moved")
    project.reached("landing.brought")
    _drop_beside(project, beside)
    return Brought(commit=found.commit, waiting=waiting)


def _over(
    project: Project, target: str, beside: str, watch: Watch | None, again: bool
) -> Merged | str:
    """The commit to move to, or why there is none."""
    if project.contains(beside, target):
        return Merged(commit=beside, verified=True)
    obstacle = obstacle_to(project, project.target, target, target)
    if obstacle:
        return obstacle  # known before the work of a merge is done
    pair = {"target": target, "beside": beside}
    tried = read_state(project, "beside")
    if not again and {name: tried.get(name) for name in pair} == pair:
        return str(tried.get("why"))
    merged = merge_beside(project, target, beside, watch)
    if isinstance(merged, Refused):
        write_state(project, "beside", {**pair, "why": merged.why})
    return merged if isinstance(merged, Merged) else merged.why


def _drop_beside(project: Project, commit: str) -> None:
    """Its work stands on the target. Left alone while a person looks at it."""
    ref = f"refs/heads/{project.beside}"
    if f"branch {ref}" not in project.git.run("worktree", "list", "--porcelain").splitlines():
        project.git.attempt("update-ref", "-d", ref, commit)


def landed_before(project: Project, task: Task) -> Landed | None:
    """This very work is on the target already: a landing was killed before it told the ledger."""
    ref = land_ref(task.identifier)
    commit = project.commit_of(ref)
    if commit is None or project.commit_of(f"{ref}^2") != task.commit:
        return None
    for branch in (project.target, project.beside):
        tip = project.commit_of(f"refs/heads/{branch}")
        if tip is not None and project.contains(tip, commit):
            beside = "" if branch == project.target else "a landing was interrupted"
            verified = was_verified(project, commit)
            return Landed(commit=commit, target=branch, verified=verified, beside=beside)
    return None


def _round(
    project: Project, task: Task, watch: Watch | None
) -> Landed | Rejected | Deferred | None:
    """Merge onto what is newest now; None when that has moved meanwhile."""
    branch, tip = project.base()
    found = _judged_before(project, task, tip) or merge_task(project, task, tip, watch)
    if isinstance(found, Refused):
        onto = found.why.replace("conflict in", f"conflict with {branch} in", 1)
        return Rejected(why=onto, feedback=found.feedback, gate=found.gate)
    if isinstance(found, Interrupted):
        return Deferred(why=found.why)
    if watch is not None and (off := watch()):
        return Deferred(why=off)
    project.reached("landing.kept")
    landed = place(project, f"axon: land {task.identifier}", branch, tip, found)
    if isinstance(landed, Landed):
        project.reached("landing.placed")
        tip_now = project.commit_of(f"refs/heads/{landed.target}")
        if tip_now is None or not project.contains(tip_now, landed.commit):
            raise AxonError(f"{landed.commit[:12]} is not on {landed.target} after its landing")
    return landed


def _judged_before(project: Project, task: Task, tip: str) -> Merged | None:
    """A merge of the same two commits that has passed already: only the move was missing."""
    ref = land_ref(task.identifier)
    if project.commit_of(f"{ref}^1") != tip or project.commit_of(f"{ref}^2") != task.commit:
        return None
    commit = project.commit_of(ref) or ""
    if not was_alone(project, commit):
        return None
    return Merged(commit=commit, verified=was_verified(project, commit))


def place(
    project: Project, why: str, branch: str, tip: str, merged: Merged
) -> Landed | Deferred | None:
    """Move the branch, or when its checkout must be left alone, the one beside it."""
    if project.contains(tip, merged.commit):  # a person has merged it
        return _landed(merged, branch)
    moved = move(project, branch, tip, merged.commit, why)
    if moved.done:
        return _landed(merged, branch)
    if moved.raced:
        return None
    if branch == project.beside:
        return Deferred(why=moved.obstacle)
    beside = project.commit_of(f"refs/heads/{project.beside}") or ""
    aside: Move = move(project, project.beside, beside, merged.commit, why)
    if aside.done:
        return _landed(merged, project.beside, moved.obstacle)
    return None if aside.raced else Deferred(why=aside.obstacle)


def _landed(merged: Merged, branch: str, beside: str = "") -> Landed:
    return Landed(
        commit=merged.commit,
        target=branch,
        verified=merged.verified,
        beside=beside,
        gate=merged.gate,
    )
