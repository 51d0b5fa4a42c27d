"""Make a task's workspace, take it up again, and remove it: never losing what stands in it."""

import os
from pathlib import Path
from typing import Any

from axon.errors import AxonError
from axon.tasks import Task
from axon.team.git import Git, GitError
from axon.team.project import Project, check_room
from axon.team.workspace.clone import SECONDS, clone, exclude_recipe, fetch, repair
from axon.team.workspace.place import (
    Workspace,
    branch_of,
    drop_state,
    drop_temporary,
    free_ports,
    furnish,
    path_of,
    pin_of,
    read_state,
    remove_tree,
    write_state,
)
from axon.team.workspace.snapshot import snapshot


class Broken(AxonError):
    """The workspace's repository cannot be used; its files were kept."""

    code = "broken_workspace"


def prepare(project: Project, task: Task) -> Workspace:
    """Take the task's workspace up again, as it was left, or make it.

    What is there and cannot be used (damaged, or of another task that had this name) is kept
    under refs/axon in the project first.
    """
    check_room(project)
    identifier, path = task.identifier, path_of(project, task.identifier)
    _drop_stale_locks(project, identifier)
    state = read_state(project, identifier)
    own = state.get("created_at") == task.created_at
    fresh = not (own and usable(project, identifier, path))
    if fresh:
        set_aside(project, identifier)
        state = _make(project, task, path, own=own or bool(task.branch or task.commit))
    return furnish(
        project, identifier, path, target=state["target"], base=state["base"], fresh=fresh
    )


def remove(project: Project, identifier: str) -> None:
    """Delete clone, temporary folder and ports, once all it holds stands in the project."""
    set_aside(project, identifier)
    drop_temporary(project, identifier)
    free_ports(project, identifier)
    drop_state(project, identifier)
    project.git.attempt("update-ref", "-d", pin_of(identifier))


def _drop_stale_locks(project: Project, identifier: str) -> None:
    """Of the refs that only the holder of this task writes."""
    own = ("base", "heads", "passing", "wip", "kept")
    refs = [f"refs/axon/{group}/{identifier}" for group in own]
    project.drop_stale_locks(
        *refs, *(f"{ref}/*" for ref in refs), f"refs/heads/{branch_of(identifier)}"
    )


def usable(project: Project, identifier: str, path: Path) -> bool:
    """Its repository works and holds its branch with all objects; made so where possible."""
    if not (path / ".git").is_dir() or (path / ".git").is_symlink():
        return False
    repair(project, identifier, path)
    git = project.clone_git(path)
    branch = f"refs/heads/{branch_of(identifier)}"
    base = read_state(project, identifier).get("base", "HEAD")
    return (
        git.ok("rev-parse", "-q", "--verify", "HEAD^{commit}")
        and git.ok("rev-parse", "-q", "--verify", f"{branch}^{{commit}}")
        and git.ok("rev-list", "--objects", "--quiet", "HEAD", branch, f"^{base}")
    )


def sound(project: Project, workspace: Workspace) -> Git:
    """Git of a workspace after an agent was there. Broken when it cannot be used any more."""
    path = workspace.path
    if (path / ".git").is_dir() and not (path / ".git").is_symlink():
        repair(project, workspace.identifier, path)
        git = project.clone_git(path)
        if git.ok("rev-parse", "--git-dir") and git.ok("rev-parse", "HEAD"):
            return git
        branch = f"refs/heads/{workspace.branch}"  # HEAD is unborn or unreadable, the branch is not
        if git.ok("rev-parse", "-q", "--verify", f"{branch}^{{commit}}"):
            git.run("symbolic-ref", "HEAD", branch)
            return git
    ref = keep_wip(project, workspace, "the workspace lost its repository")
    raise Broken(
        f"the repository of workspace {workspace.identifier} is gone or damaged; "
        + (f"its files are kept under {ref}" if ref else "it held nothing new")
    )


def set_aside(project: Project, identifier: str) -> None:
    """Keep everything a workspace's folder holds in the project, then delete the folder.

    When it cannot be kept (damaged beyond reading) the folder is moved out of the way instead.
    """
    path = path_of(project, identifier)
    if not os.path.lexists(path):
        return
    try:
        keep_files(project, identifier, path, "kept before the workspace was removed")
        if (path / ".git").is_dir() and not _publish_all(project, identifier, path):
            raise GitError("its commits cannot be read")
    except (GitError, OSError):
        _rename(path, ".broken")
        return
    remove_tree(_rename(path, ".gone"))


