"""A project's command is judged by its exit code, whatever else it does."""

import os
import signal
import sys
import tracemalloc
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from axon.team.environment import own_environment, tool_environment
from axon.team.gate import GateResult, run_gate
from tests.repository import Repo, is_running, new_repo, wait_for

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


def gate(command: str, folder: Path, seconds: float = 20, **more: Any) -> GateResult:
    return run_gate(
        command,
        cwd=folder,
        environment=ENVIRONMENT,
        seconds=seconds,
        log=folder / "gate.log",
        **more,
    )


def noted_pid(path: Path) -> int:
    return int(wait_for(lambda: path.read_text().strip() if path.exists() else ""))


def test_the_exit_code_decides(tmp_path: Path) -> None:
    good = gate("echo fine", tmp_path)
    assert (good.passed, good.code, good.output, good.why) == (True, 0, "fine\n", "passed")
    bad = gate("echo first; echo the reason >&2; exit 3", tmp_path)
    assert (bad.passed, bad.code, bad.why) == (False, 3, "exit 3: the reason")
    assert (tmp_path / "gate.log").read_text() == "first\nthe reason\n"


def test_a_missing_command_is_red_and_says_so(tmp_path: Path) -> None:
    result = gate("no-such-program --flag", tmp_path)
    assert (result.passed, result.code) == (False, 127)
    assert "no-such-program" in result.why


@pytest.mark.parametrize("command", ["x\0y", "true " + "x" * 3_000_000])
def test_a_command_that_cannot_be_run_is_red(tmp_path: Path, command: str) -> None:
    result = gate(command, tmp_path)
    assert not result.passed and "cannot be run" in result.why


def test_a_missing_folder_is_red(tmp_path: Path) -> None:
    result = run_gate(
        "true", cwd=tmp_path / "gone", environment=ENVIRONMENT, seconds=5, log=tmp_path / "log"
    )
    assert not result.passed and "gone" in result.output


def test_it_has_no_input_and_only_the_given_environment(tmp_path: Path) -> None:
    result = gate("cat; env", tmp_path)
    names = {row.partition("=")[0] for row in result.output.splitlines()}
    assert result.passed
    assert {n for n in names if not n.startswith("AXON_MARK_")} <= {"PATH", "LANG", "PWD", "_"}


def test_killing_its_parent_does_not_hit_the_runner(tmp_path: Path) -> None:
    result = gate("kill -9 $PPID; sleep 60", tmp_path)
    assert (result.passed, result.code, result.why) == (False, -9, "killed by signal 9")
    assert result.seconds < 10


def test_a_hanging_gate_is_ended_with_all_it_started(tmp_path: Path) -> None:
    result = gate("sleep 60 & echo $! > pid; sleep 61", tmp_path, seconds=0.5)
    assert not result.passed and result.timed_out
    assert result.why.startswith("no end within")
    assert not is_running(noted_pid(tmp_path / "pid"))


def test_a_gate_that_closes_its_output_and_sleeps_hits_the_limit(tmp_path: Path) -> None:
    result = gate("exec >&- 2>&-; sleep 60", tmp_path, seconds=0.5)
    assert result.timed_out and result.seconds < 10


@linux
def test_daemons_do_not_outlive_it(tmp_path: Path) -> None:
    result = gate("setsid sh -c 'sleep 60 & echo $! > pid; wait' & sleep 0.3; exit 0", tmp_path)
    assert result.passed and result.seconds < 10  # though the daemon holds the pipe
    assert not is_running(noted_pid(tmp_path / "pid"))


def test_50_mb_of_output_are_bounded_in_memory_and_on_disk(tmp_path: Path) -> None:
    tracemalloc.start()
    result = gate("echo START; yes 0123456789 | head -c 50000000; echo END; exit 1", tmp_path, 60)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert result.code == 1
    assert result.output.startswith("START\n") and result.output.endswith("END\n")
    assert len(result.output.encode()) <= 64 << 10
    assert "bytes left out" in result.output
    log = (tmp_path / "gate.log").read_text()
    assert len(log) < (1 << 20) + 100
    assert log.startswith("START\n") and log.endswith("END\n") and "bytes left out" in log


