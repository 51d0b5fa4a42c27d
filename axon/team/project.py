"""The person's repository: is it fit for a team, and what does the team stand on in it."""

import contextlib
import fcntl
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axon.config import Config
from axon.errors import AxonError, Forbidden, UsageError
from axon.security.sandbox import Sandbox
from axon.security.secrets import Redactor
from axon.team.allowance import free_mb
from axon.team.git import Git, GitError, shown

OLDEST_GIT = (2, 29)


NO_SANDBOX = Sandbox(tier="none")


class NoRoom(AxonError):
    """Less free space than the person wants to keep."""

    code = "no_room"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A checked repository and the branch its work lands on."""

    config: Config
    root: Path
    target: str
    git_dir: Path  # of this checkout
    common_dir: Path  # of the repository, shared by all its checkouts
    name: str  # who commits
    email: str
    sandbox: Sandbox = NO_SANDBOX  # what agents, set-up and gate run in
    redactor: Redactor = field(default_factory=Redactor)  # for what is written while it is made
    notice: str = ""  # one line a person should read at the start

    @property
    def state_dir(self) -> Path:
        return self.root / ".axon"

    @property
    def beside(self) -> str:
        """Where work lands while the target's checkout must not be touched."""
        return f"axon/{self.target}"

    @property
    def git(self) -> Git:
        """Git in the project. What it writes survives a power loss."""
        return Git(
            environ=self.config.environ,
            folder=self.root,
            variables=self._identity,
            durable=True,
        )

    def clone_git(self, path: Path) -> Git:
        """Git in a private clone, and in nothing further up when that is broken."""
        return Git(
            environ=self.config.environ,
            folder=path,
            git_dir=path / ".git",
            variables={**self._identity, "GIT_LFS_SKIP_SMUDGE": "1"},
        )

    @property
    def _identity(self) -> dict[str, str]:
        return {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", self.name), ("EMAIL", self.email))
        }

    def commit_of(self, ref: str) -> str | None:
        """The commit a full ref or a hash names; None when there is none."""
        outcome = self.git.attempt("rev-parse", "-q", "--verify", f"{ref}^{{commit}}")
        return outcome.out.strip() if outcome.ok else None

    def contains(self, ref: str, commit: str) -> bool:
        """The commit is reachable from the ref."""
        return self.git.ok("merge-base", "--is-ancestor", commit, ref)

    def base(self) -> tuple[str, str]:
        """Branch and commit new work starts from: with all that has landed, beside or not."""
        target = self.commit_of(f"refs/heads/{self.target}")
        if target is None:
            raise UsageError(f"branch {self.target} has gone; make it again, or use --target")
        beside = self.commit_of(f"refs/heads/{self.beside}")
        if beside is not None and not self.contains(target, beside):
            return self.beside, beside
        return self.target, target

    def drop_stale_locks(self, *patterns: str, seconds: float = 2.0) -> None:
        """Remove locks that a killed git has left below the repository's folder.

        Only of refs that nobody else may be writing now, or that are older than any git runs.
        """
        for pattern in patterns:
            for lock in self.common_dir.glob(f"{pattern}.lock"):
                with contextlib.suppress(OSError):
                    if abs(time.time() - lock.stat().st_mtime) > seconds:
                        lock.unlink()

    def reached(self, point: str) -> None:
        """Die here when a test asks for it: every durable step must survive that."""
        if self.config.environ.get("AXON_FAILPOINT") == point:
            os.kill(os.getpid(), signal.SIGKILL)


def open_project(config: Config, sandbox: Sandbox = NO_SANDBOX) -> Project:
    """Check the repository and make `.axon`. UsageError says what keeps a team from working."""
    git = Git(environ=config.environ, folder=config.root)
    _check_version(git)
    git_dir, common_dir = _check_repository(git)
    target = _check_target(config, git)
    name, email = _identity(git)
    state_dir = config.root / ".axon"
    make_state_dir(state_dir)
    submodules = git.ok("cat-file", "-e", f"refs/heads/{target}:.gitmodules")
    return Project(
        config=config,
        root=config.root.resolve(),
        target=target,
        git_dir=git_dir,
        common_dir=common_dir,
        name=name,
        email=email,
        sandbox=sandbox,
        notice="submodules stay empty in workspaces; fill them with [workspace] setup"
        if submodules
        else "",
    )


def examine(config: Config) -> tuple[str, str, str, str]:
    """git's version, the branch to land on, who commits (empty where git does not know it).

    Changes nothing. UsageError: as for open_project.
    """
    git = Git(environ=config.environ, folder=config.root)
    version = _check_version(git)
    _check_repository(git)
    name, email = (
        git.attempt("config", "--get", key).out.strip() for key in ("user.name", "user.email")
    )
    return version, _check_target(config, git), name, email


