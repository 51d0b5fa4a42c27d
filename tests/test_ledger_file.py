"""The file ledger on disks and in places that fail it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from axon.errors import LedgerError
from axon.ledger import open_ledger
from axon.ledger.file import FileLedger
from axon.ledger.mounts import NETWORK, filesystem_of
from axon.ledger.schema import MIGRATIONS
from axon.tasks import Claim, Draft, State
from tests.disks import mounted, remount


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[FileLedger]:
    with closing(FileLedger.open(str(path), create=True, wait_seconds=20)) as ledger:
        yield ledger


def add(ledger: FileLedger, count: int) -> None:
    ledger.add([Draft(title=f"task {n}") for n in range(count)])


# ── places ──


def refused(path: Path | str, *, create: bool = False) -> str:
    with pytest.raises(LedgerError) as caught:
        open_ledger(f"file:{path}", create=create).close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_ledger_is_not_made_by_reading(path: Path) -> None:
    assert refused(path) == f"no ledger at {path}; run axon init"
    assert not path.parent.exists()
    path.parent.mkdir()
    path.touch()
    assert refused(path) == f"no ledger at {path}; run axon init", "an unfinished one is none"
    open_ledger(f"file:{path}", create=True).close()
    open_ledger(f"file:{path}").close()


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_ledger("file:a b%20?#.db", create=True).close()
    assert (tmp_path / "a b%20?#.db").is_file()
    open_ledger(f"file://{tmp_path}/a b%20?#.db").close()
    for url, problem in (
        ("file:", "names no file"),
        ("file:a\0b", "names no file"),
        ("file://host/path", "write file:PATH"),
        ("postgresql://me:secret@host/db", "no ledger backend for postgresql: addresses"),
        ("nonsense", "no ledger backend for nonsense: addresses"),
    ):
        with pytest.raises(LedgerError, match=problem) as caught:
            open_ledger(url)
        assert "secret" not in str(caught.value)


def test_all_names_of_one_file_share_its_lock(
    ledger: FileLedger, path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with closing(open_ledger(f"file:{link}")) as other:
        other.pause("through the link")
    assert ledger.paused()
    assert not (tmp_path / "link.db.lock").exists()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in refused(tmp_path, create=True)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert "not a regular file" in refused(fifo, create=True)
    (tmp_path / "file").write_text("")
    assert "Not a directory" in refused(tmp_path / "file" / "ledger.db", create=True)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"no database at all " * 500)
    assert "is damaged or no ledger" in refused(garbage, create=True)
    assert garbage.read_bytes() == b"no database at all " * 500
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE precious (x)")
    assert "database of another program" in refused(foreign, create=True)
    with closing(sqlite3.connect(foreign)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]


def test_a_newer_schema_is_refused(ledger: FileLedger, path: Path) -> None:
    ledger.close()
    known = len(MIGRATIONS)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {known + 1}")
    said = f"was written by a newer axon (schema {known + 1}, this one knows {known})"
    assert said in refused(path)


@pytest.mark.parametrize("keep", [100, 4096, 30_000])
def test_a_truncated_file_is_an_error(ledger: FileLedger, path: Path, keep: int) -> None:
    add(ledger, 500)
    ledger.close()
    os.truncate(path, keep)
    with (
        pytest.raises(LedgerError, match="is damaged"),
        closing(open_ledger(f"file:{path}")) as bad,
    ):
        bad.tasks()


def test_a_log_cut_anywhere_loses_only_its_end(path: Path, tmp_path: Path) -> None:
    """Copied without the ledger's knowledge, as a crash would leave it."""
    keep = FileLedger.open(str(path), create=True)
    keep.add([Draft(title="kept")])
    keep._store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for n in range(5):
        keep.add([Draft(title=f"task {n}")])
    base, log = path.read_bytes(), path.with_name("ledger.db-wal").read_bytes()
    keep.close()
    for cut in (*range(0, len(log), len(log) // 7), len(log)):
        copy = tmp_path / f"cut{cut}.db"
        copy.write_bytes(base)
        copy.with_name(f"{copy.name}-wal").write_bytes(log[:cut])
        with closing(open_ledger(f"file:{copy}")) as ledger:
            titles = [task.title for task in ledger.tasks()]
            assert titles == ["kept", *(f"task {n}" for n in range(len(titles) - 1))]
            ledger.add([Draft(title="next")])
    assert len(titles) == 6


def test_a_read_only_place_is_an_error(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "2m") as folder:
        place = folder / "ledger.db"
        open_ledger(f"file:{place}", create=True).close()
        remount(folder, "ro")
        assert "Read-only file system" in refused(place)
        assert "Read-only file system" in refused(folder / "new" / "ledger.db", create=True)


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "1m") as folder:
        place = folder / "ledger.db"
        added = 0
        with closing(open_ledger(f"file:{place}", create=True)) as ledger:
            with pytest.raises(LedgerError, match="no space left") as caught:
                for _ in range(1000):
                    ledger.add([Draft(title="t", description="x" * 20_000)])
                    added += 1
            assert "\n" not in str(caught.value)
            assert added > 5
            assert ledger.counts()["todo"] == added
        with closing(open_ledger(f"file:{place}")) as ledger:
            assert ledger.counts()["todo"] == added
            remount(folder, "size=4m")
            ledger.add([Draft(title="room again")])
            assert ledger.counts()["todo"] == added + 1


@pytest.mark.parametrize("free", [0, 16, 40])  # kB: SQLite meets the end at another step
def test_a_disk_that_is_full_from_the_start(tmp_path: Path, free: int) -> None:
    with mounted(tmp_path / "disk", "64k") as folder:
        (folder / "ballast").write_bytes(b"x" * (64 - free) * 1024)
        assert "no space left" in refused(folder / "ledger.db", create=True)


def test_a_removed_lock_file_is_noticed(ledger: FileLedger, path: Path) -> None:
    add(ledger, 1)
    path.with_name("ledger.db.lock").unlink()
    with pytest.raises(LedgerError, match="was removed while in use"):
        add(ledger, 1)
    with closing(open_ledger(f"file:{path}")) as other:
        other.pause("fresh")


def test_its_files_are_private(ledger: FileLedger, path: Path) -> None:
    add(ledger, 1)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file


def test_state_moves_are_flushed_and_heartbeats_are_not(
    ledger: FileLedger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only once their commit is in the log, so that the flush covers it."""
    log = path.with_name("ledger.db-wal")
    flushed: list[bytes] = []
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        real(descriptor)
        if os.fstat(descriptor).st_ino == log.stat().st_ino:
            flushed.append(log.read_bytes())

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    add(ledger, 1)
    task = ledger.claim(worker="worker number 7", run="", lease_seconds=30)
    assert task is not None and task.state is State.IN_PROGRESS
    assert len(flushed) == 2 and b"worker number 7" in flushed[-1]
    claim = Claim(identifier="ENG-1", token=1, worker="worker number 7", run="")
    ledger.renew(claim, 30)
    assert len(flushed) == 2
    ledger.note(claim, branch="agent/eng-1")
    assert len(flushed) == 3 and b"agent/eng-1" in flushed[-1]
    ledger.submit(claim, commit="the last commit", verified=True)
    assert len(flushed) == 4 and b"the last commit" in flushed[-1]
    assert ledger.claim(worker="w", run="", lease_seconds=30) is None
    assert len(flushed) == 4, "what changes nothing need not be flushed"


# ── network file systems ──

MOUNTINFO = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:30 / /home/me rw - nfs4 server:/home rw,vers=4.2
31 22 0:31 / /mnt/with\040blank rw - fuse.sshfs me@host:/ rw
32 22 0:32 / /mnt/usb rw shared:7 master:1 - fuse.ntfs-3g /dev/sdb1 rw
33 30 254:0 /x /home/me/local rw - ext4 /dev/vda rw
34 22 0:34 / /mnt/usb rw - cifs //nas/share rw
"""
MOUNT = """\
/dev/disk3s1 on / (apfs, local, read-only, journaled)
//me@nas/share on /Volumes/My Share (smbfs, nodev, nosuid, mounted by me)
map auto_home on /System/Volumes/Data/home (autofs, automounted)
"""


@pytest.mark.parametrize(
    ("mounts", "folder", "kind", "network"),
    [
        (MOUNTINFO, "/srv/project", "ext4", False),
        (MOUNTINFO, "/home/me/project", "nfs4", True),
        (MOUNTINFO, "/home/mean", "ext4", False),
        (MOUNTINFO, "/home/me/local/project", "ext4", False),
        (MOUNTINFO, "/mnt/with blank", "fuse.sshfs", True),
        (MOUNTINFO, "/mnt/usb/p", "cifs", True),  # the later mount hides the earlier
        (MOUNT, "/Users/me", "apfs", False),
        (MOUNT, "/Volumes/My Share/p", "smbfs", True),
        ("", "/anywhere", "", False),
    ],
)
def test_network_file_systems_are_told_apart(
    mounts: str, folder: str, kind: str, network: bool
) -> None:
    assert filesystem_of(Path(folder), mounts) == kind
    assert bool(NETWORK.fullmatch(kind)) is network


def test_a_network_file_system_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.ledger.mounts._mounts", lambda: MOUNTINFO.replace("/home/me", "/"))
    said = refused(path, create=True)
    assert "network file system (nfs4)" in said and "postgresql://" in said
    assert not path.exists()


def test_figures_of_an_older_ledger_are_taken_over(tmp_path: Path) -> None:
    """Rows get columns and new sums; what was damaged before stays so."""
    from axon.ledger.proof import row_sum
    from axon.ledger.schema import METERED, MIGRATIONS, migrate
    from axon.ledger.tables import USAGE

    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        for migration in MIGRATIONS[: MIGRATIONS.index(METERED)]:
            for statement in migration.split(";"):
                db.execute(statement)
        for table in ("old_task", "old_dependency", "old_event", "old_run", "old_session"):
            db.execute(f"DROP TABLE {table}")
        early = [name for name in USAGE.columns if name not in ("agent", "retries")]
        for number, damage in ((1, 0), (2, 1)):
            row = (number, 1e9, "s", "ENG-1", "run-1", "m", 200, 10, 5, 0, 0, 0.5, None, 1.0)
            places = ", ".join("?" * (len(row) + 1))
            names = ", ".join((*early, "sum"))
            db.execute(
                f"INSERT INTO usage ({names}) VALUES ({places})", (*row, row_sum(row) + damage)
            )
        migrate(db, MIGRATIONS.index(METERED))
        db.execute("COMMIT")
        rows = db.execute(f"SELECT {', '.join(USAGE.columns)}, sum FROM usage").fetchall()
        days = db.execute("SELECT cost_usd, tokens FROM spent_day").fetchall()
    assert [row_sum(row[:-1]) == row[-1] for row in rows] == [True, False]
    assert days == [(1.0, 30)]
