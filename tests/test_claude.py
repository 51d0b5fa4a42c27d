"""The real SDK, the real agent CLI, real tools and git; only the model is played, on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.drive import Axon, wait_for

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-ant-loopback-0123456789"
Turn = dict[str, Any]


@dataclass
class Model:
    """A Messages API server in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@dataclass
class Stage:
    """A repository, and a way to put a played model beside it."""

    axon: Axon
    models: list[Model] = field(default_factory=list)

    def play(
        self,
        tasks: dict[str, list[Turn]],
        *,
        key: str = KEY,
        more: Sequence[dict[str, Any]] = (),
    ) -> Model:
        """Start the model and add a task for each title that it plays; `more`: other entries."""
        folder = self.axon.root.parent
        script = folder / "played.json"
        entries = [{"title": t, "turns": turns} for t, turns in tasks.items()]
        script.write_text(json.dumps({"tasks": [*entries, *more]}))
        log = folder / "requests.jsonl"
        words = ["--script", str(script), "--key", key, "--log", str(log)]
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "fake_model.py"), *words],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        self.axon.variables |= {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}
        for title in tasks:
            self.axon.ok("task", "add", title)
        self.models.append(Model(process, url, log))
        return self.models[-1]


@pytest.fixture
def stage(axon: Axon) -> Iterator[Stage]:
    axon.make_repository()
    axon.configure(limits={"backoff_seconds": 0.1}, engine={"model": "haiku"})
    axon.git("add", "-A")
    axon.git("commit", "-qm", "configure axon")
    found = Stage(axon)
    yield found
    for model in found.models:
        model.process.kill()
        model.process.communicate()


def bash(command: str, **more: Any) -> Turn:
    tool = {"name": "Bash", "input": {"command": command, "description": "work"}}
    return {"text": "I run it.", "tools": [tool], **more}


def says(text: str, **more: Any) -> Turn:
    return {"text": text, **more}


def test_a_team_works_through_the_endpoint(stage: Stage) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 100}
    model = stage.play(
        {
            name: [
                bash(f"env > seen; echo {name} > {name}.txt; rm -f x", usage=usage),
                bash("rm seen; git add -A; git commit -qm work", usage=usage),
                says("Done.", usage=usage),
            ]
            for name in ("alpha", "beta")
        }
    )

    stage.axon.ok("team", "--workers", "2")

    tasks = stage.axon.tasks()
    assert [t["state"] for t in tasks] == ["done", "done"]
    assert (stage.axon.root / "alpha.txt").read_text() == "alpha\n"
    requests = [r for r in model.requests() if r.get("usage")]
    assert {r["headers"]["x-api-key"] for r in requests} == {KEY}
    sums = [sum(r["usage"].get(k, 0) for r in requests) for k in ("input_tokens", "output_tokens")]
    assert sum(t["tokens"] for t in tasks) == sum(sums), "each request is metered, exactly"
    assert all(t["cost_usd"] > 0 for t in tasks)
    assert stage.axon.json("status")["run"]["cost_usd"] == pytest.approx(
        sum(t["cost_usd"] for t in tasks)
    )


def test_the_key_stays_with_the_gateway(stage: Stage) -> None:
    plain = bash("cat /proc/$PPID/environ")
    hidden = "open('/'.join(['', 'proc', str(os.getppid()), 'environ'])).read()"
    look = f'env > /dev/stderr; python3 -c "import os; print({hidden})"; git config -l'
    commit = bash("echo seen > seen.txt; git add -A; git commit -qm x")
    stage.play({"leak": [plain, bash(look), commit, says("Done.")]})
    stage.axon.ok("team", "--workers", "1")
    assert (stage.axon.root / "seen.txt").exists()
    story = stage.axon.ok("logs", "ENG-1", "--json")
    assert "ANTHROPIC_BASE_URL" in story
    assert '"denied"' in story, "a denied call is an event that the page shows"
    recorded = "".join(p.read_text() for p in (stage.axon.root / ".axon/sessions").iterdir())
    assert recorded.count('"kind":"denied"') == 1 and "may hold secrets" in recorded
    for path in (stage.axon.root / ".axon").rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_a_wrong_key_ends_the_run_at_once(stage: Stage) -> None:
    stage.play({"a": [says("hi")], "b": [says("hi")]}, key="another")
    started = time.monotonic()
    done = stage.axon("team", "--workers", "2")
    assert done.returncode == 5
    assert time.monotonic() - started < 10
    assert [(t["state"], t["attempts"]) for t in stage.axon.tasks()] == [("todo", 0)] * 2
    assert "Traceback" not in done.stderr
    assert "401" in done.stdout + done.stderr or "key" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "retry_after": 1},
        {"status": 529, "times": 2},
        {"status": 500},
        {"cut": True},
        {"refuse": True},
        {"malformed": True},
    ],
    ids=lambda fault: "-".join(map(str, fault)) + str(fault.get("status", "")),
)
def test_a_passing_fault_of_the_endpoint_is_sat_out(stage: Stage, fault: dict[str, Any]) -> None:
    commit = bash("git add -A; git commit -qm a", fault=fault)
    stage.play({"a": [bash("echo a > a.txt"), commit, says("x")]})
    stage.axon.ok("team", "--workers", "1")
    task = stage.axon.task("ENG-1")
    assert (task["state"], task["failures"]) == ("done", 0)
    assert (stage.axon.root / "a.txt").exists()


