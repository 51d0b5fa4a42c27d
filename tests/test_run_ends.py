"""Why a solo run ends, and the exit code that tells: from the built file, a shell as the agent."""

import signal
from typing import Any

import pytest

from tests.drive import Axon, wait_for
from tests.test_plan import does, script
from tests.test_team import add, shell


@pytest.fixture
def solo(axon: Axon) -> Axon:
    axon.make_repository()
    shell(axon)
    return axon


def test_nothing_left_or_a_failed_task(solo: Axon) -> None:
    add(solo, "fine", "echo x > x", "--check", "test -s x")
    assert solo("run").returncode == 0
    assert "nothing to do" in solo("run").stderr
    add(solo, "hopeless", "true", "--check", "false")
    done = solo("run")
    assert (done.returncode, solo.task("ENG-2")["state"]) == (1, "failed")


def test_iterations_and_tasks_bound_it(solo: Axon) -> None:
    add(solo, "hopeless", "true", "--check", "false")
    for name in ("b", "c"):
        add(solo, name, f"echo {name} > {name}")
    done = solo("run", "--max-iterations", "1")
    assert done.returncode == 0 and "made 1 iterations" in done.stdout
    assert [t["attempts"] for t in solo.tasks()] == [1, 0, 0]
    solo.ok("task", "cancel", "ENG-1")
    assert solo("run", "--max-tasks", "1").returncode == 0
    assert [t["attempts"] for t in solo.tasks()] == [1, 1, 0]
    assert solo("run", "--max-iterations", "0").returncode == 2


def test_a_pause_of_a_person_ends_it_after_the_task(solo: Axon) -> None:
    wait = f"echo x > begun; until test -e '{solo.root}/go'; do sleep 0.1; done"
    add(solo, "first", wait)
    add(solo, "second", "echo y > y")
    process = solo.start("run", "--max-iterations", "9")
    wait_for(lambda: (solo.root / ".axon/work/ENG-1/begun").exists())
    solo.ok("pause", "--reason", "lunch")
    (solo.root / "go").touch()

    out, err = process.communicate(timeout=60)

    assert process.returncode == 1, err
    assert "paused: lunch; axon resume, then start again" in out
    assert [t["state"] for t in solo.tasks()] == ["done", "todo"]
    assert solo("run").returncode == 1, "it still holds"
    solo.ok("resume")
    assert solo("run").returncode == 0


@pytest.mark.parametrize("by", ["signal", "command"])
def test_a_person_stops_it(solo: Axon, by: str) -> None:
    add(solo, "slow", "echo x > begun; sleep 60")
    process = solo.start("run")
    wait_for(lambda: (solo.root / ".axon/work/ENG-1/begun").exists())
    if by == "signal":
        process.send_signal(signal.SIGINT)
    else:
        solo.ok("stop")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err
    task = solo.task("ENG-1")
    assert (task["state"], task["failures"]) == ("todo", 0)


# ── with the real CLI ──


@pytest.fixture
def real(axon: Axon) -> Axon:
    axon.make_repository()
    axon.configure(limits={"backoff_seconds": 0.1}, review={"when": "never"})
    axon.git("add", "-A")
    axon.git("commit", "-qm", "configure axon")
    return axon


def entry(title: str, **first: Any) -> dict[str, Any]:
    begin, *rest = does(f"echo x > {title}")
    return {"title": title, "turns": [{**begin, **first}, *rest]}


def test_the_budget_ends_it(real: Axon) -> None:
    dear = entry("one", usage={"input_tokens": 100_000, "output_tokens": 1000})
    real.ok("task", "add", "one")
    done = real("run", "--budget-usd", "0.01", "--model-upstream", script(real, [dear]))
    assert done.returncode == 1 and "budget" in done.stdout
    assert real.task("ENG-1")["failures"] == 0


def test_what_retrying_cannot_help_ends_it_at_once(real: Axon) -> None:
    refused = entry("one", fault={"status": 401, "times": 99})
    for title in ("one", "two"):
        real.ok("task", "add", title)
    done = real("run", "--model-upstream", script(real, [refused]))
    assert done.returncode == 5, done.stdout
    assert [(t["state"], t["failures"]) for t in real.tasks()] == [("todo", 0)] * 2


def test_its_options_have_effect(real: Axon) -> None:
    words = ("one", "--team", "OPS", "--model", "opus", "--no-dashboard", "--target", "main")
    upstream = script(real, [entry("one")])
    real.ok("run", *words, "--skip-preflight", "--model-upstream", upstream)
    task = real.json("task", "show", "OPS-1")
    assert task["state"] == "done"
    assert [session["model"] for session in task["sessions"]] == ["opus"]
    real.variables["AXON_CLAUDE"] = "/bin/false"
    tried = real("run", "two", "--model-upstream", upstream)
    assert tried.returncode == 5 and "/bin/false" in tried.stderr, "preflight tries the CLI"


def test_a_long_name_of_the_temporary_folder_is_no_traceback(axon: Axon) -> None:
    """Sockets have room for some hundred bytes of path; a run keeps its own in a shorter place."""
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": "echo x > $AXON_TASK"})
    long = axon.root.parent / ("t" * 120)
    long.mkdir()
    axon.variables["TMPDIR"] = str(long)
    axon.ok("task", "add", "Work", "--check", "true")
    done = axon("team", "--workers", "1")
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert axon.task("ENG-1")["state"] == "done"
