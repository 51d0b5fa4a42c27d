"""Death at a named point, before or after a durable step, again and again: the end is the same.

AXON_STORM=1 pytest tests/test_failpoints.py     every point, 20 deaths each; see make storm
"""

import os

import pytest

from axon.ledger import open_ledger
from tests.drive import Axon
from tests.test_team import add, shell

FULL = bool(os.environ.get("AXON_STORM"))
DEATHS = 20 if FULL else 3
POINTS = (
    "claimed", "workspace.pinned", "workspace.cloned", "workspace.remembered", "session.started",
    "publish.before", "work.published", "gate.before", "gate.told", "submit.before", "submitted",
    "landing.kept", "landing.intention", "landing.moved", "landing.sealed", "landing.files",
    "landing.index", "landing.placed", "landing.told",
)  # fmt: skip
MANY: dict[str, object] = {"max_attempts": 1000, "max_losses": 1000, "backoff_seconds": 0.05}
# One for each step of the way; the storm has them all.
SHORT = ("claimed", "workspace.cloned", "session.started", "work.published", "gate.told",
         "submitted", "landing.kept", "landing.moved", "landing.told")  # fmt: skip


def deaths(axon: Axon) -> int:
    ledger = open_ledger(f"file:{axon.root / '.axon/ledger.db'}")
    try:
        return sum(event.action == "worker_died" for event in ledger.events(limit=100_000))
    finally:
        ledger.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS if FULL else SHORT)
def test_death_at(axon: Axon, point: str) -> None:
    axon.make_repository()
    shell(axon, limits=MANY, gate={"command": "test -e README.md"})
    names = [f"file{n}" for n in range(DEATHS)]  # past some points a task comes in spite of it
    for name in names:
        add(axon, name, f"echo {name} > {name}", "--check", f"test -s {name}")
    axon.variables["AXON_FAILPOINT"] = point
    for _ in range(DEATHS):
        done = axon("team", "--workers", "1")
        assert "Traceback" not in done.stderr, done.stderr
        if deaths(axon) >= DEATHS or done.returncode == 0:
            break
    assert deaths(axon) >= DEATHS, done.stdout
    del axon.variables["AXON_FAILPOINT"]

    axon.ok("team", "--workers", "2")

    tasks = axon.tasks()
    assert [(t["state"], t["verified"], t["failures"]) for t in tasks] == [
        ("done", True, 0)
    ] * DEATHS
    merges = axon.git("log", "--first-parent", "--merges", "--format=%s", "main").splitlines()
    assert sorted(merges) == sorted(f"Merge {t['identifier']}: {t['title']}" for t in tasks)
    files = axon.git("ls-tree", "--name-only", "main").split()
    assert files == sorted(["README.md", "axon.toml", *names])
    assert axon.git("status", "--porcelain") == ""
    assert all((axon.root / name).read_text() == f"{name}\n" for name in names)
    assert axon.git("fsck", "--no-dangling", "--no-progress") == ""
    assert axon("ledger", "check").returncode == 0
    assert not axon.processes()
