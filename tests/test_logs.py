"""`axon logs` tells the story of a task: what its agents did between its moves."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from axon.core.recorder import Recorder
from axon.engines import EngineEvent
from axon.ledger import Ledger, Run, Session, open_ledger
from axon.tasks import Claim, Draft

ROOT = Path(__file__).resolve().parent.parent


class Project:
    """A project with one task, and an agent's work on it as the ledger and the recorder see it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.children: list[subprocess.Popen[str]] = []
        self.state = root / ".axon"
        self.state.mkdir()
        self.ledger: Ledger = open_ledger(f"file:{self.state}/ledger.db", create=True)
        first = Draft(title="Fix the parser", key="first")
        self.ledger.add([first, Draft(title="Nobody's yet", depends=("first",))])
        run = Run(id="run-1", pid=os.getpid(), host="h", target="main", engine="claude", workers=1)
        self.ledger.start_run(run, 60)

    def claim(self) -> Claim:
        task = self.ledger.claim(worker="w1", run="run-1", lease_seconds=60)
        assert task is not None
        return Claim(identifier=task.identifier, token=task.token, worker="w1", run="run-1")

    def session(self, claim: Claim, name: str) -> Recorder:
        session = Session(
            id=name,
            identifier=claim.identifier,
            attempt=claim.token,
            run="run-1",
            worker="w1",
            engine="claude",
            model="haiku",
            started_at=time.time(),
        )
        self.ledger.start_session(session, token_hash=name, claim=claim)
        return Recorder(self.state, name, lambda value: value)

    def attempt(self, name: str, said: str, why: str) -> None:
        claim = self.claim()
        with self.session(claim, name) as recorder:
            recorder.write(EngineEvent(kind="text", text=said))
            recorder.write(EngineEvent(kind="tool", tool="Bash", input={"command": "pytest -q"}))
        self.ledger.end_session(name, outcome="finished", turns=2)
        self.ledger.record(
            "gate",
            actor="w1",
            identifier=claim.identifier,
            run="run-1",
            why=why,
            data={"passed": False, "log": f"sessions/{name}.gate.log"},
        )
        self.ledger.fail(claim, why)

    def start(self, *options: str) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, "-m", "axon", "logs", *options],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.children.append(child)
        return child

    def logs(self, *options: str) -> tuple[int, str, str]:
        child = self.start(*options)
        out, errors = child.communicate(timeout=60)
        return child.returncode, out, errors

    def close(self) -> None:
        for child in self.children:
            child.kill()
            child.wait()
            for stream in (child.stdout, child.stderr):
                if stream:
                    stream.close()
        self.ledger.close()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.close()


def test_sessions_gates_and_moves_stand_in_the_order_of_time(project: Project) -> None:
    project.attempt("s1", "I will read it.", "1 failed")
    code, out, errors = project.logs("ENG-1")
    assert (code, errors) == (0, "")
    told = ["added", "claimed", "attempt 1", "I will read it.", "$ pytest -q", "gate-red"]
    told += ["whole output: .axon/sessions/s1.gate.log", "retrying"]
    places = [out.index(part) for part in told]
    assert places == sorted(places)
    assert "attempt 1 · w1 · claude haiku · " in out and " · finished · 0:00 · 2 turns" in out
    assert "\x1b" not in out


def test_one_session_of_several(project: Project) -> None:
    project.attempt("s1", "first words", "red")
    wait_for(lambda: project.ledger.ready_in() == 0)
    project.attempt("s2", "second words", "red")
    code, out, _ = project.logs("ENG-1", "--session", "s2")
    assert code == 0 and "second words" in out
    assert "first words" not in out and "claimed" not in out
    assert "first words" in project.logs("ENG-1")[1]

    code, out, errors = project.logs("ENG-1", "--session", "../s1")
    assert (code, out) == (3, "") and errors.count("\n") == 1


def test_json_is_the_recorded_events_with_their_session(project: Project) -> None:
    project.attempt("s1", "odd \ud800\x1b", "red")
    code, out, _ = project.logs("ENG-1", "--json")
    assert code == 0
    first, second = map(json.loads, out.splitlines())
    assert first.pop("at") >= 0
    assert first == {"session": "s1", "seq": 1, "kind": "text", "text": "odd \ud800\x1b"}
    assert (second["kind"], second["tool"]) == ("tool", "Bash")


def test_an_unknown_task_and_one_nobody_has_worked_on(project: Project) -> None:
    code, out, errors = project.logs("ENG-9")
    assert (code, out) == (3, "") and errors.startswith("axon: ") and errors.count("\n") == 1
    code, out, errors = project.logs("ENG-2")
    assert (code, errors) == (0, "")
    assert out.endswith("ENG-2 has no sessions: no agent has worked on it yet\n")
    assert project.logs("ENG-2", "--json") == (0, "", "")


def test_without_a_ledger_the_error_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".axon").mkdir()
    command = [sys.executable, "-m", "axon", "logs", "ENG-1"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 6 and done.stderr.count("\n") == 1


def test_a_session_without_its_file_or_with_a_damaged_one_is_still_told(project: Project) -> None:
    project.attempt("s1", "words", "red")
    path = project.state / "sessions" / "s1.jsonl"
    path.write_bytes(b"\0" * 100 + b"\n" + path.read_bytes() + b'{"seq": 3, "ki')
    assert "damaged: 100 bytes" in project.logs("ENG-1")[1]
    path.unlink()
    code, out, _ = project.logs("ENG-1")
    assert code == 0 and "attempt 1" in out


def test_following_goes_on_over_attempts_until_the_task_has_ended(project: Project) -> None:
    child = project.start("ENG-1", "--follow")
    seen = Lines(child)
    seen.until("added")
    project.attempt("s1", "first try", "red")
    seen.until("first try")
    seen.until("retrying")
    wait_for(lambda: project.ledger.ready_in() == 0)
    claim = project.claim()
    with project.session(claim, "s2") as recorder:
        recorder.write(EngineEvent(kind="text", text="second try"))
        seen.until("running")
        seen.until("second try")
    project.ledger.end_session("s2", outcome="finished", turns=1)
    seen.until("── finished · 0:0")
    project.ledger.change("ENG-1", "cancel")
    seen.until("canceled")
    assert child.wait(30) == 0
    assert child.stdout is not None and child.stdout.read() == ""
    told = "".join(seen.lines)
    assert all(told.count(part) == 1 for part in ("added", "first try", "second try"))


class Lines:
    """What a child prints, as it comes."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self.child = child
        self.lines: list[str] = []

    def until(self, part: str) -> None:
        """Read on until a line holds `part`; the test's own time limit ends it otherwise."""
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.append(line)
            if part in line:
                return
        raise AssertionError(f"{part!r} was never printed: {self.lines}")


def wait_for(fact: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.01)
