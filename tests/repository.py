"""Real git repositories for the tests of workspace, gate and landing."""

import multiprocessing
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axon.config import Config
from axon.tasks import Task
from axon.team.project import Project, open_project
from tests.drive import wait_for as wait_for

ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C", "PATH": os.environ["PATH"]}


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@dataclass(frozen=True)
class Repo:
    """A person's checkout, with a home of its own."""

    root: Path

    @property
    def environ(self) -> dict[str, str]:
        home = self.root.parent / "home"
        temporary = self.root.parent / "tmp"
        for folder in (home, temporary):
            folder.mkdir(exist_ok=True)
        return {**ENVIRONMENT, "HOME": str(home), "TMPDIR": str(temporary)}

    def git(self, *args: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *args], cwd=cwd or self.root, env=self.environ, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def write(self, files: dict[str, str | None], folder: Path | None = None) -> None:
        """None deletes."""
        for name, text in files.items():
            path = (folder or self.root) / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)

    def commit(
        self, files: dict[str, str | None], message: str = "work", folder: Path | None = None
    ) -> str:
        self.write(files, folder)
        self.git("add", "-A", cwd=folder)
        self.git("commit", "-q", "--allow-empty", "-m", message, cwd=folder)
        return self.git("rev-parse", "HEAD", cwd=folder)

    def tip(self, ref: str = "main") -> str:
        return self.git("rev-parse", ref)

    def show(self, name: str, ref: str = "main") -> str:
        return self.git("show", f"{ref}:{name}")

    def files(self, ref: str = "main") -> list[str]:
        return self.git("ls-tree", "-r", "-z", "--name-only", ref).rstrip("\0").split("\0")

    def status(self) -> str:
        return self.git("status", "--porcelain")

    def has_ref(self, ref: str) -> bool:
        return bool(self.git("for-each-ref", ref))

    def config(self, **settings: Any) -> Config:
        environ = {**self.environ, **settings.pop("environ", {})}
        given: dict[str, Any] = {"disk_floor_mb": 0, **settings}
        return Config(root=self.root, environ=environ, origins={}, **given)

    def project(self, **settings: Any) -> Project:
        return open_project(self.config(**settings))


def new_repo(folder: Path, name: str = "pro ject") -> Repo:
    """One commit on main, by a person with a name."""
    repo = Repo(folder / name)
    repo.root.mkdir()
    repo.git("init", "-q", "-b", "main")
    repo.git("config", "user.name", "Person")
    repo.git("config", "user.email", "person@example.org")
    repo.commit({"a.txt": "one\n", "tests/test_a.py": "assert True\n"}, "first")
    return repo


def a_task(identifier: str = "ENG-1", **facts: Any) -> Task:
    return Task(identifier=identifier, **{"title": "Do it", "created_at": 1.0, **facts})


def die(target: Callable[..., None], *args: Any) -> int:
    """Run a function of a module in a process of its own; its exit code (negative: a signal)."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=args)
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode
