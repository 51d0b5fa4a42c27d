"""What the tests share: the built file, a cache for its engine, and waiting for a fact."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.ledger import Ledger
from tests.backends import WORLDS, keeping
from tests.drive import Axon
from tests.task_server import TaskServer
from tests.world import World

ROOT = Path(__file__).resolve().parent.parent
# A shell's background jobs ignore Ctrl-C and hand that down; what the tests start must hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)


def build(out: Path, *options: str) -> Path:
    """Run build_zipapp.py as users do."""
    command = [sys.executable, str(ROOT / "build_zipapp.py"), "--out", str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder of this test run, the same for all its xdist processes."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def pyz(shared: Path) -> Path:
    """The full axon.pyz: the one named by AXON_TEST_PYZ, or built once for this run."""
    if given := os.environ.get("AXON_TEST_PYZ"):
        return Path(given).resolve()
    out = shared / "axon.pyz"
    with open(shared / "axon.pyz.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return out if out.exists() else build(out)


@pytest.fixture(scope="session")
def core_pyz(shared: Path) -> Path:
    """The core flavour, built once for this run."""
    out = shared / "core.pyz"
    with open(shared / "core.pyz.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return out if out.exists() else build(out, "--flavour", "core")


@pytest.fixture(scope="session")
def engine_cache(shared: Path) -> Path:
    """An AXON_CACHE_DIR for all tests: the 400 MB of the engine are unpacked once for this run."""
    folder = shared / "engine"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture
def axon(pyz: Path, engine_cache: Path, tmp_path: Path) -> Iterator[Axon]:
    """The built file at work in a folder of its own; what it starts ends with the test."""
    driver = Axon(pyz=pyz, root=tmp_path / "my project", cache=engine_cache)
    yield driver
    driver.end()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What every ledger promises is held against every backend."""
    if "world" in metafunc.fixturenames:
        names = keeping(metafunc.definition)
        if names != ["file"]:
            metafunc.parametrize("world", names, indirect=True)


@pytest.fixture(scope="session")
def task_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskServer]:
    server = TaskServer([str(tmp_path_factory.mktemp("server") / "first.db"), "--careful"])
    server.start()
    yield server
    server.stop()


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A ledger of some backend, and its clock."""
    world = WORLDS[getattr(request, "param", "file")](request, tmp_path)
    yield world
    world.close()


@pytest.fixture
def ledger(world: World) -> Ledger:
    return world.open(create=True)