@pytest.mark.parametrize("size", [1, 16384, 64000, 64512, 64513, 524288, 524289, 1048577])
def test_output_at_the_limits_is_whole_or_says_what_is_missing(tmp_path: Path, size: int) -> None:
    result = gate(f"head -c {size} /dev/zero | tr '\\0' x", tmp_path)
    log = (tmp_path / "gate.log").read_text()
    assert log.count("x") == min(size, 1 << 20)
    assert ("left out" in log) == (size > 1 << 20)
    assert result.output.count("x") == min(size, 63 << 10)


def test_output_that_is_no_text_does_no_harm(tmp_path: Path) -> None:
    result = gate(r"printf 'a\377\000b\n'; exit 2", tmp_path)
    assert result.output == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b\n"


def test_it_is_judged_also_when_its_log_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run_gate(
        "echo x", cwd=tmp_path, environment=ENVIRONMENT, seconds=5, log=tmp_path / "file/log"
    )
    assert result.passed and result.output == "x\n"


def test_the_watcher_can_end_it(tmp_path: Path) -> None:
    result = gate("sleep 60 & echo $! > pid; wait", tmp_path, watch=lambda: "the run is stopping")
    assert not result.passed and not result.timed_out
    assert result.why == "ended: the run is stopping"
    assert not is_running(noted_pid(tmp_path / "pid"))


def test_when_the_watcher_raises_nothing_is_left(tmp_path: Path) -> None:
    def lost() -> str:
        if (tmp_path / "pid").exists():
            raise KeyError("lost")
        return ""

    with pytest.raises(KeyError):
        gate("sleep 60 & echo $! > pid; wait", tmp_path, watch=lost)
    assert not is_running(noted_pid(tmp_path / "pid"))


def run_for_long(folder: Path) -> None:
    daemon = "setsid sh -c 'sleep 60 & echo $! > daemon; wait' &"
    unmarked = "env -i sleep 62 & echo $! > unmarked;"
    gate(f"{daemon} {unmarked} echo $$ > pid; sleep 61", folder, 60)


@linux
def test_it_dies_with_its_runner(tmp_path: Path) -> None:
    runner = get_context("spawn").Process(target=run_for_long, args=(tmp_path,))
    runner.start()
    pids = [noted_pid(tmp_path / name) for name in ("pid", "daemon", "unmarked")]
    assert all(is_running(pid) for pid in pids)
    assert runner.pid is not None
    os.kill(runner.pid, signal.SIGKILL)
    runner.join()
    wait_for(lambda: not any(is_running(pid) for pid in pids), 10)


def test_tools_see_no_key(tmp_path: Path) -> None:
    repo: Repo = new_repo(tmp_path)
    (tmp_path / "home/.rustup").mkdir(parents=True)
    secret = {"ANTHROPIC_API_KEY": "k", "HTTPS_PROXY": "http://u:p@h", "LC_TIME": "C", "TZ": "UTC"}
    config = repo.config(environ={**secret, "AXON_FAILPOINT": "x", "PATH": "/bin"})
    found = tool_environment(config, tmp_path / "h", tmp_path / "t")
    assert found["PATH"] == "/bin" and found["TZ"] == "UTC" and found["LC_TIME"] == "C"
    assert (found["HOME"], found["TMPDIR"]) == (str(tmp_path / "h"), str(tmp_path / "t"))
    assert found["RUSTUP_HOME"] == str(tmp_path / "home/.rustup")
    assert not {"ANTHROPIC_API_KEY", "HTTPS_PROXY", "AXON_FAILPOINT"} & found.keys()
    own = own_environment(config)
    assert own["HOME"] == str(tmp_path / "home") and "ANTHROPIC_API_KEY" not in own


def test_many_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    started = [get_context("spawn").Process(target=run_many, args=(f,)) for f in folders]
    for folder, process in zip(folders, started, strict=True):
        folder.mkdir()
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0, 0]


def run_many(folder: Path) -> None:
    for number in range(5):
        result = gate(f"echo {number}; exit {number}", folder)
        assert (result.code, result.output) == (number, f"{number}\n")
