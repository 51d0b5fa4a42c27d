"""Whatever was started is found and ended, and nothing else is."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from axon.team import processes
from tests.repository import die, is_running, wait_for

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def shell(script: str, **variables: str) -> "subprocess.Popen[bytes]":
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.Popen(["/bin/sh", "-c", script], env=environment)


def noted_pid(path: Path) -> int:
    return int(wait_for(lambda: path.read_text().strip() if path.exists() else ""))


def test_start_time_tells_processes_apart() -> None:
    process = shell("sleep 60")
    start = processes.start_time(process.pid)
    assert start is not None and start == processes.start_time(process.pid)
    process.kill()
    wait_for(lambda: processes.start_time(process.pid) is None)  # a zombie has ended
    process.wait()
    assert processes.start_time(process.pid) is None
    assert processes.start_time(os.getpid()) not in (None, start)


@linux
def test_a_name_with_brackets_does_not_confuse_the_table(tmp_path: Path) -> None:
    odd = tmp_path / "a) R (b c"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", odd)
    process = subprocess.Popen([str(odd), "60"])
    found = processes.table()[process.pid]
    processes.end_tree(process.pid, 0)
    assert (found.parent, found.zombie) == (os.getpid(), False)
    assert process.wait() == -signal.SIGKILL


def test_end_tree_ends_children_and_those_that_ignore_term(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    process = shell(f"(trap '' TERM; echo $$ > {note}; sh -c 'trap \"\" TERM; sleep 60') & wait")
    noted_pid(note)
    below = wait_for(lambda: ps if len(ps := processes.descendants(process.pid)) >= 2 else [])
    processes.end_tree(process.pid, 0.1)
    assert not any(is_running(p.pid) for p in below)
    process.wait()


def test_end_tree_asks_before_it_kills(tmp_path: Path) -> None:
    note = tmp_path / "said"
    process = shell(f"trap 'echo bye > {note}; exit 0' TERM; echo up > {note}; sleep 60 & wait")
    wait_for(note.exists)
    processes.end_tree(process.pid, 10)
    assert (process.wait(), note.read_text()) == (0, "bye\n")


def test_end_tree_leaves_a_stranger_with_the_same_pid_alone() -> None:
    process = shell("sleep 60")
    processes.end_tree(process.pid, 0, start="another time")
    assert process.poll() is None
    processes.end_tree(process.pid, 0, start=processes.start_time(process.pid))
    assert process.wait() == -signal.SIGKILL


@linux
def test_end_marked_finds_what_has_left_its_tree(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"setsid sh -c 'sh -c \"sleep 60 & echo \\$! > {note}\" &' &"
    shell(script, AXON_MARK_TEST="1").wait()
    daemon = noted_pid(note)
    stranger = shell("sleep 60", OTHER="AXON_MARK")
    processes.end_marked("AXON_MARK_TEST=1")
    assert not is_running(daemon)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def adopt_and_end(note: Path) -> None:
    """In a process of its own: it becomes a subreaper."""
    assert processes.become_subreaper()
    spared = shell("sleep 60")
    shell(f"setsid sleep 60 & echo $! > {note}").wait()
    orphan = noted_pid(note)
    assert wait_for(lambda: processes.table()[orphan].parent == os.getpid())
    assert processes.end_orphans({spared.pid}) == 1
    assert orphan not in processes.table()  # reaped, too
    assert spared.poll() is None
    processes.end_descendants(os.getpid())
    assert spared.wait() == -signal.SIGKILL


@linux
def test_orphans_come_to_the_subreaper_and_are_ended_but_for_the_spared(tmp_path: Path) -> None:
    assert die(adopt_and_end, tmp_path / "pid") == 0
