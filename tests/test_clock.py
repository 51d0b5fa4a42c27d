"""The wall clock of a whole run is set back and forth: nothing that was held is lost by it."""

import os
import sys
from pathlib import Path

import pytest

from tests.drive import Axon, wait_for
from tests.test_stopped import events, finished, ledger_of, unharmed
from tests.test_team import add, shell

FULL = bool(os.environ.get("AXON_STORM"))
# Every Python of the run starts like this, and reads the wall clock with what a file adds to it.
WRAPPER = """#!/bin/sh
export PYTHONPATH={folder}:$PYTHONPATH
exec {python} "$@"
"""
CLOCK = """
import sys, time

sys.executable = {wrapper!r}
plain = time.time


def shifted():
    with open({file!r}) as file:
        return plain() + float(file.read() or 0)


time.time = shifted
time.time_ns = lambda: int(shifted() * 1e9)
"""
DAY = 86400


@pytest.mark.timeout(240)
@pytest.mark.skipif(not FULL, reason="waits for leases; see make storm")
def test_a_run_whose_clock_is_set(axon: Axon, tmp_path: Path) -> None:
    clock, python, go = tmp_path / "clock", tmp_path / "python", tmp_path / "go"
    folder = tmp_path / "site"
    folder.mkdir()
    set_clock(clock, 0)
    (folder / "sitecustomize.py").write_text(CLOCK.format(wrapper=str(python), file=str(clock)))
    python.write_text(WRAPPER.format(folder=folder, python=os.path.realpath(sys.executable)))
    python.chmod(0o755)
    axon.make_repository()
    shell(axon, team={"lease_seconds": 10.0}, guard={"block": []})
    names = ["one", "two", "three"]
    for name in names:
        wait = f"touch {tmp_path}/at-{name}; until test -e {go}; do sleep 0.05; done"
        add(axon, name, f"{wait}; echo {name} > {name}", "--check", f"test -s {name}")
    plain = axon.command
    axon.command = lambda *words: [str(python), *plain(*words)[1:]]  # type: ignore[method-assign]
    team = axon.start("team", "--workers", "2", "--unsafe-no-sandbox")
    wait_for(lambda: (tmp_path / "at-two").exists(), 60)
    for days in (3, -10, 0):
        set_clock(clock, days)
        with ledger_of(axon) as ledger:  # the coordinator looks for what has expired twice
            for _ in range(2):
                seen = ledger.runs()[0].alive
                wait_for(lambda: _beats(axon), 30)
                assert seen and ledger.runs()[0].alive
        assert events(axon, "release") == []
    set_clock(clock, -10)
    go.touch()
    finished(team)
    axon.command = plain  # type: ignore[method-assign]
    unharmed(axon, names)
    assert [t["attempts"] for t in axon.tasks()] == [1, 1, 1]
    with ledger_of(axon) as ledger:
        starts = [e.at for e in ledger.events(limit=100_000) if e.action == "land"]
        begun = next(e.at for e in ledger.events(limit=100_000) if e.action == "run_started")
    assert all(at < begun - 9 * DAY for at in starts), "the clock that was set is the run's"


def set_clock(clock: Path, days: int) -> None:
    beside = clock.with_suffix(".new")
    beside.write_text(str(days * DAY))
    beside.replace(clock)


def _beats(axon: Axon) -> bool:
    """Whether leases are renewed: what is written to the ledger has changed meanwhile."""
    log = axon.root / ".axon/ledger.db-wal"
    before = log.stat().st_mtime_ns
    wait_for(lambda: log.stat().st_mtime_ns != before, 20)
    return True
