"""Several tasks merged one on the other, judged once by all their checks, landed by one move.

Each keeps a merge of its own, so each is proven to have landed like one that came alone. When
the whole is red, halves are tried: what is left at the end is landed alone, and sent back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from axon.errors import AxonError
from axon.tasks import Task
from axon.team.gate import GateResult, Watch, gate_of
from axon.team.git import Git
from axon.team.landing.checkout import recover
from axon.team.landing.land import (
    ROUNDS,
    Deferred,
    Landed,
    bring_over,
    landed_before,
    place,
)
from axon.team.landing.merge import (
    BATCH_TRAILER,
    GATE_TRAILER,
    TASK_TRAILER,
    Interrupted,
    Merged,
    Refused,
    bring_in,
    judge,
    land_ref,
    merge_commit,
    message_of,
    scratch_at,
    signed,
    word,
)
from axon.team.project import Project
from axon.team.workspace.place import Workspace, read_state, write_state

STATE = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batched:
    """`landed`: each as if it had come alone. `red`: the whole was refused, nothing has landed."""

    landed: tuple[tuple[Task, Landed], ...] = ()
    left_out: tuple[str, ...] = ()  # they conflict with others of the batch, or with the target
    red: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """Merges on `tip`, by task; a task whose work is there already has its own commit."""

    tip: str
    commits: tuple[tuple[Task, str], ...]
    head: str
    verified: bool = False
    gate: GateResult | None = None


def next_batch(waiting: Sequence[Task], suspects: Sequence[str], most: int) -> list[Task]:
    """Whom to land now. `suspects`: one of them has made a batch red."""
    found = [task for task in waiting if task.identifier in suspects]
    if found:
        return found[: max(1, len(found) // 2)]
    return list(waiting[:most])


def suspects(project: Project) -> list[str]:
    found = read_state(project, STATE).get("suspects")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def suspect(project: Project, names: Sequence[str]) -> None:
    """Remember them, also over the death of this process."""
    state = {k: v for k, v in read_state(project, STATE).items() if k != "green"}
    write_state(project, STATE, {**state, "suspects": list(names)})
    project.reached("landing.split")


def land_batch(
    project: Project, tasks: Sequence[Task], watch: Watch | None = None
) -> Batched | Deferred:
    """As `land`, for several at once. Whoever conflicts with those before him is left out."""
    recover(project)
    bring_over(project, watch)
    before = [(task, landed_before(project, task)) for task in tasks]
    if found := tuple((task, landed) for task, landed in before if landed is not None):
        return Batched(landed=found)
    for _ in range(ROUNDS):
        outcome = _round(project, tasks, watch)
        if outcome is not None:
            return outcome
    return Deferred(why=f"{project.target} was moved by others {ROUNDS} times in a row")


def _round(
    project: Project, tasks: Sequence[Task], watch: Watch | None
) -> Batched | Deferred | None:
    branch, tip = project.base()
    chain = _judged_before(project, tasks, tip) or _merged(project, tasks, tip, watch)
    if isinstance(chain, Deferred | Batched):
        return chain
    if watch is not None and (off := watch()):
        return Deferred(why=off)
    for task, commit in chain.commits:
        if commit != task.commit:
            project.git.run("update-ref", land_ref(task.identifier), commit)
    project.reached("landing.kept")
    names = " ".join(task.identifier for task, _ in chain.commits)
    whole = Merged(commit=chain.head, verified=chain.verified, gate=chain.gate)
    placed = place(project, f"axon: land {names}", branch, tip, whole)
    if not isinstance(placed, Landed):
        return placed
    project.reached("landing.placed")
    landed = tuple((task, _proven(project, task, commit, placed)) for task, commit in chain.commits)
    inside = {task.identifier for task, _ in landed}
    left_out = (task.identifier for task in tasks if task.identifier not in inside)
    return Batched(landed=landed, left_out=tuple(left_out))


def _proven(project: Project, task: Task, commit: str, placed: Landed) -> Landed:
    """What is said of one of them; AxonError when it is not where it should be."""
    tip = project.commit_of(f"refs/heads/{placed.target}")
    if tip is None or not project.contains(tip, commit):
        raise AxonError(f"{commit[:12]} is not on {placed.target} after its landing")
    verified = placed.verified and bool(gate_of(project.config, task))
    return Landed(
        commit=commit,
        target=placed.target,
        verified=verified,
        beside=placed.beside,
        gate=placed.gate,
    )


def _merged(
    project: Project, tasks: Sequence[Task], tip: str, watch: Watch | None
) -> _Chain | Batched | Deferred:
    scratch, start = scratch_at(project, tip)
    git = project.clone_git(scratch.path)
    steps = _merge_all(project, git, tasks, start)
    if len(steps) < 2:
        return Batched(red=True)  # nearly all conflict: they come one after the other
    judged = _judge(project, scratch, [task for task, _ in steps], watch)
    if isinstance(judged, Interrupted):
        return Deferred(why=judged.why)
    if isinstance(judged, Refused):
        return Batched(red=True)
    chain = _signed(project, start, tip, steps, judged)
    green = {
        "tip": tip,
        "commits": [[task.identifier, task.commit, commit] for task, commit in chain.commits],
        "head": chain.head,
        "verified": chain.verified,
    }
    write_state(project, STATE, {**read_state(project, STATE), "green": green})
    project.reached("landing.judged")
    return chain


def _merge_all(
    project: Project, git: Git, tasks: Sequence[Task], start: str
) -> list[tuple[Task, str]]:
    """Merge them one on the other; the tree after each, empty where nothing was left to merge."""
    steps: list[tuple[Task, str]] = []
    head = start
    for task in tasks:
        if merge_commit(git, task.commit, message_of(task)) is not None:
            continue  # it conflicts with another: its turn comes when that has landed
        after = git.line("rev-parse", "HEAD")
        steps.append((task, git.line("rev-parse", "HEAD^{tree}") if after != head else ""))
        head = after
    bring_in(project, git, git.folder)
    return steps


def _judge(
    project: Project, scratch: Workspace, tasks: Sequence[Task], watch: Watch | None
) -> Merged | Refused | Interrupted:
    """By the checks of all of them, each once."""
    commands = dict.fromkeys(filter(None, (gate_of(project.config, task) for task in tasks)))
    whole = " && ".join(f"(\n{command}\n)" for command in commands)
    return judge(project, scratch, next(iter(commands)) if len(commands) == 1 else whole, watch)


def _signed(
    project: Project, start: str, tip: str, steps: list[tuple[Task, str]], judged: Merged
) -> _Chain:
    names = " ".join(task.identifier for task, _ in steps)
    commits, parent = [], start
    for task, tree in steps:
        commit = task.commit
        if tree:
            checked = judged.verified and bool(gate_of(project.config, task))
            trailers = {
                TASK_TRAILER: task.identifier,
                GATE_TRAILER: word(checked),
                BATCH_TRAILER: names,
            }
            parents = (parent, task.commit)
            commit = parent = signed(project, tree, parents, message_of(task), trailers)
        commits.append((task, commit))
    return _Chain(
        tip=tip,
        commits=tuple(commits),
        head=parent,
        verified=judged.verified,
        gate=judged.gate,
    )


def _judged_before(project: Project, tasks: Sequence[Task], tip: str) -> _Chain | None:
    """The same batch on the same tip was green: only the move was missing."""
    green = read_state(project, STATE).get("green")
    if not isinstance(green, dict) or green.get("tip") != tip:
        return None
    known = {task.identifier: task for task in tasks}
    head = str(green.get("head"))
    commits = []
    for name, work, commit in green.get("commits", ()):
        task = known.get(name)
        if task is None or task.commit != work or project.commit_of(commit) != commit:
            return None
        commits.append((task, commit))
    if not commits or project.commit_of(head) != head:
        return None
    return _Chain(tip=tip, commits=tuple(commits), head=head, verified=bool(green.get("verified")))
