"""What ended tasks leave behind, and how to remove it without losing work."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axon.errors import Forbidden, NotFound
from axon.ledger import Ledger
from axon.tasks import State
from axon.team.project import Project, hold
from axon.team.workspace.making import remove
from axon.team.workspace.place import (
    branch_of,
    drop_temporary,
    free_ports,
    remove_tree,
    temporary_root,
)

KEPT_SECONDS = 14 * 86400.0  # how long snapshots of landed tasks are kept
LANDING = "landing"
OVER = frozenset({State.DONE, State.CANCELED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One thing that is no longer needed. `owner`: whose lock guards it."""

    kind: str  # "workspace", "folder", "branch", "ref"
    name: str  # a path below the project, or a full ref
    owner: str
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finder:
    project: Project
    ledger: Ledger
    now: float

    def state(self, identifier: str) -> State | None:
        """None: the ledger does not know it."""
        try:
            return self.ledger.task(identifier).state
        except NotFound:
            return None

    def is_over(self, identifier: str) -> bool:
        state = self.state(identifier)
        return state is None or state in OVER

    def workspaces(self) -> Iterator[Leftover]:
        for path in _entries(self.project.state_dir / "work"):
            owner = path.name
            if path.name.startswith("."):  # .new-ENG-1, .gone-ENG-1-2, .broken-ENG-1-2
                kind, _, rest = path.name[1:].partition("-")
                owner = rest if kind == "new" else rest.rpartition("-")[0]
                if kind == "broken" and not self.is_over(owner):
                    continue  # all that is left of work that goes on
                yield self._folder(path, owner)
            elif self.is_over(owner):
                yield Leftover(
                    kind="workspace", name=self._below(path), owner=owner, bytes=_size(path)
                )

    def folders(self) -> Iterator[Leftover]:
        for path in _entries(self.project.state_dir / "home"):
            if path.name != LANDING and self.is_over(path.name):
                yield self._folder(path, path.name)
        for path in _entries(temporary_root(self.project)):
            if path.name != LANDING and not (self.project.state_dir / "work" / path.name).exists():
                yield self._folder(path, path.name)
        for path in (self.project.state_dir / LANDING, self.project.state_dir / f".new-{LANDING}"):
            if path.exists():
                yield self._folder(path, LANDING)

    def refs(self) -> Iterator[Leftover]:
        """Branches and marks of tasks whose work stands on the target, old snapshots of them."""
        git = self.project.git
        form = "--format=%(refname)%00%(objectname)%00%(committerdate:unix)%00%(worktreepath)"
        _, base = self.project.base()
        for row in git.run("for-each-ref", form, "refs/axon", "refs/heads/agent").splitlines():
            ref, commit, date, shown_in = row.split("\0")
            parts = ref.split("/")
            if ref.startswith("refs/heads/"):
                owner = parts[-1].upper()
                if ref != f"refs/heads/{branch_of(owner)}" or shown_in:
                    continue
            else:
                owner = parts[3] if len(parts) > 3 else ""
            if self._is_done_with(parts, owner, float(date)):
                snapshot = parts[2] in ("wip", "kept")
                if snapshot or self.project.contains(base, commit):
                    kind = "branch" if ref.startswith("refs/heads/") else "ref"
                    yield Leftover(kind=kind, name=ref, owner=owner)

    def _is_done_with(self, parts: list[str], owner: str, date: float) -> bool:
        group = parts[2]
        if group == "base":
            return not (self.project.state_dir / "work" / owner).exists()
        if self.state(owner) is not State.DONE:
            return False
        return group not in ("wip", "kept") or self.now - date > KEPT_SECONDS

    def _folder(self, path: Path, owner: str) -> Leftover:
        return Leftover(kind="folder", name=self._below(path), owner=owner, bytes=_size(path))

    def _below(self, path: Path) -> str:
        inside = path.is_relative_to(self.project.root)
        return str(path.relative_to(self.project.root) if inside else path)


def find_leftovers(project: Project, ledger: Ledger, now: float) -> list[Leftover]:
    """Everything `clear` may remove."""
    finder = _Finder(project=project, ledger=ledger, now=now)
    return [*finder.workspaces(), *finder.folders(), *finder.refs()]


def clear(project: Project, leftover: Leftover) -> bool:
    """Remove it; False when some process has it in use."""
    try:
        with hold(project, leftover.owner):
            _clear(project, leftover)
    except Forbidden:
        return False
    return True


def _clear(project: Project, leftover: Leftover) -> None:
    if leftover.kind == "workspace":
        remove(project, leftover.owner)
    elif leftover.kind == "folder":
        remove_tree(project.root / leftover.name)
        if leftover.owner == LANDING:
            drop_temporary(project, LANDING)
            free_ports(project, LANDING)
    else:
        project.git.run("update-ref", "-d", leftover.name)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _size(path: Path) -> int:
    """Bytes on disk, as far as they can be seen."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                continue
    return total
