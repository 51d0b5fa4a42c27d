"""The folders in which a branch is checked out: what they show, and holding one still."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axon.errors import AxonError
from axon.team.git import Git, listed
from axon.team.processes import start_time
from axon.team.project import Project

LOCK_SECONDS = 5.0
SEAL = "axon is moving this checkout, process"
UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "BISECT_LOG": "a bisect",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A folder that shows a branch, and its own git directory."""

    path: Path
    git_dir: Path

    @property
    def index(self) -> Path:
        return self.git_dir / "index"

    @property
    def spare(self) -> Path:
        """The index we work on until it takes the place of the real one."""
        return self.git_dir / "axon-index"

    @property
    def lock(self) -> Path:
        return self.git_dir / "index.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A file that differs between the two commits; modes and blobs of before and after."""

    path: str
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str

    @property
    def is_new(self) -> bool:
        return self.old_mode == "000000"

    @property
    def is_gone(self) -> bool:
        return self.new_mode == "000000"


def checkouts(project: Project, branch: str) -> tuple[list[Checkout], str]:
    """Where the branch is checked out, and what goes on with it elsewhere, if anything."""
    found: list[Checkout] = []
    for block in project.git.run("worktree", "list", "--porcelain").split("\n\n"):
        rows = block.splitlines()
        if not rows or not rows[0].startswith("worktree "):
            continue
        path = Path(rows[0].removeprefix("worktree "))
        shows = f"branch refs/heads/{branch}" in rows
        if not path.is_dir() or not (shows or "detached" in rows):
            continue
        git = Git(environ=project.config.environ, folder=path)
        place = Checkout(path=path, git_dir=Path(git.line("rev-parse", "--absolute-git-dir")))
        if shows:
            found.append(place)
        elif _is_rebased(place, branch):
            return [], f"{branch} is being rebased in {path}"
    return found, ""


def _is_rebased(place: Checkout, branch: str) -> bool:
    for name in ("rebase-merge/head-name", "rebase-apply/head-name"):
        with contextlib.suppress(OSError):
            if (place.git_dir / name).read_text().strip() == f"refs/heads/{branch}":
                return True
    return False


def obstacle_seen(project: Project, place: Checkout) -> str:
    """What can be seen without holding it still, so that a person at work is not disturbed."""
    for name, what in UNDER_WAY.items():
        if (place.git_dir / name).exists():
            return f"{what} is under way in {place.path}"
    git = Git(environ=project.config.environ, folder=place.path)
    rows = git.names("status", "--porcelain", "-uno", "-z", "--no-renames", "--ignore-submodules")
    if rows:
        changed = listed([row[3:] for row in rows])
        return f"{place.path} has uncommitted changes ({changed})"
    return ""


def changed_files(git: Git, old: str, new: str) -> list[Change]:
    fields = iter(git.run("diff-tree", "-r", "-z", "--no-renames", old, new).split("\0"))
    found = []
    for head in fields:
        if head.startswith(":"):
            old_mode, new_mode, old_blob, new_blob, _ = head[1:].split(" ")
            found.append(
                Change(
                    path=next(fields),
                    old_mode=old_mode,
                    new_mode=new_mode,
                    old_blob=old_blob,
                    new_blob=new_blob,
                )
            )
    return found


def spare_git(project: Project, place: Checkout) -> Git:
    """In the checkout, on the spare index."""
    return Git(
        environ=project.config.environ,
        folder=place.path,
        git_dir=place.git_dir,
        variables={**project.git.variables, "GIT_INDEX_FILE": str(place.spare)},
        durable=True,
    )


@contextlib.contextmanager
def sealed(place: Checkout) -> Iterator[bool]:
    """Hold the checkout's index.lock, as git does, with a copy of its index to work on.

    False when a person's git has it. A lock of ours whose process has died is taken over.
    """
    pid = os.getpid()
    for left in place.git_dir.glob("axon-lock.*"):
        if _is_dead(left):
            left.unlink(missing_ok=True)
    draft = place.git_dir / f"axon-lock.{pid}"
    try:
        draft.write_text(f"{SEAL} {pid} {start_time(pid)}\n")
        still = _link(draft, place.lock)
    except OSError as error:
        raise AxonError(f"cannot write {place.git_dir}: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    try:
        if still and place.index.exists():
            shutil.copy2(place.index, place.spare)  # its time matters: git trusts what is older
        yield still
    finally:
        if still:
            for leftover in (place.spare, place.spare.with_name("axon-index.lock"), place.lock):
                leftover.unlink(missing_ok=True)


def release_dead(place: Checkout) -> None:
    """Remove a lock of ours whose process was killed: a person's git waits for it."""
    if _is_dead(place.lock):
        place.spare.unlink(missing_ok=True)
        place.lock.unlink(missing_ok=True)


def _link(draft: Path, lock: Path) -> bool:
    """Make `lock` with its content in one step; False when it stays taken."""
    ends = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            os.link(draft, lock)
            return True
        except FileExistsError:
            if _is_dead(lock):
                lock.unlink(missing_ok=True)
            elif time.monotonic() > ends:
                return False
            else:
                time.sleep(0.05)


def _is_dead(lock: Path) -> bool:
    """A lock of ours whose process has ended."""
    try:
        text = lock.read_bytes()[:200].decode("ascii", "replace")
    except OSError:
        return False
    if not text.startswith(SEAL):
        return False
    pid, _, start = text.removeprefix(SEAL).strip().partition(" ")
    return not pid.isdigit() or start_time(int(pid)) != start


def at_work(place: Checkout) -> str:
    return f"another git is at work in {place.path} (or died and left {place.lock})"
