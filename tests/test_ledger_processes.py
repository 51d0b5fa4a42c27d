"""The file ledger among real processes, killed, stopped and many, and what its queries cost."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from axon.errors import LedgerError, StaleClaim
from axon.ledger import Limits, claims, columns, history, open_ledger, ready, sessions
from axon.ledger.file import FileLedger
from axon.tasks import Claim, Draft, Priority
from tests.drive import wait_for

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[FileLedger]:
    with closing(FileLedger.open(str(path), create=True, wait_seconds=20)) as ledger:
        yield ledger


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


def claimant(
    processes: list[subprocess.Popen[str]], what: str, path: Path, name: str
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.claimant", what, str(path), name],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    processes.append(process)
    return process


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def add(ledger: FileLedger, count: int) -> None:
    ledger.add([Draft(title=f"task {n}") for n in range(count)])


# ── processes ──


def test_eight_processes_claim_each_task_once(
    ledger: FileLedger, path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    add(ledger, 200)
    drains = [claimant(processes, "drain", path, f"w{n}") for n in range(8)]
    outputs = [process.communicate(timeout=120)[0].split() for process in drains]
    assert [process.returncode for process in drains] == [0] * 8
    assert Counter(name for names in outputs for name in names) == Counter(
        task.identifier for task in ledger.tasks()
    )
    assert ledger.counts()["review"] == 200
    assert all(task.token == 1 for task in ledger.tasks())
    submitted = Counter(e.actor for e in ledger.events(limit=10_000) if e.action == "submit")
    assert {f"w{n}": len(names) for n, names in enumerate(outputs) if names} == submitted


def test_many_may_make_the_same_ledger_at_once(
    path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    for _ in range(3):
        shutil.rmtree(path.parent, ignore_errors=True)
        makers = [claimant(processes, "create", path, f"w{n}") for n in range(8)]
        assert [process.wait(60) for process in makers] == [0] * 8
        with closing(FileLedger.open(str(path))) as ledger:
            assert sorted(task.title for task in ledger.tasks()) == [f"w{n}" for n in range(8)]


def test_nothing_is_lost_or_done_twice_when_claimants_are_killed(
    path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    """Killed wherever they are; what they held comes back once it is released for them."""
    limits = Limits(max_losses=1000)
    with closing(FileLedger.open(str(path), create=True, limits=limits)) as ledger:
        add(ledger, 150)
        for n in range(12):
            process = claimant(processes, "drain", path, f"w{n}")
            for _ in range(n + 1):
                line(process)
            process.kill()
            process.wait()
            held = ledger.claims("")
            assert len(held) <= 1
            for claim in held:
                ledger.release(claim, "killed", lost=True)
                with pytest.raises(StaleClaim):
                    ledger.submit(claim, commit="late", verified=True)
        claimant(processes, "drain", path, "last").communicate(timeout=120)
        assert ledger.counts()["review"] == 150
        events = ledger.events(limit=10_000)
        submitted = Counter(e.identifier for e in events if e.action == "submit")
        assert set(submitted.values()) == {1} and len(submitted) == 150


def test_the_task_of_a_killed_claimant_is_held_until_it_is_released(
    ledger: FileLedger, path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    add(ledger, 1)
    holder = claimant(processes, "hold", path, "w1")
    assert line(holder) == "ENG-1"
    holder.kill()
    holder.wait()
    assert ledger.claim(worker="w2", run="", lease_seconds=1) is None
    (claim,) = ledger.claims("")
    assert claim == Claim(identifier="ENG-1", token=1, worker="w1", run="")
    ledger.release(claim, "killed", lost=True)
    task = ledger.claim(worker="w2", run="", lease_seconds=1)
    assert task is not None and task.token == 2


def test_a_writer_that_takes_long_is_named_and_its_half_write_is_never_seen(
    ledger: FileLedger, path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    add(ledger, 1)
    writer = claimant(processes, "keep", path, "w1")
    assert line(writer) == "locked"
    with closing(FileLedger.open(str(path), wait_seconds=0.3)) as other:
        assert other.task("ENG-1").title == "task 0", "readers go on"
        for _ in range(2):
            with pytest.raises(LedgerError, match=rf"locked by process {writer.pid} \(.*claimant"):
                other.pause("held")
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        other.pause("free again")
        assert other.task("ENG-1").title == "task 0"
    assert ledger.paused() == ("free again", None)


def test_a_writer_that_goes_on_has_written(
    ledger: FileLedger, path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    add(ledger, 1)
    writer = claimant(processes, "keep", path, "w1")
    assert line(writer) == "locked"
    with closing(FileLedger.open(str(path), wait_seconds=0.2)) as other:
        with pytest.raises(LedgerError):
            other.pause("held")
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.close()
        assert line(writer) == "written"
        wait_for(lambda: _tries(other))
    assert ledger.task("ENG-1").title == "half written"
    assert not [t for t in threading.enumerate() if t.name == "ledger-lock" and t.is_alive()]


def test_a_writer_that_somebody_stopped_holds_nobody_up(
    ledger: FileLedger, path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    """It is let go on to the end of its write: nobody can do that for it."""
    add(ledger, 1)
    for _ in range(3):
        writer = claimant(processes, "lock", path, "w1")
        assert line(writer) == "locked"
        began = time.monotonic()
        ledger.pause("mine")
        assert time.monotonic() - began < 2
        assert line(writer) == "written"
    assert ledger.task("ENG-1").title == "half written"
    assert ledger.check() == []


def test_one_that_was_stopped_while_it_closes_holds_nobody_up(
    ledger: FileLedger, path: Path, processes: list[subprocess.Popen[str]]
) -> None:
    add(ledger, 1)
    ledger.close()
    closing_one = claimant(processes, "shut", path, "w1")
    assert line(closing_one) == "locked"
    began = time.monotonic()
    with closing(FileLedger.open(str(path))) as other:
        assert other.counts()["todo"] == 1
        assert time.monotonic() - began < 2
        assert line(closing_one) == "closed"
        other.pause("mine")


def _tries(ledger: FileLedger) -> bool:
    ledger.pause("free")
    return True


def test_a_ledger_is_not_carried_over_a_fork(ledger: FileLedger) -> None:
    add(ledger, 1)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = "no error"
        try:
            ledger.counts()
        except RuntimeError as error:
            said = str(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)
    with os.fdopen(reader) as said_by_child:
        assert "carried over a fork" in said_by_child.read()
    assert ledger.counts()["todo"] == 1


def test_a_reader_keeps_no_snapshot(ledger: FileLedger, path: Path) -> None:
    """Else the write-ahead log could never be emptied while somebody watches."""
    with closing(open_ledger(f"file:{path}")) as watcher:
        watcher.events()
        add(ledger, 3)
        assert len(watcher.events()) == 3
        with closing(sqlite3.connect(path)) as other:
            busy, log, moved = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert (busy, log, moved) == (0, 0, 0)


# ── queries that stay fast ──


def plan(ledger: FileLedger, sql: str, *values: object) -> str:
    rows = ledger._store.read(
        lambda tx: tx.db.execute("EXPLAIN QUERY PLAN " + sql, values).fetchall()
    )
    return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize(
    ("sql", "count", "index"),
    [
        (ready.IN_ORDER, 2, "task_queue"),
        (ready.NEXT_FOLDER, 2, "task_folder"),
        (ready.IN_FOLDER, 2, "task_folder"),
        (ready.DUE, 1, "task_later"),
        (ready.NEXT_DUE, 0, "task_later"),
        (ready.BACK, 2, "task_backoff"),
        (ready.NEXT_BACK, 1, "task_backoff"),
        (claims.EXPIRED, 2, "task_queue"),
        (history.OF_TASK, 3, "event_task"),
        (history.ALL, 2, "PRIMARY KEY"),
        (f"SELECT * FROM session {sessions.OPEN}", 1, "session_open"),
        (columns.BY_NAME, 1, "sqlite_autoindex_task_1"),
        ("SELECT * FROM dependency WHERE needs = ?", 1, "PRIMARY KEY"),
        ("SELECT * FROM dependency WHERE task = ? ORDER BY needs", 1, "dependency_task"),
    ],
)
def test_what_is_asked_often_reads_an_index_in_its_order(
    ledger: FileLedger, sql: str, count: int, index: str
) -> None:
    said = plan(ledger, sql, *[1] * count)
    assert index in said, said
    assert "TEMP B-TREE" not in said, said
    assert not re.search(r"SCAN \w+$", said, re.MULTILINE), said


def test_a_claim_reads_no_more_when_there_are_many_tasks(ledger: FileLedger) -> None:
    """Counted in SQLite's own steps, which no load of the machine changes."""

    def steps() -> int:
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            return 0

        db = ledger._store.db
        db.set_progress_handler(step, 1)
        ledger.claim(worker="w", run="", lease_seconds=30)
        db.set_progress_handler(None, 0)
        return count

    add(ledger, 20)
    ledger.claim(worker="w", run="", lease_seconds=30)
    few = steps()
    add(ledger, 20_000)
    others = Draft(title="other", priority=Priority.URGENT)  # they would come first
    ledger.add([replace(others, not_before=9e9)] * 5_000)
    ledger.add([replace(others, depends=("ENG-9",))] * 5_000)
    assert steps() <= few * 1.5
