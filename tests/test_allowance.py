"""A check that takes more than its share is ended, told in one line, and leaves nothing."""

import os
import signal
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from axon.security.secrets import Redactor
from axon.team.allowance import Allowance, free_mb, most_of
from axon.team.gate import GateResult, run_gate
from axon.team.kept import LOG_HALF_BYTES
from axon.team.processes import table
from tests.disks import mounted
from tests.drive import Axon, wait_for
from tests.test_team import add, shell

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
CHILDREN = 200  # never more: what is tested must not become what it tests for
SECRET = "hunter2-hunter2-hunter2"
# Different ways to get away from whoever counts.
BOMBS = {
    "children": "while [ $i -lt {n} ]; do sleep 60 & i=$((i+1)); done; wait",
    "orphans": "while [ $i -lt {n} ]; do (sleep 60 & ) & i=$((i+1)); done; wait; sleep 60",
    "sessions": "while [ $i -lt {n} ]; do setsid sleep 60 & i=$((i+1)); done; wait",
}


def gate(command: str, folder: Path, seconds: float = 60, **more: Any) -> GateResult:
    return run_gate(
        command,
        cwd=folder,
        environment=ENVIRONMENT,
        seconds=seconds,
        log=folder / "gate.log",
        **more,
    )


def sleepers(folder: Path) -> list[int]:
    """Processes that work in the folder."""
    found = []
    for pid in table():
        try:
            if os.readlink(f"/proc/{pid}/cwd") == str(folder):
                found.append(pid)
        except OSError:
            continue
    return found


@linux
@pytest.mark.parametrize("kind", BOMBS)
def test_a_check_that_multiplies_is_ended_with_all_it_made(tmp_path: Path, kind: str) -> None:
    bomb = "i=0; " + BOMBS[kind].format(n=CHILDREN)
    result = gate(bomb, tmp_path, allowance=Allowance(processes=40))
    assert not result.passed and not result.timed_out and not result.stopped
    assert result.why == "ended: it had more than 40 processes at once (gate.max_processes)"
    assert result.seconds < 30
    assert not sleepers(tmp_path)


@linux
def test_as_many_as_it_may_have_are_its_own_affair(tmp_path: Path) -> None:
    few = "i=0; while [ $i -lt 20 ]; do sleep 0.5 & i=$((i+1)); done; wait"
    assert gate(few, tmp_path, allowance=Allowance(processes=40)).passed
    assert most_of(os.getsid(0)) >= 1


def test_a_check_that_fills_the_disk_is_ended_and_its_files_go(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "96m") as disk:
        (disk / "mine").write_bytes(b"x" * (2 << 20))
        allowance = Allowance(floor_mb=40, folders=(disk,))
        kept = os.stat(disk / "mine").st_ctime_ns
        wait_for(lambda: _later(disk, kept))
        result = run_gate(
            "while :; do dd if=/dev/zero of=$(mktemp ./bigXXXXXX) bs=1M count=4 2>/dev/null; done",
            cwd=disk, environment=ENVIRONMENT, seconds=60, allowance=allowance,
        )  # fmt: skip
        assert not result.passed and not result.stopped and not result.timed_out
        assert "less than the floor of 40 MB" in result.why and result.why.startswith("ended: ")
        large = [path.name for path in disk.iterdir() if path.stat().st_size >= 1 << 20]
        assert large == ["mine"] and free_mb(disk) > 60


def _later(disk: Path, moment: int) -> bool:
    """Whether more than a second lies between the file and now, as the disk counts."""
    mark = disk / "mark"
    mark.touch()
    try:
        return os.stat(mark).st_ctime_ns > moment + 1_200_000_000
    finally:
        mark.unlink()


def test_a_disk_that_others_have_filled_is_not_its_fault(tmp_path: Path) -> None:
    allowance = Allowance(floor_mb=free_mb(tmp_path) + 10_000, folders=(tmp_path,))
    result = gate("sleep 60", tmp_path, allowance=allowance)
    assert not result.passed and "less than the floor" in result.stopped and not result.excess


# ── no secret on the disk, at any moment ──


def talk(folder: Path) -> None:
    said = f"i=0; while [ $i -lt 3000 ]; do echo key {SECRET} $i; i=$((i+1)); done; touch ready"
    gate(f"{said}; sleep 60", folder, redactor=Redactor([SECRET]))


@linux
def test_who_is_killed_leaves_a_log_without_secrets(tmp_path: Path) -> None:
    runner = get_context("spawn").Process(target=talk, args=(tmp_path,))
    runner.start()
    log = tmp_path / "gate.log"
    wait_for(lambda: (tmp_path / "ready").exists() and log.stat().st_size > 0)
    assert runner.pid is not None
    os.kill(runner.pid, signal.SIGKILL)
    runner.join()
    text = log.read_text()
    assert text.startswith("key [redacted] 0\n") and SECRET not in text
    wait_for(lambda: not sleepers(tmp_path))


@pytest.mark.parametrize("before", [0, len(SECRET) // 2, len(SECRET) - 1])
def test_a_secret_on_the_edge_of_what_is_kept_is_no_half_secret(
    tmp_path: Path, before: int
) -> None:
    head = f"head -c {LOG_HALF_BYTES - before} /dev/zero | tr '\\0' a; printf {SECRET};"
    middle = "head -c 2000000 /dev/zero | tr '\\0' b;"
    tail = f"printf {SECRET}; head -c {LOG_HALF_BYTES - before} /dev/zero | tr '\\0' c"
    result = gate(head + middle + tail, tmp_path, redactor=Redactor([SECRET]))
    log = (tmp_path / "gate.log").read_text()
    assert result.passed
    assert log.count("a") + log.count("c") >= 2 * (LOG_HALF_BYTES - len(SECRET))
    rest = log.replace("[redacted]", "").replace("bytes left out", "")
    assert not set(rest) & set("hunter"), "not a letter of it"


def test_the_log_is_what_was_said(tmp_path: Path) -> None:
    result = gate(f"echo one; echo {SECRET}; echo två", tmp_path, redactor=Redactor([SECRET]))
    assert (tmp_path / "gate.log").read_text() == "one\n[redacted]\ntvå\n"
    assert SECRET in result.output, "what is answered is for the caller to clean"


# ── in a run ──


@linux
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "tier", ["bubblewrap", "landlock"] if os.environ.get("AXON_STORM") else [""]
)
def test_a_run_goes_on_after_a_check_that_multiplies(axon: Axon, tier: str) -> None:
    if tier:
        axon.variables["AXON_SANDBOX"] = tier
    axon.make_repository()
    shell(axon, gate={"max_processes": 40}, limits={"max_attempts": 1}, guard={"block": []})
    bomb = "i=0; " + BOMBS["sessions"].format(n=CHILDREN)
    add(axon, "greedy", "echo x > x", "--check", bomb)
    add(axon, "modest", "echo y > y", "--check", "test -s y")
    done = axon("team", "--workers", "1", seconds=120)
    greedy, modest = axon.task("ENG-1"), axon.task("ENG-2")
    assert (done.returncode, greedy["state"], modest["state"]) == (1, "failed", "done")
    assert "more than 40 processes at once" in greedy["error"] and "\n" not in greedy["error"]
    assert not axon.processes()
