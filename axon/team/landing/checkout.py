"""Move a branch by compare-and-swap, and the checkout that shows it along, or not at all.

The order is: our mark as the checkout's index.lock, a note of the intention, files, index,
branch. Killed anywhere in between, `recover` finishes it or takes it back.
"""

import contextlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from axon.errors import AxonError
from axon.team.git import Git, listed
from axon.team.landing.places import (
    Change,
    Checkout,
    at_work,
    changed_files,
    checkouts,
    obstacle_seen,
    release_dead,
    sealed,
    spare_git,
)
from axon.team.project import Project
from axon.team.workspace.place import write_atomically


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What came of it: done, raced (the branch is no longer at `old`), or an obstacle."""

    raced: bool = False
    obstacle: str = ""

    @property
    def done(self) -> bool:
        return not self.raced and not self.obstacle


def move(project: Project, branch: str, old: str, new: str, why: str) -> Move:
    """Move `branch` from commit `old` (empty: it must not exist) to `new`.

    A checkout of it is brought along only when it is clean and loses nothing. The caller holds
    "landing" and has called `recover`.
    """
    places, busy = checkouts(project, branch)
    if busy:
        return Move(obstacle=busy)
    if not places:
        return _swap(project, project.git, branch, old, new, why)
    if len(places) > 1:
        return Move(obstacle=f"{branch} is checked out in {len(places)} places")
    return _move_along(project, places[0], branch, old, new, why)


def obstacle_to(project: Project, branch: str, old: str, new: str) -> str:
    """What would keep a checkout of `branch` from being moved now; nothing is changed."""
    places, busy = checkouts(project, branch)
    for place in places:
        busy = busy or obstacle_seen(project, place)
        if not busy:
            with sealed(place) as still:
                busy = _obstacle(project, place, old, new) if still else at_work(place)
    return busy


def recover(project: Project) -> None:
    """Finish or take back what a killed landing has begun; a person's later edits stay."""
    project.drop_stale_locks("refs/axon/merge", "refs/axon/land/*", f"refs/heads/{project.beside}")
    project.drop_stale_locks(f"refs/heads/{project.target}", "packed-refs", seconds=60)
    path = _intention(project)
    try:
        _finish(project, path)
    finally:
        for branch in (project.target, project.beside):
            for place in checkouts(project, branch)[0]:
                release_dead(place)


def _finish(project: Project, path: Path) -> None:
    """Do what the note at `path` says was begun."""
    try:
        noted = json.loads(path.read_text("utf-8"))
        place = Checkout(path=Path(noted["path"]), git_dir=Path(noted["git_dir"]))
        branch, old, new = (str(noted[name]) for name in ("branch", "old", "new"))
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError):
        path.unlink()
        return
    if place.index.exists() and place.path.is_dir():
        _drop_ref_lock(project, branch, path)
        with sealed(place) as still:
            if not still:
                raise AxonError(f"a landing was interrupted and {at_work(place)}; remove that")
            if project.commit_of(f"refs/heads/{branch}") == old:
                _settle(project, place, branch, old, new)
    path.unlink()


def _swap(project: Project, git: Git, branch: str, old: str, new: str, why: str) -> Move:
    ref = f"refs/heads/{branch}"
    outcome = git.attempt("update-ref", "-m", why, ref, new, old)
    if outcome.ok:
        return Move()
    now = project.commit_of(ref) or ""
    if now == new:  # git was killed when it had moved the branch
        return Move()
    if now != old:
        return Move(raced=True)
    return Move(obstacle=f"{branch} cannot be moved: {outcome.said}")


def _move_along(
    project: Project, place: Checkout, branch: str, old: str, new: str, why: str
) -> Move:
    seen = obstacle_seen(project, place)
    if seen:
        return Move(obstacle=seen)
    with sealed(place) as still:
        if not still:
            return Move(obstacle=at_work(place))
        project.reached("landing.sealed")
        if project.commit_of(f"refs/heads/{branch}") != old:
            return Move(raced=True)  # a person has just committed there
        obstacle = _obstacle(project, place, old, new)
        if obstacle:
            return Move(obstacle=obstacle)
        note = {"branch": branch, "old": old, "new": new}
        note |= {"path": str(place.path), "git_dir": str(place.git_dir)}
        write_atomically(_intention(project), json.dumps(note))
        project.reached("landing.intention")
        moved = _files_index_branch(project, place, branch, old, new, why)
        project.reached("landing.moved")
        _intention(project).unlink()
        return moved


