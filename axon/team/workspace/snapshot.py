"""Keep what stands uncommitted in a folder as a commit under a ref of the project."""

from collections.abc import Sequence
from pathlib import Path

from axon.team.git import Git, GitError
from axon.team.project import Project
from axon.team.workspace.sparse import inside

GITLINK = "160000"
DEEPEST = 3  # repositories inside repositories; what is nested deeper is kept by its name only
SECONDS = 600.0  # every file is read


def snapshot(
    project: Project,
    folder: Path,
    *,
    identifier: str,
    parent: str | None,
    why: str,
    skip: tuple[str, ...] = (),
    sparse: Sequence[str] = (),
) -> str | None:
    """Commit the files of `folder` to `refs/axon/wip/<identifier>/<n>`; None: same as `parent`.

    Only the project's own git is used, so it works whatever became of the folder's, and neither
    the folder's index nor its files are touched. The same state is kept once.
    """
    git = project.git
    tree = _tree(project, folder, identifier, parent, skip, sparse)
    if parent is not None and tree == git.line("rev-parse", f"{parent}^{{tree}}"):
        return None
    kept = _kept(git, identifier)
    for ref, kept_tree, kept_parent in kept:
        if (kept_tree, kept_parent) == (tree, parent or ""):
            return ref
    parents = ("-p", parent) if parent is not None else ()
    commit = git.run("commit-tree", tree, *parents, data=f"{identifier}: {why}\n").strip()
    number = max((int(ref.rpartition("/")[2]) for ref, _, _ in kept), default=0) + 1
    ref = f"refs/axon/wip/{identifier}/{number}"
    git.run("update-ref", ref, commit, "")
    return ref


def nested_repositories(git: Git, folder: Path) -> list[str]:
    """Folders that are repositories of their own: git would note their names, not their files."""
    untracked = git.names("ls-files", "-o", "--exclude-standard", "-z")
    found = {name.rstrip("/") for name in untracked if name.endswith("/")}
    for row in git.names("ls-files", "-s", "-z"):
        facts, _, name = row.partition("\t")
        if facts.startswith(GITLINK) and (folder / name / ".git").exists():
            found.add(name)
    return sorted(found)


def _kept(git: Git, identifier: str) -> list[tuple[str, str, str]]:
    """Ref, tree and parent of earlier snapshots."""
    rows = git.run(
        "for-each-ref",
        "--format=%(refname)%00%(tree)%00%(parent)",
        f"refs/axon/wip/{identifier}/",
    ).splitlines()
    found = (row.split("\0") for row in rows)
    return [(ref, tree, parent) for ref, tree, parent in found if ref[-1].isdigit()]


def _tree(
    project: Project,
    folder: Path,
    name: str,
    parent: str | None,
    skip: tuple[str, ...],
    sparse: Sequence[str] = (),
    depth: int = 0,
) -> str:
    """Write the tree of a folder's files, also of repositories nested in it."""
    temporary = project.state_dir / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    index = temporary / f"{name}.{depth}.index"
    index.unlink(missing_ok=True)
    git = Git(
        environ=project.config.environ,
        folder=folder,
        git_dir=project.common_dir,
        variables={"GIT_INDEX_FILE": str(index)},
        config=("core.sparseCheckout=false",),
        durable=True,
    )
    try:
        git.run("read-tree", parent or "--empty")
        nested = nested_repositories(git, folder)
        _add(git, (*skip, *nested), sparse)
        for path in nested if depth < DEEPEST else ():
            inner = _tree(project, folder / path, name, None, (), (), depth + 1)
            git.run("rm", "-rfq", "--cached", "--ignore-unmatch", "--", f":(literal){path}")
            git.run("read-tree", f"--prefix={path}/", inner)
        return git.line("write-tree")
    finally:
        index.unlink(missing_ok=True)


def _add(git: Git, skip: tuple[str, ...], sparse: Sequence[str]) -> None:
    """Stage everything that can be read; what a sparse checkout leaves out is not deleted."""
    excluded = [f":(exclude,literal){path}" for path in skip]
    if sparse:
        gone = git.names("ls-files", "-d", "-z", "--", ".", *excluded)
        deleted = "".join(f"{name}\0" for name in gone if inside(sparse, name))
        if deleted:
            git.run("update-index", "--force-remove", "-z", "--stdin", data=deleted)
    every = "--ignore-removal" if sparse else "-A"
    args = ("add", every, "--ignore-errors", "--", ".", *excluded)
    outcome = git.attempt(*args, seconds=SECONDS)
    if outcome.returncode not in (0, 1):  # 1: some file could not be read, the others are in
        raise GitError(f"git add failed in {git.folder}: {outcome.err.strip()[-300:]}")
