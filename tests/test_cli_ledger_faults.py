"""A ledger that disk, place, time or another process has spoiled, met from the command line.

AXON_STORM=1 pytest tests/test_cli_ledger_faults.py     the slow one too; see make storm
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from axon.ledger.schema import MIGRATIONS
from tests.disks import mounted, remount
from tests.drive import Axon
from tests.test_cli_tasks import add, fails, ledger_path

FULL = bool(os.environ.get("AXON_STORM"))
ROOT = Path(__file__).resolve().parent.parent
OLD = {4: ROOT / "tests/ledgers/schema-4.sql", 5: ROOT / "tests/ledgers/schema-5.sql"}


@pytest.fixture
def axon(core_pyz: Path, tmp_path: Path) -> Axon:
    driver = Axon(pyz=core_pyz, root=tmp_path / "my project", cache=tmp_path / "cache")
    driver.make_repository()
    return driver


# ── disks ──


def test_a_full_disk_is_a_line_and_loses_nothing(axon: Axon, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "1m") as folder:
        url = f"file:{folder}/ledger.db"
        tasks = "\n".join(f"- [ ] task {n}\n  {'x' * 400}" for n in range(500))
        (axon.root / "TASKS.md").write_text(tasks)
        axon.ok("init", "--ledger", url)
        said = ""
        while not said:
            done = axon("task", "import", "TASKS.md", "--conflict", "duplicate", "--ledger", url)
            said = done.stderr if done.returncode else ""
        assert done.returncode == 6
        assert said.startswith("axon: no space left for ") and said.count("\n") == 1
        count = len(axon.json("task", "list", "--ledger", url))
        assert count and count % 500 == 0, "all of a file or none of it"
        assert axon.ok("ledger", "check", "--ledger", url).startswith(f"sound: {count:,} tasks")
        remount(folder, "size=8m")
        axon.ok("task", "import", "TASKS.md", "--conflict", "duplicate", "--ledger", url)
        assert len(axon.json("task", "list", "--ledger", url)) == count + 500


def test_a_read_only_disk_is_a_line(axon: Axon, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "2m") as folder:
        url = f"file:{folder}/ledger.db"
        axon.ok("task", "add", "a", "--ledger", url)
        remount(folder, "ro")
        for words in (("task", "list"), ("task", "add", "b"), ("ledger", "check")):
            assert "Read-only file system" in fails(axon, 6, *words, "--ledger", url)
        remount(folder, "rw")
        assert len(axon.json("task", "list", "--ledger", url)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where nobody may")
def test_a_folder_without_the_right_to_write_is_a_line(axon: Axon) -> None:
    add(axon, "a")
    ledger_path(axon).parent.chmod(0o500)
    try:
        assert "must be writable" in fails(axon, 6, "task", "list")
    finally:
        ledger_path(axon).parent.chmod(0o700)


@pytest.mark.parametrize("keep", [0, 50, 20_000])
def test_a_truncated_file_is_a_line(axon: Axon, keep: int) -> None:
    for n in range(3):
        add(axon, f"task {n}")
    axon.ok("ledger", "backup", "copy.db")
    os.truncate(ledger_path(axon), keep)
    said = fails(axon, 6, "task", "list")
    assert "is damaged" in said or "is not what it was" in said or "no ledger at" in said
    axon.ok("ledger", "restore", "copy.db", "--yes")
    assert len(axon.tasks()) == 3


def test_a_network_disk_is_refused(axon: Axon, tmp_path: Path) -> None:
    """Where the kernel says that it is one: there is no server here to mount from."""
    mounts = tmp_path / "mountinfo"
    point = str(axon.root).replace(" ", r"\040")
    mounts.write_text(f"30 22 0:30 / {point} rw - nfs4 server:/home rw,vers=4.2\n")
    script = f'mount --bind "{mounts}" /proc/$$/mountinfo && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh"]
    try:
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
            pytest.skip("mounting is not permitted here")
    except FileNotFoundError:
        pytest.skip("unshare is not there")
    done = subprocess.run(
        [*command, *axon.command("task", "add", "a")],
        cwd=axon.root, env=axon.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 6
    assert "is on a network file system (nfs4)" in done.stderr and done.stderr.count("\n") == 1
    assert not ledger_path(axon).exists()


# ── versions ──


@pytest.mark.parametrize("version", OLD)
def test_the_ledger_of_an_older_axon_is_converted(axon: Axon, version: int) -> None:
    """Written by the axon that had this schema, with something of everything."""
    path = axon.root / "old.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD[version].read_text())
    found = axon.json("task", "list", "--ledger", "file:old.db")
    assert {task["identifier"]: task["state"] for task in found} == {
        "ENG-1": "done", "ENG-2": "review", "ENG-3": "in_progress", "ENG-4": "todo",
        "ENG-5": "todo", "ENG-6": "todo", "ENG-7": "todo", "ENG-8": "todo", "OPS-1": "failed",
    }  # fmt: skip
    waits = next(task for task in found if task["identifier"] == "ENG-7")
    assert (waits["title"], waits["depends"], waits["paths"]) == (
        "it waits", ["ENG-1", "ENG-3"], ["src/**"],
    )  # fmt: skip
    assert axon.ok("ledger", "check", "--ledger", "file:old.db").startswith("sound: 9 tasks")
    shown = axon.ok("task", "show", "ENG-1", "--ledger", "file:old.db")
    assert "said" in shown and "two lines" in shown
    (session,) = axon.json("sessions", "list", "--ledger", "file:old.db")
    assert (session["id"], session["cost_usd"]) == ("s1", 0.25)
    assert axon.json("status", "--ledger", "file:old.db")["paused"]
    axon.ok("task", "undo", "--ledger", "file:old.db")
    (undone,) = axon.json("task", "list", "--q", "waits", "--ledger", "file:old.db")
    assert undone["title"] == "waits"


def test_an_older_axon_at_work_is_not_surprised(axon: Axon) -> None:
    path = axon.root / "old.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD[4].read_text())
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("SELECT count(*) FROM task").fetchone()
        said = fails(axon, 6, "task", "list", "--ledger", "file:old.db")
        assert "in use by an older axon" in said and "stop every axon" in said
        assert db.execute("PRAGMA user_version").fetchone()[0] == 4
    assert len(axon.json("task", "list", "--ledger", "file:old.db")) == 9


def test_the_ledger_of_a_newer_axon_is_left_alone(axon: Axon) -> None:
    add(axon, "a")
    with closing(sqlite3.connect(ledger_path(axon))) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    for words in (("task", "list"), ("task", "add", "b"), ("ledger", "check"), ("team",)):
        said = fails(axon, 6, *words)
        assert "was written by a newer axon" in said and said.endswith("use that version")


# ── other processes ──


@pytest.fixture
def stopped(axon: Axon) -> Iterator[subprocess.Popen[str]]:
    """A process that somebody has stopped in the middle of a write."""
    add(axon, "a")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.claimant", "lock", str(ledger_path(axon)), "w1"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    yield process
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)


def test_a_lock_held_by_a_stopped_process_is_recovered(
    axon: Axon, stopped: subprocess.Popen[str]
) -> None:
    """It is let go on to the end of its write, which is not lost."""
    began = time.monotonic()
    axon.ok("task", "add", "b")
    assert time.monotonic() - began < 10
    assert stopped.wait(60) == 0
    assert [task["title"] for task in axon.tasks()] == ["half written", "b"]
    assert axon.ok("ledger", "check").startswith("sound: 2 tasks")


@pytest.mark.skipif(not FULL, reason="waits for ten seconds; see make storm")
def test_a_lock_that_cannot_be_recovered_names_its_holder(axon: Axon) -> None:
    """A process that hangs in its write and was not stopped: it may be at work."""
    add(axon, "a")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.claimant", "keep", str(ledger_path(axon)), "w1"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    assert [task["title"] for task in axon.tasks()] == ["a"], "readers go on"
    said = fails(axon, 6, "task", "add", "b")
    assert f"locked by process {process.pid} (" in said and "or end it" in said
    process.communicate("\n", timeout=60)
    axon.ok("task", "add", "c")
    assert [task["title"] for task in axon.tasks()] == ["half written", "c"]
