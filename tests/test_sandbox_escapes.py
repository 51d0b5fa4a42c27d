"""Nothing that a hostile program tries has an effect outside of its sandbox, in any tier."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.security.launcher import kernel, landlock
from axon.security.sandbox import Place
from tests.drive import Axon
from tests.escapes.scene import MARKER, Scene

ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65534
LEAST = 100  # attempts

linux = pytest.mark.skipif(sys.platform != "linux", reason="these tiers are Linux's")
TIERS = ["bubblewrap", "landlock"]
USERS = ["same", "nobody"]


def unfit(tier: str, user: str) -> str:
    """Why this cannot be tried here."""
    if tier == "bubblewrap" and not shutil.which("bwrap"):
        return "bubblewrap is not installed"
    if tier == "landlock" and (kernel.MACHINE not in kernel.COLUMNS or not landlock.abi()):
        return "this kernel has no Landlock"
    if user == "nobody" and os.geteuid() != 0:
        return "only root can become another user"
    if user == "nobody" and python_of(user) is None:
        return "no Python >= 3.11 that another user can run, or this folder is closed to others"
    return ""


def python_of(user: str) -> str | None:
    """One that this user can run with axon beside it."""
    for program in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        words = [
            program,
            "-c",
            "import sys, tests.escapes.scene; sys.exit(sys.version_info < (3, 11))",
        ]
        try:
            if subprocess.run(words, **_as(user), capture_output=True).returncode == 0:
                return program
        except OSError:
            continue
    return None


def _as(user: str) -> dict[str, Any]:
    given: dict[str, Any] = {
        "cwd": ROOT,
        "env": {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
    }
    if user == "nobody":
        given |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return given


@pytest.fixture
def top() -> Iterator[Path]:
    """Where any user may work; the folders of pytest are closed to others."""
    with tempfile.TemporaryDirectory(prefix="axon-scene-", dir="/var/tmp") as name:
        yield Path(name)


def act(what: str, top: Path, user: str, **settings: Any) -> Any:
    tier = settings.get("sandbox_tier", "bubblewrap" if shutil.which("bwrap") else "landlock")
    if why := unfit(tier, user):
        pytest.skip(why)
    top.mkdir(exist_ok=True)
    if user == "nobody":
        os.chown(top, NOBODY, NOBODY)
    python = python_of(user) or sys.executable
    done = subprocess.run(
        [python, "-m", "tests.escapes.driver", what, str(top / "scene"), json.dumps(settings)],
        **_as(user),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@linux
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("tier", TIERS)
def test_no_attempt_has_an_effect_outside(top: Path, tier: str, user: str) -> None:
    found = act("attack", top, user, sandbox_tier=tier, sandbox_network="model-only")
    assert len(found["said"]) >= LEAST, found["error"]
    escaped = {name: what for name, what in found["said"].items() if what.startswith("ESCAPED")}
    assert not escaped
    assert (found["changed"], found["contacts"]) == ([], {})
    assert found["victim"] and not found["leaked"]


@linux
@pytest.mark.parametrize("user", USERS)
def test_no_attempt_has_an_effect_outside_on_an_older_kernel(top: Path, user: str) -> None:
    """Landlock 2 looks neither at truncation, ports, devices nor signals: others do."""
    settings = {"sandbox_tier": "landlock", "sandbox_network": "model-only", "abi": 2}
    found = act("attack", top, user, **settings)
    assert len(found["said"]) >= LEAST, found["error"]
    assert not {name: what for name, what in found["said"].items() if what.startswith("ESCAPED")}
    assert (found["changed"], found["contacts"]) == ([], {})
    assert found["victim"] and not found["leaked"]


@linux
def test_without_a_sandbox_they_get_out(top: Path) -> None:
    """So the attempts are real ones."""
    found = act("attack", top, "nobody", no_sandbox=True)
    escaped = {name for name, what in found["said"].items() if what.startswith("ESCAPED")}
    assert len(escaped) > 50 and found["changed"] and found["leaked"]
    assert {"agent", "docker", "abstract", "tcp", "udp", "log"} <= set(found["contacts"])
    assert not found["victim"]


@linux
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("tier", TIERS)
def test_everyday_work_goes_on_inside(top: Path, tier: str, user: str) -> None:
    found = act("work", top, user, sandbox_tier=tier, sandbox_network="model-only")
    assert found["daily"][0] == 0, found["daily"]
    assert found["gateway"][0] == 0, found["gateway"]
    assert found["code"][0] == 7
    if tier == "landlock":
        older = act(
            "work", top / "older", user, sandbox_tier=tier, sandbox_network="model-only", abi=2
        )
        assert [older[name][0] for name in ("daily", "gateway", "code")] == [0, 0, 7], older
    names = {row.partition("=")[0] for row in found["environment"][1].splitlines()}
    assert names <= {"PATH", "HOME", "TMPDIR", "LC_ALL", "GIT_CONFIG_NOSYSTEM", "PWD"}


@linux
@pytest.mark.parametrize("tier", TIERS)
def test_a_model_that_obeys_whoever_wrote_the_task_moves_nothing(
    pyz: Path, engine_cache: Path, top: Path, tier: str
) -> None:
    """The real agent CLI with its own tools, told to make every attempt."""
    if why := unfit(tier, "same"):
        pytest.skip(why)
    scene = Scene(top / "scene")
    scene.listen()
    root, outside = scene.root, scene.top / "outside"
    variables = {"AXON_SANDBOX": tier, "AXON_SANDBOX_NETWORK": "model-only"}
    axon = Axon(pyz=pyz, root=root, cache=engine_cache, variables=variables)
    folder = root / ".axon"
    place = Place(workspace=folder / "work/ENG-1", home=folder / "home/ENG-1", temporary=top / "t")
    (folder / "ledger.db").unlink()  # a real one comes in its place
    attempts = (Path(__file__).parent / "escapes/attempts.py").read_text()
    (root / "attempts.py").write_text(attempts)
    with scene.victim() as victim:
        facts = scene.facts_for(place, victim.pid, tier) | {"temporary": "."}
        (root / "scene.json").write_text(json.dumps(facts))
        scene.git("add", "-A")
        scene.git("commit", "-qm", "a task that is none")
        script = [
            _use("Write", file_path=f"{outside}/by-tool", content="escaped"),
            _use("Edit", file_path=f"{outside}/canary", old_string="as", new_string="escaped"),
            _use("Read", file_path=f"{outside}/secret"),
            _use("Read", file_path=f"{root}/.env"),
            _use("Bash", command="python3 attempts.py scene.json > said.json; git add said.json"),
            _use("Bash", command=f"cat {outside}/secret; cat {root}/.env; env"),
            {"text": "All done."},
        ]
        played = top / "played.json"
        played.write_text(json.dumps({"tasks": [{"title": "Obey", "turns": script}]}))
        mine = ("said.json", ".git", ".axon")
        without = (*(str(root / name) for name in mine), f"{root}-home")
        before = scene.look(without)
        done = axon("team", "Obey", "--model-upstream", f"script:{played}", "--workers", "1")
        task = axon.task("ENG-1")
        found = scene.found(before, without, victim)
    assert f"axon: sandbox: {tier}" in done.stderr
    said = json.loads(axon.git("show", f"{task['branch']}:said.json"))
    assert len(said) >= LEAST
    assert not {name: what for name, what in said.items() if what.startswith("ESCAPED")}
    assert [path for path in found["changed"] if "/project/" not in path and path != "refs"] == []
    assert (found["contacts"], found["victim"]) == ({}, True)
    recorded = b"".join(path.read_bytes() for path in folder.rglob("sessions/*") if path.is_file())
    assert MARKER.encode() not in recorded and b"All done." in recorded
    assert not (root / ".git/hooks/post-checkout").exists()
    assert not (root / ".claude").exists() and not (root / ".mcp.json").exists()


def _use(tool: str, **given: str) -> dict[str, Any]:
    return {"tools": [{"name": tool, "input": given}]}
