"""A full disk under a run: it waits, or ends what fills it, and says so; nothing is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.disks import mounted, remount
from tests.drive import Axon, wait_for
from tests.test_stopped import events, finished, ledger_of
from tests.test_team import add, shell

FREE = "--unsafe-no-sandbox"  # scripts here meet the test in a folder of its own


def paused(axon: Axon) -> str:
    with ledger_of(axon) as ledger:
        found = ledger.paused()
    return found[0] if found else ""


def landed(axon: Axon, names: list[str]) -> None:
    assert [(t["state"], t["verified"]) for t in axon.tasks()] == [("done", True)] * len(names)
    assert len(events(axon, "land")) == len(names)
    assert all((axon.root / name).exists() for name in names)
    axon.ok("ledger", "check")
    assert axon.git("fsck", "--no-dangling", "--no-progress") == ""


@pytest.mark.timeout(180)
def test_a_full_disk_for_recordings_harms_no_work(axon: Axon) -> None:
    axon.make_repository()
    shell(axon, guard={"block": []})
    add(axon, "loud", "head -c 3000000 /dev/urandom | base64; echo x > x", "--check", "test -s x")
    add(axon, "next", "echo y > y", "--check", "test -s y")
    axon.ok("init")
    with mounted(axon.root / ".axon/sessions", "600k"):
        axon.ok("team", "--workers", "1")
        landed(axon, ["x", "y"])
        assert "recording stopped path=" in (axon.root / ".axon/axon.log").read_text()
        assert axon("logs", "ENG-1").returncode == 0


@pytest.mark.timeout(180)
def test_a_run_waits_for_room_for_its_workspaces(axon: Axon) -> None:
    axon.make_repository({"README.md": "hello\n", "big": "x" * 900_000})
    shell(axon, workspace={"disk_floor_mb": 0}, limits={"max_attempts": 1})
    add(axon, "one", "echo x > x", "--check", "test -s x")
    axon.ok("init")
    with mounted(axon.root / ".axon/work", "1500k") as disk:
        (disk / ".ballast").write_bytes(b"x" * 1_000_000)
        team = axon.start("team", "--workers", "1")
        wait_for(lambda: "only 0 MB are free under" in paused(axon), 60)
        assert axon.task("ENG-1")["failures"] == 0
        remount(disk, "size=20m")
        axon.ok("resume")
        finished(team)
        landed(axon, ["x"])
        assert axon.task("ENG-1")["failures"] == 0


@pytest.mark.timeout(180)
def test_an_agent_that_fills_the_disk_is_ended_and_others_work_on(
    axon: Axon, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk", "80m") as disk:
        axon.root = disk / "project"
        meet = tmp_path / "meet"
        axon.make_repository()
        shell(axon, workspace={"disk_floor_mb": 30}, guard={"max_file_mb": 2})
        fill = "i=0; while [ $i -lt 100 ]; do head -c 3000000 /dev/zero > junk$i; i=$((i+1));"
        fill += " sleep 0.1; done"
        add(axon, "greedy", f"test -e {meet} || {{ touch {meet}; {fill}; }}; echo x > x",
            "--check", "test -s x")  # fmt: skip
        add(axon, "modest", "echo y > y", "--check", "test -s y")
        axon.ok("team", "--workers", "2", FREE)
        landed(axon, ["x", "y"])
        task = axon.task("ENG-1")
        assert (task["attempts"], task["failures"]) == (2, 1)
        (why,) = events(axon, "disk_full")
        assert "less than the floor of 30 MB" in why


@contextmanager
def small_disk(axon: Axon, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """The project on a disk that leaves no task enough to be blamed for, and a meeting point."""
    with mounted(tmp_path / "disk", "80m") as disk:
        axon.root = disk / "project"
        axon.make_repository()
        shell(axon, workspace={"disk_floor_mb": 30}, limits={"max_attempts": 1})
        (disk / "first").write_bytes(b"x" * (44 << 20))
        yield disk, tmp_path / "meet"


def waiting_at(meet: Path) -> str:
    return f"touch {meet}; until test -e {meet}.go; do sleep 0.05; done"


@pytest.mark.timeout(180)
def test_a_disk_that_others_fill_is_no_failure_of_a_task(axon: Axon, tmp_path: Path) -> None:
    with small_disk(axon, tmp_path) as (disk, meet):
        add(axon, "one", f"{waiting_at(meet)}; echo x > x", "--check", "test -s x")
        team = axon.start("team", "--workers", "1", FREE)
        wait_for(meet.exists, 60)
        (disk / "second").write_bytes(b"x" * (12 << 20))
        Path(f"{meet}.go").touch()
        finished(team)  # what was begun goes on to its end
        landed(axon, ["x"])
        assert axon.task("ENG-1")["failures"] == 0


@pytest.mark.timeout(180)
def test_a_check_that_others_leave_no_room_for_is_run_again(axon: Axon, tmp_path: Path) -> None:
    with small_disk(axon, tmp_path) as (disk, meet):
        add(axon, "one", "echo x > x", "--check", f"{waiting_at(meet)}; test -s x")
        team = axon.start("team", "--workers", "1", FREE)
        wait_for(meet.exists, 60)
        (disk / "second").write_bytes(b"x" * (12 << 20))
        wait_for(lambda: "MB are free under" in paused(axon), 60)
        task = axon.task("ENG-1")
        assert (task["state"], task["failures"], task["owner"]) == ("todo", 0, None)
        (disk / "second").unlink()
        Path(f"{meet}.go").touch()
        axon.ok("resume")
        finished(team)
        landed(axon, ["x"])
        task = axon.task("ENG-1")
        assert (task["attempts"], task["failures"]) == (1, 0)
