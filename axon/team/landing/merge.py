"""Merge a task's commit onto the newest target in a scratch clone and let the gate judge that."""

from dataclasses import dataclass
from pathlib import Path

from axon.errors import AxonError
from axon.tasks import Task
from axon.team.environment import allowance, contained, tool_environment
from axon.team.gate import GateResult, Watch, gate_of, run_gate
from axon.team.git import Git, GitError, listed, shown
from axon.team.project import Project
from axon.team.recipe import SetupFailed, bring, run_setup
from axon.team.tape import TRAILER
from axon.team.workspace.clone import clone, exclude_recipe, fetch, repair
from axon.team.workspace.place import (
    Workspace,
    furnish,
    read_state,
    remove_tree,
    write_state,
)

SCRATCH = "landing"
SECONDS = 600.0
FEEDBACK_BYTES = 16 << 10
TITLE_CHARACTERS = 200
MERGE_REF = "refs/axon/merge"  # the one that is being judged
GATE_TRAILER = "Axon-Gate"
TASK_TRAILER = TRAILER
BATCH_TRAILER = "Axon-Batch"  # whose checks have judged it together, at its last merge


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A merge commit that may land; it is in the project."""

    commit: str
    verified: bool
    gate: GateResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The merge must not land: `feedback` is what its agent needs to repair it."""

    why: str
    feedback: str
    gate: GateResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """Nothing was decided."""

    why: str


def land_ref(name: str) -> str:
    return f"refs/axon/land/{name}"


def merge_task(
    project: Project, task: Task, tip: str, watch: Watch | None
) -> Merged | Refused | Interrupted:
    """Merge the task's commit onto `tip` and judge the result."""
    scratch, start = scratch_at(project, tip)
    git = project.clone_git(scratch.path)
    message = message_of(task)
    refused = merge_commit(git, task.commit, message)
    if refused is not None:
        return refused
    head = bring_in(project, git, scratch.path)
    judged = judge(project, scratch, gate_of(project.config, task), watch)
    if not isinstance(judged, Merged):
        return judged
    commit = task.commit  # somebody has merged it already
    if head != start:
        trailers = {TASK_TRAILER: task.identifier, GATE_TRAILER: word(judged.verified)}
        commit = signed(project, f"{head}^{{tree}}", (start, task.commit), message, trailers)
        project.git.run("update-ref", land_ref(task.identifier), commit)
    return Merged(commit=commit, verified=judged.verified, gate=judged.gate)


def message_of(task: Task) -> str:
    title = " ".join(task.title.split())[:TITLE_CHARACTERS]
    return f"Merge {task.identifier}: {title}"


def merge_beside(
    project: Project, target: str, beside: str, watch: Watch | None
) -> Merged | Refused | Interrupted:
    """Merge what has landed beside the target onto it: both have gone on meanwhile."""
    scratch, _ = scratch_at(project, target)
    git = project.clone_git(scratch.path)
    message = f"Merge {project.beside} into {project.target}"
    refused = merge_commit(git, beside, message)
    if refused is not None:
        return refused
    head = bring_in(project, git, scratch.path)
    judged = judge(project, scratch, project.config.gate, watch)
    if not isinstance(judged, Merged):
        return judged
    trailers = {GATE_TRAILER: word(judged.verified)}
    commit = signed(project, f"{head}^{{tree}}", (target, beside), message, trailers)
    return Merged(commit=commit, verified=judged.verified, gate=judged.gate)


def judge(
    project: Project, scratch: Workspace, command: str, watch: Watch | None
) -> Merged | Refused | Interrupted:
    """Set the merged tree up and run the gate on it. `commit` of the answer is empty."""
    bring(project, scratch, watch)
    try:
        run_setup(project, scratch, watch)
    except SetupFailed as error:
        if error.result.stopped:
            return Interrupted(why=error.result.stopped)
        return Refused(why=f"on the merge, the {error}", feedback=error.result.output)
    if not command:
        return Merged(commit="", verified=False)
    config = project.config
    gate = run_gate(
        command,
        cwd=scratch.path,
        environment=tool_environment(config, scratch.home, scratch.temporary),
        seconds=60 * config.gate_minutes,
        log=gate_log(project),
        watch=watch,
        contained=contained(project, scratch),
        allowance=allowance(project, scratch),
        redactor=project.redactor,
    )
    if gate.stopped:
        return Interrupted(why=gate.stopped)
    if not gate.passed:
        return Refused(why=f"gate on the merge: {gate.why}", feedback=gate.output, gate=gate)
    return Merged(commit="", verified=True, gate=gate)


def gate_log(project: Project) -> Path:
    return project.state_dir / "logs" / "landing.gate.log"


def was_verified(project: Project, commit: str) -> bool:
    """What the gate said of an earlier landing, as the commit itself tells."""
    return _trailer(project, commit, GATE_TRAILER) == word(True)


def was_alone(project: Project, commit: str) -> bool:
    """Whether its own tree was judged, and not only that of a batch it was in."""
    return not _trailer(project, commit, BATCH_TRAILER)


