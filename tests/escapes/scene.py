"""A person's machine in small, and what of it must be as it was when hostile programs are done."""

import ctypes
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from axon.config import Config
from axon.security.sandbox import Contained, Place, choose
from axon.tasks import Task
from axon.team import workspace as workspaces
from axon.team.project import Project, open_project

MARKER = "the-person's-secret-that-nobody-may-see"
VICTIM = (
    "import os, sys, time; os.setsid(); f = open(sys.argv[1]); print(flush=True); time.sleep(600)"
)


@dataclass
class Listener:
    """A server of the person's. What reaches it is an escape."""

    name: str
    server: socket.socket
    contacts: int = 0

    def __post_init__(self) -> None:
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                if self.server.type == socket.SOCK_DGRAM:
                    self.server.recv(100)
                else:
                    self.server.accept()[0].close()
            except OSError:
                return
            self.contacts += 1


@dataclass
class Scene:
    """Made in the folder `top` by the user who runs this, for one sandbox."""

    top: Path
    facts: dict[str, Any] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)
    name: str = field(default_factory=lambda: f"axon-escape-{secrets.token_hex(6)}")

    def __post_init__(self) -> None:
        for folder in ("outside", "person/.ssh", "person/.aws", "tmp", "sockets"):
            (self.top / folder).mkdir(parents=True)
        self._write("outside/canary", "as it was\n")
        for secret in ("outside/secret", "person/.ssh/id_ed25519", "person/.aws/credentials"):
            self._write(secret, f"{MARKER}\n")
        self._write("person/.bashrc", "# mine\n")
        self.root = self.top / "project"
        self._make_project()

    def _write(self, name: str, text: str) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _make_project(self) -> None:
        self._write("project/a.txt", "one\n")
        self._write("project/.gitignore", ".env\n*.key\n")
        for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "first")):
            self.git(*words)
        self.git("config", "http.extraHeader", f"Authorization: {MARKER}")
        self._write("project/.env", f"TOKEN={MARKER}\n")
        self._write("project/config/deep/server.key", f"{MARKER}\n")
        self._write("project/.axon/work/ENG-2/secret.txt", f"{MARKER}\n")
        self._write("project/.axon/ledger.db", f"{MARKER}\n")

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": f"{os.path.dirname(sys.executable)}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.top / "person"),
            "TMPDIR": str(self.top / "tmp"),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=Person", "-c", "user.email=person@example.org")
        subprocess.run(
            ["git", *who, *words], cwd=self.root, env=self.environ, check=True, capture_output=True
        )

    def workspace(self, gateway: int = 0, **settings: Any) -> tuple[Project, Contained, Place]:
        """A real workspace of a real project, contained as `settings` say."""
        given: dict[str, Any] = {"disk_floor_mb": 0, "ports": 0, **settings}
        config = Config(root=self.root, environ=self.environ, origins={}, **given)
        project = open_project(config)
        sandbox = choose(config, project.root, project.common_dir)
        made = workspaces.prepare(project, Task(identifier="ENG-1", title="Do it", created_at=1.0))
        place = Place(workspace=made.path, home=made.home, temporary=made.temporary)
        return project, replace(sandbox, gateway=gateway).at(place), place

    def listen(self) -> None:
        """The person's servers, of every kind."""
        for name in ("agent", "docker", "log"):
            kind = socket.SOCK_DGRAM if name == "log" else socket.SOCK_STREAM
            path = str(self.top / "sockets" / name)
            self._listener(name, socket.AF_UNIX, kind, path)
            self.facts[name] = path
        self.facts["abstract"] = self.name
        self._listener("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self.name}")
        for name, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
            server = self._listener(name, socket.AF_INET, kind, ("127.0.0.1", 0))
            self.facts[name] = server.server.getsockname()[1]

    def _listener(self, name: str, family: int, kind: int, address: Any) -> Listener:
        server = socket.socket(family, kind)
        server.bind(address)
        if kind == socket.SOCK_STREAM:
            server.listen(100)
        self.listeners.append(Listener(name, server))
        return self.listeners[-1]

    def attack(self, contained: Contained, place: Place) -> dict[str, Any]:
        """Let every attempt be made inside; what each came to, and what is different outside."""
        with self.victim() as victim:
            attempts = place.workspace / "attempts.py"
            attempts.write_bytes((Path(__file__).parent / "attempts.py").read_bytes())
            facts = self.facts_for(place, victim.pid, contained.sandbox.tier)
            (place.workspace / "scene.json").write_text(json.dumps(facts))
            before = self.look(place.folders)
            done = subprocess.run(
                contained.around([sys.executable, str(attempts), "scene.json"]),
                cwd=place.workspace,
                env={**self.environ, "HOME": str(place.home), "TMPDIR": str(place.temporary)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                start_new_session=True,
            )
            found = self.found(before, place.folders, victim)
        said = json.loads(done.stdout) if done.returncode == 0 else {}
        leaked = MARKER in done.stdout
        return {**found, "said": said, "error": done.stderr[-2000:], "leaked": leaked}

    @contextmanager
    def victim(self) -> "Iterator[subprocess.Popen[bytes]]":
        """Another process of the person's, with a file open and a secret in its environment."""
        process = subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(self.top / "outside/canary")],
            cwd=self.top / "outside",
            env={**self.environ, "SECRET_TOKEN": MARKER},
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None and process.stdout.readline()
            yield process
        finally:
            process.kill()
            process.communicate()

    def found(
        self,
        before: dict[str, object],
        without: tuple[str, ...],
        victim: "subprocess.Popen[bytes]",
    ) -> dict[str, Any]:
        """What is not as it was."""
        after = self.look(without)
        self._clear()
        paths = before.keys() | after.keys()
        return {
            "changed": sorted(path for path in paths if before.get(path) != after.get(path)),
            "contacts": {each.name: each.contacts for each in self.listeners if each.contacts},
            "victim": victim.poll() is None and _state(victim.pid) in "SR",
        }

    def _clear(self) -> None:
        """What attempts without a sandbox have left in places that all share."""
        for path in (f"/dev/shm/{self.name}", f"/tmp/{self.name}"):
            Path(path).unlink(missing_ok=True)
        libc = ctypes.CDLL(None)
        libc.shmctl(libc.shmget(int(self.name[-6:], 16), 0, 0), 0, None)
        libc.mq_unlink(f"/{self.name}".encode())

    def facts_for(self, place: Place, victim: int, tier: str) -> dict[str, Any]:
        """What the attempts aim at."""
        folders = zip(("workspace", "home", "temporary"), place.folders, strict=True)
        return {
            **self.facts,
            **dict(folders),
            "outside": str(self.top / "outside"),
            "canary": str(self.top / "outside/canary"),
            "secret": str(self.top / "outside/secret"),
            "person": str(self.top / "person"),
            "project": str(self.root),
            "victim": victim,
            "marker": MARKER,
            "name": self.name,
            "key": int(self.name[-6:], 16),
            "alone": tier == "bubblewrap",
        }

    def look(self, without: tuple[str, ...]) -> dict[str, object]:
        """All that may be seen of the world outside of the sandbox, which is `without`."""
        found: dict[str, object] = {}
        for folder, names, files in os.walk(self.top):
            for name in (*names, *files):
                path = os.path.join(folder, name)
                if not path.startswith(without):
                    found[path] = _facts_of(path)
            names[:] = [n for n in names if os.path.join(folder, n) not in without]
        for path in (f"/dev/shm/{self.name}", f"/tmp/{self.name}", f"/etc/cron.d/{self.name}",
                     f"/var/spool/cron/crontabs/{self.name}"):  # fmt: skip
            found[path] = os.path.lexists(path)
        libc = ctypes.CDLL(None, use_errno=True)
        found["System V memory"] = libc.shmget(int(self.name[-6:], 16), 0, 0)
        found["core pattern"] = Path("/proc/sys/kernel/core_pattern").read_text()
        found["refs"] = subprocess.run(
            ["git", "for-each-ref"], cwd=self.root, env=self.environ, capture_output=True, text=True
        ).stdout
        return found


def _facts_of(path: str) -> object:
    found = os.lstat(path)
    content = ""
    if os.path.isfile(path) and not os.path.islink(path):
        content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    folder = os.path.isdir(path)
    times = 0 if folder else found.st_mtime_ns
    attributes = os.listxattr(path, follow_symlinks=False)
    return (found.st_mode, 0 if folder else found.st_size, times, found.st_uid, content, attributes)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def main(act: Callable[[Scene, dict[str, Any]], dict[str, Any]]) -> None:
    """`top` and settings as JSON come as arguments; the outcome goes to stdout as JSON."""
    scene = Scene(Path(sys.argv[2]))
    print(json.dumps(act(scene, json.loads(sys.argv[3]))))
