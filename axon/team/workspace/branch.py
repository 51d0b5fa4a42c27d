"""Turn what an agent left in its workspace into commits on its branch, and share them."""

import hashlib
from contextlib import suppress
from pathlib import Path

from axon.errors import AxonError
from axon.team.git import Git, listed, shown
from axon.team.project import Project
from axon.team.workspace.clone import fetch
from axon.team.workspace.making import keep_wip, sound
from axon.team.workspace.place import Workspace, pin_of
from axon.team.workspace.snapshot import nested_repositories
from axon.team.workspace.sparse import FILE

SECONDS = 600.0
MOST_STATS = 1000  # changed files that are looked at to tell whether work goes on
MARKED_BYTES = 8 * 2**20  # what is larger is no text that anybody merges by hand


class Unfinished(AxonError):
    """Something stands in the workspace that only the agent can finish; `feedback` tells it."""

    code = "unfinished"

    def __init__(self, message: str, feedback: str = "") -> None:
        super().__init__(message)
        self.feedback = feedback or message


def tip(project: Project, workspace: Workspace) -> str:
    """The last commit of the branch."""
    git = sound(project, workspace)
    return git.line("rev-parse", "--verify", f"refs/heads/{workspace.branch}^{{commit}}")


def fingerprint(project: Project, workspace: Workspace) -> str:
    """Tells whether the work has changed: its commit, and the files that differ from that."""
    git = project.clone_git(workspace.path)
    head = git.attempt("rev-parse", "-q", "--verify", "HEAD").out
    # the agent may be at the same repository: its locks are left alone
    told = git.attempt("--no-optional-locks", "status", "--porcelain", "-z").out
    stats = []
    for entry in told.split("\0")[:MOST_STATS]:
        with suppress(OSError, ValueError):
            stat = (workspace.path / entry[3:]).stat()
            stats.append((stat.st_mtime_ns, stat.st_size))
    return hashlib.sha256(repr((head, told, stats)).encode("utf-8", "replace")).hexdigest()


def tidy(project: Project, workspace: Workspace) -> None:
    """Take back what a gate left in the work tree: all work was committed before it ran.

    Also in the repository, before git obeys what the gate may have written there.
    """
    git = sound(project, workspace)
    git.run("reset", "-q", "--hard")
    git.run("clean", "-fdq")


def commit_all(project: Project, workspace: Workspace, message: str) -> str:
    """Commit what is uncommitted, wherever the agent left HEAD; return the branch's tip.

    Unfinished when conflicts or nested repositories are in the way, Broken when the workspace's
    repository is.
    """
    git = sound(project, workspace)
    _end_operations(project, workspace, git)
    _refuse_conflicts(workspace, git)
    _return_to_branch(project, workspace, git)
    _refuse_nested(workspace, git)
    _stage(workspace, git)
    folder = workspace.path / ".git"
    if (folder / "MERGE_HEAD").exists() or not git.ok("diff", "--cached", "--quiet"):
        text = message.replace("\0", " ").strip() or workspace.identifier
        clean = text.encode("utf-8", "replace").decode()
        git.run("commit", "-q", "--no-verify", "--cleanup=whitespace", "-F", "-", data=clean)
    for name, command in (("CHERRY_PICK_HEAD", "cherry-pick"), ("REVERT_HEAD", "revert")):
        if (folder / name).exists() or (folder / "sequencer").exists():
            git.attempt(command, "--quit")
    return git.line("rev-parse", "HEAD")


def publish(project: Project, workspace: Workspace) -> str:
    """Bring the branch into the project, so that a person sees it; return where it stands.

    That is the branch of the same name, or a ref of ours while a person has that checked out.
    """
    branch = f"refs/heads/{workspace.branch}"
    aside = f"refs/axon/heads/{workspace.identifier}"
    project.reached("publish.before")
    in_use = f"branch {branch}" in project.git.run("worktree", "list", "--porcelain").splitlines()
    if not in_use and fetch(project, workspace.path, f"+{branch}:{branch}").ok:
        if project.commit_of(aside) is not None:
            project.git.run("update-ref", "-d", aside)
        return branch
    project.git.run(
        "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--",
        str(workspace.path), f"+{branch}:{aside}",
    )  # fmt: skip
    return aside


def update(project: Project, workspace: Workspace) -> list[str]:
    """Merge the newest target into the branch; return the files left in conflict.

    Uncommitted work is committed first. A merge that is still open is left as it is.
    """
    git = sound(project, workspace)
    if (workspace.path / ".git/MERGE_HEAD").exists():
        unmerged = _unmerged(git)
        if unmerged:
            return unmerged
    keep_wip(project, workspace, "before the target was merged")
    try:
        head = commit_all(project, workspace, f"{workspace.identifier}: work in progress")
    except Unfinished:
        return _unmerged(git)  # its agent must end that first, and will be told
    name, newest = project.base()
    if git.ok("merge-base", "--is-ancestor", newest, head):
        return []
    publish(project, workspace)  # the old base is held by the branch from here on
    project.git.run("update-ref", pin_of(workspace.identifier), newest)
    if not git.ok("cat-file", "-e", f"{newest}^{{commit}}"):
        source = pin_of(workspace.identifier)
        git.run("fetch", "-q", "--no-tags", "--", str(project.root), source, seconds=SECONDS)
    git.run("update-ref", f"refs/remotes/origin/{name}", newest)
    return _merge(workspace, git, name, newest)


