"""Which tier is chosen and why, what it may touch, and that nothing is contained less than said."""

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.config import Config
from axon.errors import UsageError
from axon.security.hidden import carve, in_project, is_secret
from axon.security.launcher import landlock
from axon.security.sandbox import UNCONTAINED, Place, Sandbox, choose, clear_trials, describe
from axon.security.sandbox.bounds import bounds_of, hold_places
from axon.security.sandbox.macos import profile
from axon.team import workspace as workspaces
from axon.team.environment import contained, tool_environment
from axon.team.workspace.place import write_atomically
from tests.drive import Axon
from tests.escapes.scene import Scene
from tests.repository import a_task, new_repo

ROOT = Path(__file__).resolve().parent.parent
linux = pytest.mark.skipif(sys.platform != "linux", reason="these tiers are Linux's")
with_bubblewrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="bwrap is not installed")
with_landlock = pytest.mark.skipif(not landlock.abi(), reason="this kernel has no Landlock")


# ── what is hidden ──


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        (".env", True), (".env.local", True), ("prod.env", True), (".env.example", False),
        ("id_rsa", True), ("id_rsa.pub", False), ("server.key", True), ("key.py", False),
        ("credentials", True), ("credentials.json", True), (".netrc", True), ("README.md", False),
        ("environment.py", False), (".aws", True), ("secrets.yaml", True), ("secrets.py", False),
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_names(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


def test_secrets_of_a_project_are_found_also_deep_down(tmp_path: Path) -> None:
    for name in (".env", "a/b/c/d.pem", "a/b/x.py", "node_modules/x/.env", ".ssh/known_hosts"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {Path(path).relative_to(tmp_path).as_posix() for path in in_project(tmp_path)}
    assert found == {".env", "a/b/c/d.pem", ".ssh"}


def test_what_is_too_much_to_look_at_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.security.hidden.MOST_ENTRIES", 5)
    for number in range(6):
        (tmp_path / f"{number}" / "deep").mkdir(parents=True)
    assert set(in_project(tmp_path)) == {str(tmp_path / str(number)) for number in range(6)}


def test_a_folder_without_its_holes_is_a_list_of_the_rest(tmp_path: Path) -> None:
    for name in ("a/x", "a/y", "b", "c"):
        (tmp_path / name).mkdir(parents=True)
    holes = [f"{tmp_path}/a/x", f"{tmp_path}/c"]
    assert list(carve(str(tmp_path), holes)) == [f"{tmp_path}/a/y", f"{tmp_path}/b"]
    assert list(carve(str(tmp_path), [])) == [str(tmp_path)]
    assert list(carve(str(tmp_path), [str(tmp_path)])) == []


def test_places_that_are_obeyed_are_held_also_when_nothing_is_there(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").touch()
    (tmp_path / ".mcp.json").touch()
    held = {Path(path).relative_to(tmp_path).as_posix() for path in hold_places(tmp_path)}
    assert held == {".claude", ".mcp.json", ".git/hooks", ".git/config"}
    assert (tmp_path / ".claude").is_dir() and not list((tmp_path / ".claude").iterdir())


def allows(text: str, operation: str, path: str) -> bool:
    """What a profile for macOS says to a path: the last rule that fits counts."""
    found = False
    for line in text.splitlines():
        verdict, *operations = line.strip("()").partition(" (")[0].split()
        fits = any(
            operation == o or (o[-1] == "*" and operation.startswith(o[:-1])) for o in operations
        )
        places = re.findall(r'\((subpath|literal) "([^"]*)"\)', line)
        below = [kind == "subpath" and path.startswith(f"{place}/") for kind, place in places]
        named = any(path == place for _, place in places) or any(below)
        if fits and (named or not (places or "target" in line)):
            found = verdict == "allow"
    return found


def test_the_profile_for_macos_goes_by_the_deepest_rule(tmp_path: Path) -> None:
    root, linked = tmp_path / "project", tmp_path / "link"
    (root / ".git/objects/pack").mkdir(parents=True)
    linked.symlink_to(root)
    (root / ".env").touch()
    own = linked / ".axon/work/ENG-1"
    place = Place(workspace=own, home=linked / ".axon/h", temporary=tmp_path / "t")
    bounds = bounds_of(
        place, root=linked, common=linked / ".git", tools=("/usr",), shown=(), written=()
    )
    text = profile(bounds, [443, 8123], gateway=8123)
    work = f"{root}/.axon/work/ENG-1"
    for path in (f"{root}/a", f"{root}/.git/objects/pack/x", f"{work}/a", "/usr/bin/git"):
        assert allows(text, "file-read-data", path), path
    for path in (f"{root}/.env", f"{root}/.git/config", f"{root}/.axon/ledger.db", "/Users/me/x",
                 "/Library/Keychains/System.keychain"):  # fmt: skip
        assert not allows(text, "file-read-data", path), path
    for path in (f"{work}/a", f"{work}/.git/index", f"{tmp_path}/t/x", "/dev/null"):
        assert allows(text, "file-write-data", path), path
    for path in (f"{root}/a", f"{root}/.git/objects/pack/x", f"{work}/.git/hooks/pre-commit",
                 f"{work}/.claude/settings.json", "/dev/tty", "/usr/bin/git"):  # fmt: skip
        assert not allows(text, "file-write-data", path), path
    assert not allows(text, "file-write-unlink", f"{work}/.git")  # or its hooks come back with it
    assert allows(text, "file-write-unlink", f"{work}/.git/index.lock")


def test_the_profile_for_macos_opens_ports_and_the_gateway_at_home_only(tmp_path: Path) -> None:
    place = Place(workspace=tmp_path / "w", home=tmp_path / "h", temporary=tmp_path / "t")
    bounds = bounds_of(
        place, root=tmp_path, common=tmp_path / ".git", tools=(), shown=(), written=()
    )
    text = profile(bounds, [443, 8123], gateway=8123)
    assert '"*:443"' in text and '"localhost:8123"' in text and '"*:8123"' not in text
    assert "mDNSResponder" in text and "network*" not in text
    assert "mDNSResponder" not in profile(bounds, [8123], gateway=8123)
    assert "mDNSResponder" in profile(bounds, None)


# ── what is said ──


@pytest.mark.parametrize(
    ("facts", "contained_too", "not_contained"),
    [
        ({"tier": "none"}, "", "anything"),
        ({"tier": "bubblewrap", "abi": 7}, ".mcp.json", "network: open"),
        ({"tier": "landlock", "abi": 7}, "or signalled", ".mcp.json"),
        ({"tier": "landlock", "abi": 3}, "or signalled", "names of other"),
        ({"tier": "landlock", "abi": 1}, "cannot be looked into", "signals"),
        ({"tier": "landlock", "abi": 7, "ports": ()}, "network: the model only", "names of other"),
        ({"tier": "landlock", "abi": 7, "ports": (443,)}, "TCP ports 443", "names of other"),
    ],
)
def test_each_tier_says_what_it_does_not_contain(
    facts: dict[str, Any], contained_too: str, not_contained: str
) -> None:
    found = describe(Sandbox(**facts))
    assert found.tier == facts["tier"] and found.tier in found.line
    assert contained_too in " ".join(found.contains)
    assert not_contained in " ".join(found.does_not_contain)
    assert "\n" not in found.line


def test_the_gateway_is_always_open_and_names_are_looked_up_when_ports_are() -> None:
    assert Sandbox(tier="landlock", gateway=8123, ports=()).open_ports == [8123]
    assert Sandbox(tier="landlock", gateway=8123, ports=(443,)).open_ports == [53, 443, 8123]
    assert Sandbox(tier="landlock", gateway=8123).open_ports is None
    assert UNCONTAINED.around(["true"]) == ["true"]


# ── which is chosen ──


def config(root: Path, path: str = "/usr/bin:/bin", **settings: Any) -> Config:
    environ = {"PATH": path, "HOME": str(root)}
    return Config(root=root, environ=environ, origins={}, **settings)


def chosen(root: Path, *args: Any, **settings: Any) -> Sandbox:
    return choose(config(root, *args, **settings), root, root / ".git")


def fake(folder: Path, script: str) -> str:
    """A PATH on which bwrap is this script."""
    program = folder / "programs" / "bwrap"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{program.parent}:/usr/bin:/bin"


@linux
@with_landlock
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'bwrap: No permissions to create new namespace' >&2; exit 1", "No permissions"),
        ("exit 0", "it did not run the trial"),
        ('until [ "$1" = -- ]; do shift; done; shift; exec "$@"', "it lets programs out"),
        ("kill -9 $$", "exit SIGKILL"),
    ],
)
def test_a_bwrap_that_does_not_hold_is_found_out(tmp_path: Path, script: str, why: str) -> None:
    path = fake(tmp_path, script)
    assert chosen(tmp_path, path).tier == "landlock"
    with pytest.raises(UsageError, match="bubblewrap: ") as refused:
        chosen(tmp_path, path, sandbox_tier="bubblewrap")  # asked for, it is not replaced
    assert why in str(refused.value) and "--unsafe-no-sandbox" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_any_tier_nothing_runs_but_by_the_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.security.sandbox.tiers._abi", lambda: 0)
    path = fake(tmp_path, "exit 1")
    with pytest.raises(UsageError, match="no Landlock") as refused:
        chosen(tmp_path, path)
    assert str(refused.value).count("--unsafe-no-sandbox") == 1
    assert chosen(tmp_path, path, no_sandbox=True).tier == "none"


@pytest.mark.parametrize("path", ["relative", "/a/../b", "~person/x"])
def test_what_a_person_adds_must_be_whole_paths(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError, match="whole path"):
        chosen(tmp_path, sandbox_read=(path,), no_sandbox=True)


# ── the file as users run it, on machines that lack something ──


@pytest.fixture
def project(axon: Axon) -> Axon:
    axon.make_repository({"a.txt": "one\n"})
    axon.configure(engine={"name": "command", "command": 'sh -c "$AXON_TITLE"'})
    axon.git("add", "-A")
    axon.git("commit", "-qm", "configured")
    return axon


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: sockets in it must have one."""
    with tempfile.TemporaryDirectory(prefix="axon-", dir="/var/tmp") as name:
        yield Path(name)


def without(axon: Axon, what: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """axon on a kernel that lacks `what`."""
    return subprocess.run(
        [sys.executable, "-m", "tests.escapes.without", what, *axon.command(*words)],
        cwd=axon.root,
        env={**axon.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=90,
    )


@linux
def test_a_container_without_namespaces_has_the_next_tier(project: Axon) -> None:
    if not landlock.abi():
        pytest.skip("this kernel has no Landlock")
    local = "python3 -c 'import socket; socket.socket(1)' || touch none"
    task = f"echo x > made; chmod +x made; {local}; test -x made -a -e none"
    done = without(project, "namespaces,sharing", "team", task)
    assert done.returncode == 0, done.stderr
    assert "axon: sandbox: landlock" in done.stderr
    assert project.task("ENG-1")["state"] == "done"


@linux
def test_where_nothing_contains_axon_refuses_with_one_line(project: Axon) -> None:
    done = without(project, "namespaces,landlock", "team", "echo x > made")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("axon: nothing here can contain agents (bubblewrap: ")
    assert "landlock: the kernel has no Landlock" in line and "--unsafe-no-sandbox" in line

    done = without(project, "namespaces,landlock", "team", "--unsafe-no-sandbox")
    assert done.returncode == 0, done.stderr
    assert "axon: sandbox: none; agents and checks run with all your rights" in done.stderr
    assert project.task("ENG-1")["state"] == "done"


@linux
def test_a_tier_that_was_asked_for_is_not_replaced(project: Axon) -> None:
    project.variables["AXON_SANDBOX"] = "bubblewrap"
    done = without(project, "namespaces", "team", "echo x > made")
    assert done.returncode == 2 and "bubblewrap: " in done.stderr
    assert "landlock" not in done.stderr


@linux
def test_a_temporary_folder_that_runs_no_programs_is_no_obstacle(
    project: Axon,
    short: Path,
) -> None:
    script = 'mount -t tmpfs -o noexec none "$1" && shift && exec "$@"'
    words = ["unshare", "-m", "sh", "-c", script, "sh", str(short)]
    if subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("mounts cannot be made here")
    done = subprocess.run(
        [*words, *project.command("team", "echo x > made")],
        cwd=project.root,
        env={**project.environment, "TMPDIR": str(short)},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    assert project.task("ENG-1")["state"] == "done"


def test_a_repository_cannot_open_its_sandbox_unasked(project: Axon, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    engine = {"name": "command", "command": 'sh -c "$AXON_TITLE"'}
    project.configure(engine=engine, sandbox={"write": [str(outside)]})
    task = f"echo x > made; echo x > '{outside}'/escaped || true"

    done = project("team", task)
    assert done.returncode == 0, done.stderr
    assert "axon.toml [sandbox.write] is not allowed and ignored" in done.stderr
    assert not list(outside.iterdir())

    project.ok("trust", "--yes")
    project.ok("team", f"{task}; echo again > made")
    assert [path.name for path in outside.iterdir()] == ["escaped"]

    for key in ("tier", "off"):
        project.configure(engine=engine, sandbox={key: "landlock"})
        done = project("team", "x")
        assert (done.returncode, f"unknown key sandbox.{key}" in done.stderr) == (2, True)


# ── the network ──

REACH = """
import socket, sys
for port in sys.argv[1:]:
    try:
        socket.create_connection(("127.0.0.1", int(port)), 5).close()
        print("open", end=" ")
    except OSError:
        print("closed", end=" ")
"""


@linux
@with_landlock
@pytest.mark.parametrize("tier", ["bubblewrap", "landlock"])
@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("open", "open open open"),
        ("ports", "open open closed"),
        ("model-only", "open closed closed"),
    ],
)
def test_the_policy_decides_which_ports_are_reached(
    tmp_path: Path, tier: str, policy: str, said: str
) -> None:
    if tier == "bubblewrap" and not shutil.which("bwrap"):
        pytest.skip("bwrap is not installed")
    scene = Scene(tmp_path / "scene")
    scene.listen()
    gateway, listed, other = (
        scene._listener(name, 2, 1, ("127.0.0.1", 0)).server.getsockname()[1] for name in "abc"
    )
    _, inside, place = scene.workspace(
        gateway, sandbox_tier=tier, sandbox_network=policy, sandbox_ports=(listed,)
    )
    words = inside.around([sys.executable, "-c", REACH, str(gateway), str(listed), str(other)])
    done = subprocess.run(words, cwd=place.workspace, env=scene.environ, capture_output=True)
    assert done.stdout.decode().strip() == said, done.stderr.decode()


# ── the runner's own commands, where an agent has been ──


def plant_links(folder: Path, outside: Path) -> None:
    for name in ("info", "logs", "refs/tags"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).symlink_to(outside)


def plant_a_filter(folder: Path, outside: Path) -> None:
    (folder / "info").mkdir(exist_ok=True)
    (folder / "info/attributes").write_text("* filter=evil\n")
    with open(folder / "config", "a") as file:
        file.write(f'[filter "evil"]\n\tsmudge = touch {outside}/ran; cat\n')
        file.write(f"\tclean = touch {outside}/ran; cat\n")


def plant_another_repository(folder: Path, outside: Path) -> None:
    (folder / "commondir").write_text(str(outside))


def plant_a_watcher(folder: Path, outside: Path) -> None:
    with open(folder / "config", "a") as file:
        file.write(f"[core]\n\tfsmonitor = touch {outside}/ran\n\thooksPath = {outside}\n")


@pytest.mark.parametrize(
    "plant", [plant_links, plant_a_filter, plant_another_repository, plant_a_watcher]
)
def test_git_obeys_nothing_that_a_gate_leaves_behind(
    tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    project = new_repo(tmp_path).project()
    workspace = workspaces.prepare(project, a_task())
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "poetry.lock").touch()
    (workspace.path / "a.txt").write_text("changed by the gate\n")

    plant(workspace.path / ".git", outside)
    workspaces.tidy(project, workspace)
    plant(workspace.path / ".git", outside)
    workspaces.commit_all(project, workspace, "work")

    assert [path.name for path in outside.iterdir()] == ["poetry.lock"]
    assert (workspace.path / "a.txt").read_text() == "one\n"


def test_a_repository_moved_aside_is_not_used(tmp_path: Path) -> None:
    repo = new_repo(tmp_path)
    project = repo.project()
    workspace = workspaces.prepare(project, a_task())
    shutil.rmtree(workspace.path / ".git")
    (workspace.path / ".git").symlink_to(repo.root / ".git")
    with pytest.raises(workspaces.Broken):
        workspaces.tidy(project, workspace)
    assert repo.status() == ""


def test_files_for_an_agent_are_not_written_through_its_links(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in ("task.json", f".task.json.{os.getpid()}"):
        (tmp_path / name).symlink_to(victim)
    write_atomically(tmp_path / "task.json", "{}")
    assert victim.read_text() == "mine"
    assert (tmp_path / "task.json").read_text() == "{}" and not (
        tmp_path / "task.json"
    ).is_symlink()


def test_variables_of_a_project_are_given_inside_only(tmp_path: Path) -> None:
    given = {"LD_PRELOAD": "./evil.so", "PATH": "/evil", "X": "1", "ANTHROPIC_BASE_URL": "evil"}
    project = new_repo(tmp_path).project(variables=given)
    project = replace(project, sandbox=Sandbox(tier="landlock", abi=7, imports="/x"))
    workspace = workspaces.prepare(project, a_task())
    outer = tool_environment(project.config, workspace.home, workspace.temporary)
    assert "LD_PRELOAD" not in outer and outer["PATH"] != "/evil" and "X" not in outer
    words = contained(project, workspace).around(["true"])
    inner = words[words.index("/usr/bin/env") :]
    assert {"LD_PRELOAD=./evil.so", "PATH=/evil", "X=1"} <= set(inner) and inner[-1] == "true"
    assert not any(word.startswith("ANTHROPIC") for word in inner)


@with_bubblewrap
def test_what_is_memory_inside_is_bounded(tmp_path: Path) -> None:
    sandbox = chosen(tmp_path, sandbox_tier="bubblewrap")
    folders = [tmp_path / ".axon" / name for name in ("work", "home", "tmp")]
    for folder in folders:
        folder.mkdir(parents=True)
    place = Place(workspace=folders[0], home=folders[1], temporary=folders[2])
    script = "df -k /tmp /var/tmp | awk 'NR > 1 {print $2}'"
    words = sandbox.at(place).around(["/bin/sh", "-c", script])
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert sandbox.bounded and done.stdout.split() == ["1048576", "1048576"]


def test_a_recipe_brings_secrets_along_only_when_a_person_allows_it(project: Axon) -> None:
    (project.root / ".env").write_text("SOME_TOKEN=0123456789abcdef\n")
    (project.root / "data").write_text("harmless\n")
    engine = {"name": "command", "command": "ls -a > seen"}
    project.configure(engine=engine, workspace={"copy": [".env", "data"]})
    project.git("add", "axon.toml")
    project.git("commit", "-qm", "a recipe")
    done = project("team", "look")
    assert done.returncode == 0 and "axon.toml [workspace.copy] is not allowed" in done.stderr
    seen = project.git("show", "HEAD:seen").split()
    assert "data" in seen and ".env" not in seen


def test_a_kernel_that_knows_no_landlock_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *arguments: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "switched off at boot")

    monkeypatch.setattr("axon.security.launcher.kernel.call", refuse)
    assert landlock.abi() == 0


def test_trials_of_the_killed_are_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = {"dead": f"{gone.pid}-a", "alive": f"{os.getpid()}-b", "old": "qwertyui"}
    for name in names.values():
        (tmp_path / f"axon-try-{name}" / "in").mkdir(parents=True)
    (tmp_path / "axon-try-1-link").symlink_to(tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    assert clear_trials() == 0, "one of another container may have just begun"
    assert clear_trials(time.time() + 3600) == 2
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"axon-try-{names['alive']}", "axon-try-1-link", "kept"}
