"""The ledger is proved, copied, put back and measured from the command line."""

import os
import pty
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from axon.ledger import Run, open_ledger
from tests.drive import Axon
from tests.test_cli_tasks import add, fails, ledger_path


@pytest.fixture
def axon(core_pyz: Path, tmp_path: Path) -> Axon:
    driver = Axon(pyz=core_pyz, root=tmp_path / "my project", cache=tmp_path / "cache")
    driver.make_repository()
    return driver


def test_a_sound_ledger_is_said_to_be_sound(axon: Axon) -> None:
    add(axon, "a")
    assert axon.ok("ledger", "check") == "sound: 1 tasks, 1 events\n"
    assert axon.json("ledger", "check") == {"sound": True, "findings": []}
    stats = axon.json("ledger", "stats")
    assert (stats["tasks"], stats["events"]) == (1, 1) and stats["bytes"] > 0
    assert "tasks           1" in axon.ok("ledger", "stats")


def test_every_fault_is_a_line(axon: Axon) -> None:
    add(axon, "a\x1b[2J")
    add(axon, "b")
    with closing(sqlite3.connect(ledger_path(axon))) as db:
        db.execute("UPDATE task SET state = 'done' WHERE id = 1")
        db.execute("UPDATE task SET blocked = 7 WHERE id = 2")
        db.commit()
    done = axon("ledger", "check")
    assert done.returncode == 6
    assert len(done.stdout.splitlines()) >= 2 and "ENG-1" in done.stdout and "ENG-2" in done.stdout
    assert done.stderr.startswith("axon: the ledger has ") and "restore FILE" in done.stderr
    done = axon("ledger", "check", "--json")
    assert done.returncode == 6 and '"sound": false' in done.stdout


def test_a_backup_is_put_back(axon: Axon) -> None:
    add(axon, "a")
    assert "read it back: sound" in axon.ok("ledger", "backup", "copy.db")
    add(axon, "b")
    assert axon.json("ledger", "backup", "copy2.db")["bytes"] > 0
    assert "say --yes, for nobody can be asked" in fails(axon, 2, "ledger", "restore", "copy.db")
    assert len(axon.tasks()) == 2
    restored = axon.json("ledger", "restore", "copy.db", "--yes")
    assert restored["ledger"] == str(ledger_path(axon))
    assert [task["title"] for task in axon.tasks()] == ["a"]
    kept = f"file:{restored['kept']}"
    assert len(axon.json("task", "list", "--ledger", kept)) == 2, "the old one is kept"


def test_a_backup_replaces_only_backups(axon: Axon) -> None:
    add(axon, "a")
    (axon.root / "notes.md").write_text("precious")
    assert "no backup; choose another name" in fails(axon, 2, "ledger", "backup", "notes.md")
    assert (axon.root / "notes.md").read_text() == "precious"
    axon.ok("ledger", "backup", "notes.md", "--force")
    axon.ok("ledger", "backup", "notes.md")
    assert "is the ledger itself" in fails(axon, 6, "ledger", "backup", ".axon/ledger.db")
    assert axon.ok("ledger", "check").startswith("sound")


def test_a_ledger_is_not_replaced_under_a_team(axon: Axon) -> None:
    add(axon, "a")
    axon.ok("ledger", "backup", "copy.db")
    ledger = open_ledger(f"file:{ledger_path(axon)}")
    run = Run(id="run-1", pid=1, host="h", target="main", engine="command", workers=2)
    ledger.start_run(run, 60)
    said = fails(axon, 4, "ledger", "restore", "copy.db", "--yes")
    assert said == "run run-1 works with this ledger; axon stop, then try again"
    ledger.end_run("run-1")
    ledger.close()
    axon.ok("ledger", "restore", "copy.db", "--yes")


def test_a_damaged_or_missing_ledger_is_replaced_too(axon: Axon) -> None:
    add(axon, "a")
    axon.ok("ledger", "backup", "copy.db")
    path = ledger_path(axon)
    for name in os.listdir(path.parent):
        if name.startswith("ledger.db-"):
            (path.parent / name).unlink()
    path.write_bytes(b"garbage" * 1000)
    assert "is damaged or no ledger" in fails(axon, 6, "ledger", "check")
    axon.ok("ledger", "restore", "copy.db", "--yes")
    assert len(axon.tasks()) == 1
    axon.ok("ledger", "restore", "copy.db", "--yes", "--ledger", "file:new.db")
    assert len(axon.json("task", "list", "--ledger", "file:new.db")) == 1
    (axon.root / "notes.md").write_text("no ledger")
    said = fails(axon, 6, "ledger", "restore", "notes.md", "--yes")
    assert "notes.md: file is not a database; use another backup" in said
    assert len(axon.tasks()) == 1
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 4), (b"\n", 4)])
def test_a_person_is_asked_first(axon: Axon, answer: bytes, code: int) -> None:
    add(axon, "a")
    axon.ok("ledger", "backup", "copy.db")
    add(axon, "b")
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    done = subprocess.run(
        axon.command("ledger", "restore", "copy.db"),
        cwd=axon.root, env=axon.environment, stdin=theirs, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code, done.stderr
    assert "what it holds now is kept beside it [y/N]" in done.stderr
    assert len(axon.tasks()) == (1 if code == 0 else 2)


def test_space_is_given_back(axon: Axon) -> None:
    add(axon, "a", "--description", "x" * 100_000)
    axon.ok("task", "edit", "ENG-1", "--clear", "description")
    sizes = axon.json("ledger", "compact")
    assert sizes["after_bytes"] <= sizes["before_bytes"]
    assert " MB before, " in axon.ok("ledger", "compact")
    assert axon.ok("ledger", "check").startswith("sound")