def _merge(workspace: Workspace, git: Git, name: str, newest: str) -> list[str]:
    message = f"Merge {name} into {workspace.branch}"
    args = ("merge", "-q", "--no-edit", "--no-verify", "-m", message, newest)
    if git.attempt(*args, seconds=SECONDS).ok:
        return []
    unmerged = _unmerged(git)
    if not unmerged:
        git.run(*args, seconds=SECONDS)  # not a conflict: let it say what it is
    return unmerged


def _unmerged(git: Git) -> list[str]:
    return git.names("diff", "--name-only", "--diff-filter=U", "-z")


def _end_operations(project: Project, workspace: Workspace, git: Git) -> None:
    """End what would keep HEAD away from the branch; its state is kept first."""
    folder = workspace.path / ".git"
    command = ""
    if (folder / "rebase-apply/applying").exists():
        command = "am"
    elif (folder / "rebase-merge").exists() or (folder / "rebase-apply").exists():
        command = "rebase"
    if command:
        keep_wip(project, workspace, f"a {command} was under way")
        git.run(command, "--abort")
    if (folder / "BISECT_LOG").exists():
        keep_wip(project, workspace, "a bisect was under way")
        if not git.ok("bisect", "reset"):
            raise Unfinished("a bisect is under way; end it with git bisect reset")


def _refuse_conflicts(workspace: Workspace, git: Git) -> None:
    """An index that cannot be read is made anew; a conflict must be resolved by its agent."""
    found = git.attempt("diff", "--name-only", "--diff-filter=U", "-z")
    if not found.ok:
        (workspace.path / ".git/index").unlink(missing_ok=True)
        git.run("read-tree", "HEAD")
        if _is_sparse(workspace):  # what is left out was not deleted
            git.run("sparse-checkout", "reapply")
        return
    names = [name for name in found.out.split("\0") if name]
    marked = [name for name in names if has_markers(workspace.path / name)]
    if marked:
        raise Unfinished(
            f"conflict markers are left in {listed(marked)}",
            "These files still hold conflict markers. Resolve each conflict, keeping the intent "
            "of both sides, and remove the markers:\n"
            + "\n".join(f"- {shown(name)}" for name in marked),
        )


def has_markers(path: Path) -> bool:
    """A text that still shows both sides of a conflict."""
    if path.is_symlink() or not path.is_file():  # a pipe would keep us waiting
        return False
    try:
        with open(path, "rb") as file:
            lines = file.read(MARKED_BYTES).split(b"\n")
    except OSError:
        return False
    starts = {line[:8] for line in lines}
    return b"<<<<<<< " in starts and b">>>>>>> " in starts


def _return_to_branch(project: Project, workspace: Workspace, git: Git) -> None:
    """Put HEAD on the branch with the work that was done elsewhere; files stay as they are."""
    branch = f"refs/heads/{workspace.branch}"
    if git.attempt("symbolic-ref", "-q", "HEAD").out.strip() == branch:
        return
    head = git.line("rev-parse", "HEAD")
    found = git.attempt("rev-parse", "-q", "--verify", f"{branch}^{{commit}}")
    ours = found.out.strip()
    if found.ok and head != ours and git.ok("merge-base", "--is-ancestor", head, ours):
        if not git.ok("checkout", "-q", workspace.branch):
            raise Unfinished(
                f"changes stand on an older commit than {workspace.branch}",
                f"HEAD is at {head[:12]}, behind your branch {workspace.branch}, with changes "
                f"that do not fit the branch. Check out {workspace.branch} and bring them there.",
            )
        return
    if found.ok and not git.ok("merge-base", "--is-ancestor", ours, head):
        # the agent went on elsewhere: that is its work now, the other line is kept
        kept = f"refs/axon/kept/{workspace.identifier}/{ours[:16]}"
        outcome = fetch(project, workspace.path, f"+{branch}:{kept}")
        if not outcome.ok:
            raise AxonError(f"earlier commits of {workspace.branch} cannot be kept: {outcome.said}")
    git.run("update-ref", branch, head)
    git.run("symbolic-ref", "HEAD", branch)


def _refuse_nested(workspace: Workspace, git: Git) -> None:
    nested = nested_repositories(git, workspace.path)
    if nested:
        raise Unfinished(
            f"{listed(nested)} is a git repository of its own; its files would be lost",
            "These folders are git repositories of their own, so their files cannot be committed "
            "here. Remove their .git folder, or add them to .gitignore:\n"
            + "\n".join(f"- {shown(name)}" for name in nested),
        )


def _stage(workspace: Workspace, git: Git) -> None:
    anywhere = ("--sparse",) if _is_sparse(workspace) else ()
    outcome = git.attempt("add", "-A", *anywhere, seconds=SECONDS)
    if not outcome.ok:
        raise Unfinished(
            f"the changes of {workspace.identifier} cannot be committed: {outcome.said}"
        )


def _is_sparse(workspace: Workspace) -> bool:
    return (workspace.path / ".git" / FILE).exists()