def test_a_long_rate_limit_pauses_the_team(stage: Stage) -> None:
    limit = {"status": 429, "retry_after": 600, "times": 9}
    stage.play({"a": [says("x", fault=limit)], "b": [says("x", fault=limit)]})
    process = stage.axon.start("team", "--workers", "2")
    pause = wait_for(lambda: stage.axon.json("status")["paused"])
    assert "rate limit" in pause["reason"] and pause["until"] > time.time() + 300
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 130
    assert all((t["state"], t["failures"]) == ("todo", 0) for t in stage.axon.tasks())


def test_an_endpoint_that_refuses_is_named(stage: Stage) -> None:
    model = stage.play({"a": [says("x")]})
    model.process.kill()
    model.process.wait()
    done = stage.axon("team")
    assert done.returncode == 5 and model.url in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert stage.axon.task("ENG-1")["attempts"] == 0


def test_without_any_key_it_says_what_to_set(stage: Stage) -> None:
    stage.axon.ok("task", "add", "x")
    done = stage.axon("team")
    assert done.returncode == 5 and "ANTHROPIC_API_KEY" in done.stderr


@pytest.mark.parametrize("kind", ["missing", "broken", "cut"])
def test_a_bad_agent_cli_is_named(stage: Stage, kind: str) -> None:
    stage.play({"a": [says("x")]})
    cli = stage.axon.root.parent / "claude"
    if kind == "broken":
        cli.write_text("#!/bin/sh\necho 'cannot start' >&2\nexit 3\n")
        cli.chmod(0o755)
    elif kind == "cut":
        cli.write_bytes(Path(sys.executable).resolve().read_bytes()[:4096])
        cli.chmod(0o755)
    stage.axon.variables["AXON_CLAUDE"] = str(cli)
    done = stage.axon("team")
    assert done.returncode == 5 and str(cli) in done.stderr and "Traceback" not in done.stderr
    assert stage.axon.task("ENG-1")["attempts"] == 0


def busy(stage: Stage) -> Callable[[], bool]:
    """Whether the agent has got as far as its long command."""
    return lambda: (stage.axon.root / ".axon/work/ENG-1/begun").exists()


LONG = "echo $$ >> begun; test -e ../../../go || { setsid sleep 300 & sleep 300; }; echo x > x"
WORK = {"slow": [bash(LONG), bash("git add -A; git commit -qm x"), says("Done.")]}


def test_a_killed_worker_takes_its_agent_along_and_the_session_goes_on(stage: Stage) -> None:
    model = stage.play(WORK)
    process = stage.axon.start("team", "--workers", "1")
    wait_for(busy(stage))
    worker = wait_for(lambda: stage.axon.json("status")["workers"])[0]
    (stage.axon.root / "go").touch()

    os.kill(worker["pid"], signal.SIGKILL)

    assert process.wait(60) == 0, process.communicate()
    task = stage.axon.task("ENG-1")
    assert (task["state"], task["attempts"], task["failures"]) == ("done", 2, 0)
    assert not stage.axon.processes()
    sessions = stage.axon.json("task", "show", "ENG-1")["sessions"]
    assert len(sessions) == 2
    assert len({s["engine_session"] for s in sessions if s["engine_session"]}) == 1, "resumed"
    assert model.requests()


def test_a_killed_coordinator_leaves_nothing_running(stage: Stage) -> None:
    stage.play(WORK)
    process = stage.axon.start("team", "--workers", "1")
    wait_for(busy(stage))
    process.kill()
    process.wait()
    wait_for(lambda: not stage.axon.processes(), 5)
    (stage.axon.root / "go").touch()

    stage.axon.ok("team", "--workers", "1")

    assert stage.axon.task("ENG-1")["state"] == "done"


def test_ctrl_c_parks_the_session(stage: Stage) -> None:
    stage.play(WORK)
    process = stage.axon.start("team", "--workers", "1")
    wait_for(busy(stage))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err and not stage.axon.processes()
    assert stage.axon.task("ENG-1")["state"] == "todo"
    (stage.axon.root / "go").touch()
    stage.axon.ok("team", "--workers", "1")
    task = stage.axon.task("ENG-1")
    assert (task["state"], task["failures"]) == ("done", 0)


def test_a_repositorys_own_settings_are_not_loaded(stage: Stage) -> None:
    hook = {"hooks": [{"type": "command", "command": "touch /tmp/axon-was-here"}]}
    settings = {"hooks": {"SessionStart": [hook], "PreToolUse": [{"matcher": "", **hook}]}}
    folder = stage.axon.root / ".claude"
    folder.mkdir()
    mark = stage.axon.root.parent / "mark"
    (folder / "settings.json").write_text(
        json.dumps(settings).replace("/tmp/axon-was-here", str(mark))
    )
    stage.axon.git("add", "-A")
    stage.axon.git("commit", "-qm", "settings")
    stage.play({"a": [bash("echo a > a"), says("Done.")]})
    stage.axon.ok("team")
    assert stage.axon.task("ENG-1")["state"] == "done" and not mark.exists()


def test_the_demo_runs_a_whole_team(axon: Axon) -> None:
    axon.root.mkdir()
    out = axon.ok("demo", "--keep", "kept", seconds=180)

    assert "Only the model is scripted" in out and "green on main" in out
    axon.root = axon.root / "kept"
    tasks = axon.tasks()
    assert [t["state"] for t in tasks] == ["done"] * 6 and all(t["verified"] for t in tasks)
    attempts = {t["title"]: t["attempts"] for t in tasks}
    assert attempts["Count words"] == 2, "its first attempt fails the check"
    pair = [t for t in tasks if t["title"].startswith("Add ")]
    assert sorted(t["attempts"] for t in pair) == [1, 2], "the second to land meets a conflict"
    suite = subprocess.run([sys.executable, "-m", "unittest", "-q"], cwd=axon.root, check=False)
    assert suite.returncode == 0