def _trailer(project: Project, commit: str, key: str) -> str:
    form = f"--format=%(trailers:key={key},valueonly)"
    return project.git.run("log", "-1", form, commit).strip()


def open_scratch(project: Project) -> Workspace:
    """The clone in which merges are made: taken up again when it works, else made anew."""
    path = project.state_dir / SCRATCH
    if not _works(project, path):
        remove_tree(path)
        temporary = path.with_name(f".new-{SCRATCH}")
        remove_tree(temporary)
        config = clone(project, temporary)
        shared = (temporary / ".git/objects/info/alternates").exists()
        write_state(
            project, SCRATCH, {"config": config, "shared": shared, "sparse": project.config.sparse}
        )
        exclude_recipe(project, temporary / ".git")
        temporary.rename(path)
    return furnish(project, SCRATCH, path, target=project.target, base="", fresh=False)


def _works(project: Project, path: Path) -> bool:
    if not (path / ".git").is_dir() or (path / ".git").is_symlink():
        return False
    state = read_state(project, SCRATCH)
    if not state or tuple(state.get("sparse", ())) != project.config.sparse:
        return False
    repair(project, SCRATCH, path)
    git = project.clone_git(path)
    return git.ok("rev-parse", "--git-dir") and git.ok("ls-files", "--error-unmatch", "--", ".")


def scratch_at(project: Project, tip: str) -> tuple[Workspace, str]:
    """The clone with the files of `tip`; made anew when a gate has left it in no state for that."""
    scratch = open_scratch(project)
    try:
        return scratch, _checkout(project, project.clone_git(scratch.path), tip)
    except GitError:
        remove_tree(scratch.path)
        scratch = open_scratch(project)
        return scratch, _checkout(project, project.clone_git(scratch.path), tip)


def _checkout(project: Project, git: Git, tip: str) -> str:
    """Have exactly the files of `tip`, ignored ones aside; the commit that is checked out.

    When `tip` stands beside the target and a person has gone on there, that is merged in first,
    if it goes without conflict.
    """
    if not git.ok("cat-file", "-e", f"{tip}^{{commit}}"):  # a shallow project shares nothing
        every = ("+refs/heads/*:refs/remotes/origin/*", "+refs/axon/heads/*:refs/axon/heads/*")
        git.run("fetch", "-q", "--no-tags", "--", str(project.root), *every, seconds=SECONDS)
    git.attempt("reset", "-q", "--hard", seconds=SECONDS)
    git.run("checkout", "-q", "-f", "--detach", tip, seconds=SECONDS)
    git.run("clean", "-ffdq", seconds=SECONDS)
    target = project.commit_of(f"refs/heads/{project.target}")
    if target and not git.ok("merge-base", "--is-ancestor", target, tip):
        message = f"Merge {project.target} into {project.beside}"
        if not git.ok("merge", "-q", "--no-edit", "--no-verify", "-m", message, target):
            git.run("reset", "-q", "--hard", tip)
    return git.line("rev-parse", "HEAD")


def merge_commit(git: Git, commit: str, message: str) -> Refused | None:
    """None when the merge is made, or there was nothing left to merge."""
    if not git.ok("cat-file", "-e", f"{commit}^{{commit}}"):
        return Refused(why="its commit is not in the project's repository", feedback="")
    args = ("merge", "-q", "--no-ff", "--no-edit", "--no-verify", "-m", message, commit)
    outcome = git.attempt(*args, seconds=SECONDS)
    if outcome.ok:
        return None
    files = git.names("diff", "--name-only", "--diff-filter=U", "-z")
    if not files:
        if "unrelated histories" not in outcome.err:
            raise AxonError(f"{commit[:12]} cannot be merged for landing: {outcome.said}")
        return Refused(why=f"cannot be merged: {outcome.said}", feedback=outcome.said)
    text = git.head(FEEDBACK_BYTES, "diff", "--no-ext-diff", "--no-textconv")
    names = "\n".join(f"- {shown(name)}" for name in files)
    git.run("reset", "-q", "--hard")
    return Refused(
        why=f"conflict in {listed(files)}",
        feedback=f"Files in conflict:\n{names}\n\n{text}",
    )


def bring_in(project: Project, git: Git, path: Path) -> str:
    """Bring the merge into the project before the gate runs, for that may ruin the clone."""
    outcome = fetch(project, path, f"+HEAD:{MERGE_REF}")
    if not outcome.ok:
        raise AxonError(f"the merge cannot be brought into the project: {outcome.said}")
    return git.line("rev-parse", "HEAD")


def signed(
    project: Project, tree: str, parents: tuple[str, str], message: str, trailers: dict[str, str]
) -> str:
    """The merge that was judged, with the verdict in its message: same tree, same parents."""
    text = message + "\n\n" + "".join(f"{key}: {value}\n" for key, value in trailers.items())
    clean = text.replace("\0", " ").encode("utf-8", "replace").decode()
    words = [word for parent in parents for word in ("-p", parent)]
    return project.git.run("commit-tree", tree, *words, data=clean).strip()


def word(verified: bool) -> str:
    return "passed" if verified else "none"