def target_of(config: Config) -> str:
    """The branch to land on: as set, else the one checked out."""
    git = Git(environ=config.environ, folder=config.root)
    _check_repository(git)
    return _check_target(config, git)


def make_state_dir(path: Path) -> None:
    """`.axon`, which keeps itself out of git."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        ignore = path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise AxonError(
            f"cannot write {path}: {error.strerror}; axon keeps its state there"
        ) from None


def check_room(project: Project) -> None:
    """NoRoom when a disk that work is done on is fuller than the floor allows."""
    floor_mb = max(1, project.config.disk_floor_mb)
    for folder in (project.state_dir, project.state_dir / "work"):
        if (free := free_mb(folder)) < floor_mb:
            raise NoRoom(
                f"only {free} MB are free under {folder}, the floor is {floor_mb} MB; "
                "run axon gc, free some space, or set workspace.disk_floor_mb lower"
            )


@contextlib.contextmanager
def hold(
    project: Project,
    name: str,
    *,
    wait_seconds: float = 0.0,
    watch: Callable[[], object] | None = None,
) -> Iterator[None]:
    """Have `name` (a task, or "landing") alone among all processes; freed by death.

    Forbidden, which names the holder, when another has it for longer than `wait_seconds`.
    """
    folder = project.state_dir / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + wait_seconds
    with open(folder / name, "a+b") as lock:
        while not _locked(lock.fileno()):
            if time.monotonic() >= ends:
                lock.seek(0)
                holder = lock.read(20).decode("ascii", "replace") or "unknown"
                raise Forbidden(f"{name} is in use by process {holder}; wait until that is done")
            if watch is not None:
                watch()
            time.sleep(0.05)
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check_version(git: Git) -> str:
    said = git.line("version")
    found = re.search(r"(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) < OLDEST_GIT:
        oldest = ".".join(map(str, OLDEST_GIT))
        raise UsageError(f"this is {said}; axon needs git {oldest} or newer")
    return said.removeprefix("git version ")


def _check_repository(git: Git) -> tuple[Path, Path]:
    """Where its own git directory is, and the one it shares with other checkouts."""
    if "\n" in str(git.folder):  # git answers with paths in lines
        raise UsageError(
            f"the name of {shown(str(git.folder))} has a line break; rename the folder"
        )
    outcome = git.attempt(
        "rev-parse", "--is-bare-repository", "--absolute-git-dir", "--git-common-dir"
    )
    if "dubious ownership" in outcome.err:
        raise UsageError(
            f"{git.folder} belongs to someone else and git refuses it; "
            f"git config --global --add safe.directory {git.folder}"
        )
    if not outcome.ok:
        raise UsageError(
            f"{git.folder} is not a git repository; run git init and make a first commit"
        )
    bare, git_dir, common_dir = outcome.out.splitlines()
    if bare == "true":
        raise UsageError(f"{git.folder} is a bare repository; run axon in a checkout of it")
    top = git.line("rev-parse", "--show-toplevel")
    if Path(top).resolve() != git.folder.resolve():
        raise UsageError(f"{git.folder} is inside the checkout {shown(top)}; run axon there")
    return Path(git_dir), (git.folder / common_dir).resolve()


def _check_target(config: Config, git: Git) -> str:
    head = git.attempt("symbolic-ref", "-q", "--short", "HEAD")
    target = config.target.removeprefix("refs/heads/") or head.out.strip()
    if not target:
        raise UsageError(
            "no branch is checked out (detached HEAD); check one out, or name one by --target"
        )
    if git.ok("rev-parse", "-q", "--verify", f"refs/heads/{target}^{{commit}}"):
        return target
    if not git.ok("rev-parse", "-q", "--verify", "HEAD^{commit}"):
        raise UsageError(f"{git.folder} has no commits; make a first commit")
    branches = git.run("for-each-ref", "--format=%(refname:short)", "--count=6", "refs/heads")
    known = ", ".join(shown(name) for name in branches.split())
    raise UsageError(f"there is no branch {target!r}; make it, or use one of: {known or 'none'}")


def _identity(git: Git) -> tuple[str, str]:
    """The person's name and address, as far as git knows them."""
    found = []
    for key, default in (("user.name", "axon"), ("user.email", "axon@localhost")):
        try:
            found.append(git.attempt("config", "--get", key).out.strip() or default)
        except GitError:
            found.append(default)
    return found[0], found[1]
