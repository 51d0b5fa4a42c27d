"""Drive the built axon.pyz as a person would: a repository, a scrubbed environment, a terminal."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def wait_for(look: Callable[[], T], seconds: float = 30.0) -> T:
    """What `look` answers, as soon as that is true."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(0.05)


@dataclass
class Axon:
    """One project folder and the axon.pyz that works on it."""

    pyz: Path
    root: Path
    cache: Path
    variables: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the tester's own: no key, no home, no git identity."""
        home = self.root.parent / f"{self.root.name}-home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "AXON_CACHE_DIR": str(self.cache),
            **self.variables,
        }

    def command(self, *words: str) -> list[str]:
        """A team serves a page only where a test asks for it."""
        asked = any(word.startswith("--dashboard-port") for word in words)
        if words[:1] in (("team",), ("run",)) and "--no-dashboard" not in words and not asked:
            words = (words[0], "--no-dashboard", *words[1:])
        return [sys.executable, str(self.pyz), *words]

    def __call__(
        self, *words: str, seconds: float = 90, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.root,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def ok(self, *words: str, seconds: float = 90, text: str = "") -> str:
        done = self(*words, seconds=seconds, text=text)
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """In the background, in a process group of its own; ended with the test."""
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def task(self, identifier: str) -> dict[str, Any]:
        return next(t for t in self.tasks() if t["identifier"] == identifier)

    def tasks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json("task", "list")
        return found

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=tester", "-c", "user.email=tester@localhost", *words],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def configure(self, **sections: dict[str, Any]) -> None:
        """Write axon.toml; values of JSON are values of TOML."""
        lines = []
        for section, entries in sections.items():
            lines.append(f"[{section}]")
            lines += [f"{name} = {json.dumps(value)}" for name, value in entries.items()]
        (self.root / "axon.toml").write_text("\n".join(lines) + "\n")

    def make_repository(self, files: dict[str, str] | None = None) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        for name, content in (files or {"README.md": "hello\n"}).items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "first")

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def processes(self) -> list[int]:
        """Living processes that work for this project: their folder, words or variables say so."""
        return [pid for pid in _pids() if str(self.root) in _about(pid)]


def _pids() -> list[int]:
    found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in found if pid != os.getpid()]


def _about(pid: int) -> str:
    """Everything /proc tells of a process that is neither dead nor a zombie."""
    try:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
            return ""
        parts = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        return b"\n".join(parts).decode("utf-8", "replace") + os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