def keep_wip(project: Project, workspace: Workspace, why: str) -> str | None:
    """Snapshot everything uncommitted to a ref of the project; None when nothing is."""
    return keep_files(project, workspace.identifier, workspace.path, why)


def keep_files(project: Project, identifier: str, path: Path, why: str) -> str | None:
    git = project.clone_git(path)
    if (path / ".git").is_dir():
        repair(project, identifier, path)
        status = git.attempt("status", "--porcelain", "-z", seconds=SECONDS)
        if status.ok and not status.out:
            return None
    passing = f"refs/axon/passing/{identifier}"
    parent = _parent(project, git, path, passing) or project.commit_of(pin_of(identifier))
    skip = (*project.config.copy, *project.config.link)
    sparse = read_state(project, identifier).get("sparse", ())
    try:
        return snapshot(
            project, path, identifier=identifier, parent=parent, why=why, skip=skip, sparse=sparse
        )
    finally:
        project.git.attempt("update-ref", "-d", passing)


def _parent(project: Project, git: Git, path: Path, passing: str) -> str | None:
    """The commit checked out in the workspace, brought into the project when it is not there."""
    head = git.attempt("rev-parse", "-q", "--verify", "HEAD^{commit}")
    if not head.ok:
        return None
    commit = head.out.strip()
    if project.commit_of(commit) is None and not fetch(project, path, f"+HEAD:{passing}").ok:
        return None
    return commit


def _publish_all(project: Project, identifier: str, path: Path) -> bool:
    """Every branch of the clone, and what is checked out, stands under refs of the project."""
    kept = f"refs/axon/kept/{identifier}"
    git = project.clone_git(path)
    rows = git.run("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads").splitlines()
    tips = {commit: name for commit, _, name in (row.partition(" ") for row in rows)}
    head = git.attempt("rev-parse", "-q", "--verify", "HEAD^{commit}")
    if head.ok:
        tips.setdefault(head.out.strip(), "HEAD")
    missing = {commit: name for commit, name in tips.items() if not _stands(project, commit)}
    refspecs = [f"+{name}:{kept}/{commit[:16]}" for commit, name in missing.items()]
    return not refspecs or fetch(project, path, *refspecs).ok


def _stands(project: Project, commit: str) -> bool:
    """Some ref of the project contains the commit."""
    found = project.git.attempt("for-each-ref", "--count=1", f"--contains={commit}")
    return found.ok and bool(found.out)


def _rename(path: Path, prefix: str) -> Path:
    """Out of the way, under a name that is free."""
    number = 1
    while os.path.lexists(path.with_name(f"{prefix}-{path.name}-{number}")):
        number += 1
    return path.rename(path.with_name(f"{prefix}-{path.name}-{number}"))


def _make(project: Project, task: Task, path: Path, *, own: bool) -> dict[str, Any]:
    """Clone beside the final place and rename: what is there is always whole."""
    target, base = project.base()
    identifier, branch = task.identifier, branch_of(task.identifier)
    project.git.run("update-ref", pin_of(identifier), base)
    start = _start(project, identifier, base, own=own)
    project.reached("workspace.pinned")
    temporary = path.with_name(f".new-{identifier}")
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_tree(temporary)
    config = clone(project, temporary)
    git = project.clone_git(temporary)
    for commit in {start, base}:
        if not git.ok("cat-file", "-e", f"{commit}^{{commit}}"):  # a shallow project shares nothing
            git.run("fetch", "-q", "--no-tags", "--", str(project.root), commit, seconds=SECONDS)
    git.run("update-ref", f"refs/remotes/origin/{target}", base)
    git.run("checkout", "-q", "-b", branch, start, seconds=SECONDS)
    project.reached("workspace.cloned")
    state = {
        "created_at": task.created_at,
        "target": target,
        "base": base,
        "config": config,
        "shared": (temporary / ".git/objects/info/alternates").exists(),
        "sparse": project.config.sparse,
    }
    write_state(project, identifier, state)
    exclude_recipe(project, temporary / ".git")
    project.reached("workspace.remembered")
    temporary.rename(path)
    return state


def _start(project: Project, identifier: str, base: str, *, own: bool) -> str:
    """Where the branch begins: at its earlier work that has not landed, else at the base."""
    branch = branch_of(identifier)
    for ref in (f"refs/axon/heads/{identifier}", f"refs/heads/{branch}"):
        earlier = project.commit_of(ref)
        if earlier is None or project.contains(base, earlier):
            continue
        if own:
            return earlier
        project.git.run("update-ref", f"refs/axon/kept/{identifier}/{earlier[:16]}", earlier)
    return base