def _files_index_branch(
    project: Project, place: Checkout, branch: str, old: str, new: str, why: str
) -> Move:
    git = spare_git(project, place)
    outcome = git.attempt("read-tree", "-m", "-u", old, new, seconds=600)
    if not outcome.ok:
        _restore_files(project, place, old, new)
        return Move(obstacle=f"{place.path} cannot be updated: {outcome.said}")
    project.reached("landing.files")
    os.replace(place.spare, place.index)
    project.reached("landing.index")
    moved = _swap(project, git, branch, old, new, why)
    if not moved.done:
        _take_back(git, place, old, new)
    return moved


def _obstacle(project: Project, place: Checkout, old: str, new: str) -> str:
    """Why the checkout must be left alone. The spare index is fresh afterwards."""
    git = spare_git(project, place)
    if not place.spare.exists():
        return f"{place.path} has no index"
    git.attempt("update-index", "-q", "--refresh", seconds=600)
    dirty = git.names("diff-index", "--name-only", "-z", "--ignore-submodules=all", old)
    if dirty:
        return f"{place.path} has uncommitted changes ({listed(dirty)})"
    in_the_way = [
        c.path for c in changed_files(git, old, new) if c.is_new and _blocks(place, c, git)
    ]
    if in_the_way:
        return f"untracked files of {place.path} would be overwritten ({listed(in_the_way)})"
    return ""


def _blocks(place: Checkout, change: Change, git: Git) -> bool:
    """Something untracked, ignored or not, stands where a new file is to be."""
    path = place.path / change.path
    for folder in path.relative_to(place.path).parents:
        above = place.path / folder
        if os.path.lexists(above) and (above.is_symlink() or not above.is_dir()):
            return not git.ok("ls-files", "--error-unmatch", "--", f":(literal){folder}")
    if path.is_symlink() or path.is_file():
        return True
    if not path.is_dir():
        return os.path.lexists(path)
    tracked = set(git.names("ls-files", "-z", "--", f":(literal){change.path}/"))
    below = (Path(root) / name for root, _, names in os.walk(path) for name in names)
    return any(str(found.relative_to(place.path)) not in tracked for found in below)


def _settle(project: Project, place: Checkout, branch: str, old: str, new: str) -> None:
    """Go on to `new` when the index has got there, else put the files back to `old`."""
    git = spare_git(project, place)
    changed = {change.path for change in changed_files(git, old, new)}
    differs = git.names("diff-index", "--cached", "--name-only", "-z", new)
    if changed.intersection(differs):
        _restore_files(project, place, old, new)
    elif not _swap(project, git, branch, old, new, "axon: finish a landing").done:
        _take_back(git, place, old, new)


def _take_back(git: Git, place: Checkout, old: str, new: str) -> None:
    """The index has moved and the branch could not follow."""
    shutil.copy2(place.index, place.spare)
    if git.ok("read-tree", "-m", "-u", new, old):
        os.replace(place.spare, place.index)


def _restore_files(project: Project, place: Checkout, old: str, new: str) -> None:
    """Put back what an interrupted update wrote or removed, and nothing that a person did."""
    git = spare_git(project, place)
    git.run("read-tree", old)  # the spare one
    wanted = []
    for change in changed_files(git, old, new):
        path = place.path / change.path
        if not _is_ours(git, path, change):
            continue
        if change.is_new:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # stops at the first folder that is not empty
                os.removedirs(path.parent)
        else:
            wanted.append(change.path)
    if wanted:
        git.run("checkout-index", "-f", "-z", "--stdin", data="\0".join(wanted) + "\0")


def _is_ours(git: Git, path: Path, change: Change) -> bool:
    """What stands there is the new file, a part of it, or nothing: no person's edit."""
    if not os.path.lexists(path):
        return not change.is_new
    if path.is_symlink():
        found = git.run("hash-object", "--stdin", data=os.readlink(path)).strip()
        return found == change.new_blob and found != change.old_blob
    if not path.is_file():
        return False
    found = git.line("hash-object", f"--path={change.path}", "--", str(path))
    if found in (change.old_blob, change.new_blob):
        return found == change.new_blob
    if change.is_gone:
        return False
    written = path.read_bytes()
    size = len(written)
    smudged = ("cat-file", "--filters", f"--path={change.path}", change.new_blob)
    return git.head_bytes(size, *smudged) == written


def _drop_ref_lock(project: Project, branch: str, intention: Path) -> None:
    """A git of ours that was killed while it moved the branch has left its lock."""
    lock = project.common_dir / f"refs/heads/{branch}.lock"
    with contextlib.suppress(OSError):
        if lock.stat().st_mtime >= intention.stat().st_mtime:
            lock.unlink()


def _intention(project: Project) -> Path:
    return project.state_dir / "moving.json"
