"""How a run begins, goes on and ends as a person wants it: red gates, landing by hand, staying."""

import os
import signal
from pathlib import Path

import pytest

from axon.ledger import Event
from axon.tasks import State
from axon.team.pattern import SameFailure
from axon.team.room import fitting
from tests.drive import Axon, wait_for
from tests.test_team import add, shell


@pytest.fixture
def team(axon: Axon) -> Axon:
    axon.make_repository()
    shell(axon)
    return axon


# ── the gate on the untouched target ──


def test_a_gate_that_is_red_before_the_first_task_is_refused(team: Axon) -> None:
    shell(team, gate={"command": "echo it was broken before; exit 3"})
    add(team, "x", "echo x > x")

    done = team("team")

    assert done.returncode == 4
    assert "it was broken before" in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("axon: gate on main, which no agent has touched: exit 3")
    assert last.endswith("; mend main, or start with --allow-red")
    assert team.task("ENG-1")["attempts"] == 0, "no agent was set to work"
    assert team("team", "--allow-red").returncode == 1
    assert team.task("ENG-1")["state"] == "failed"


def test_what_was_green_is_not_tried_again(team: Axon) -> None:
    count = team.root.parent / "count"
    shell(team, gate={"command": f"echo x >> '{count}'"})
    outside = "--unsafe-no-sandbox"  # for the gate leaves its mark outside
    team.ok("team", outside)
    assert not count.exists(), "there was nothing to do"
    add(team, "fails", "exit 1")
    for _ in range(2):
        assert team("team", outside).returncode == 1
        team.ok("task", "retry", "ENG-1")
    assert count.read_text() == "x\n"
    team.git("commit", "--allow-empty", "-qm", "moved")
    team("team", outside)
    assert count.read_text() == "x\nx\n"


# ── landing by hand ──


def test_work_waits_in_review_until_a_person_lands_it(team: Axon) -> None:
    shell(team, gate={"command": "! test -e both || ! test -e second"})
    for name in ("first", "second"):
        add(team, name, f"echo {name} > {name}")

    out = team.ok("team", "--land", "manual", "--workers", "1")

    assert [t["state"] for t in team.tasks()] == ["review", "review"]
    assert "finished, in Review: ENG-1, ENG-2; axon land --all lands them" in out
    assert not (team.root / "first").exists()
    assert team("team", "--land", "manual").returncode == 0, "nothing is left to do"
    assert team("land", "ENG-9").returncode == 3
    said = team.ok("land", "ENG-2")
    assert said.startswith("ENG-2 landed on main as ") and "(verified)" in said
    assert (team.root / "second").read_text() == "second\n"
    assert team("land", "ENG-2").returncode == 4, "it is Done"
    (team.root / "both").write_text("")
    team.git("add", "both")
    team.git("commit", "-qm", "a person makes the gate red")
    done = team("land", "--all")
    assert done.returncode == 1
    assert "ENG-1 did not land (Todo): gate on the merge: exit 1" in done.stdout
    assert team.json("land", "--all") == {"tasks": []}


def test_no_more_is_begun_while_much_waits_for_a_person(team: Axon) -> None:
    shell(team, team={"max_review": 2}, land={"mode": "manual"})
    for name in "abcd":
        add(team, name, f"echo {name} > {name}")
    done = team("team", "--workers", "1")
    assert done.returncode == 1, "two tasks are not done"
    assert [t["state"] for t in team.tasks()] == ["review", "review", "todo", "todo"]
    assert "2 tasks wait in Review" in done.stdout


# ── what a guard finds ──


def test_what_a_guard_finds_waits_for_a_person(team: Axon) -> None:
    (team.root / "test_old.py").write_text("assert True\n")
    team.git("add", "-A")
    team.git("commit", "-qm", "a test")
    add(team, "lazy", "true", "--check", "true")
    add(team, "ruthless", "rm test_old.py; echo x > x", "--check", "test -s x")
    add(team, "leaky", "echo sk-ant-api03-$(printf a%.0s $(seq 90)) > y", "--check", "test -s y")

    done = team("team", "--workers", "1")

    assert done.returncode == 1
    questions = {q["identifier"]: q["question"] for q in team.json("status")["questions"]}
    assert "nothing was changed; answer approve to land it as it is" in questions["ENG-1"]
    assert "tests deleted: test_old.py" in questions["ENG-2"]
    assert "what looks like a secret added: y" in questions["ENG-3"]
    assert "sk-ant" not in str(questions)
    team.ok("task", "answer", "ENG-2", "approve")
    team.ok("task", "cancel", "ENG-1")
    team.ok("team")
    assert [t["state"] for t in team.tasks()] == ["canceled", "done", "blocked"]
    assert team.task("ENG-2")["attempts"] == 2 and not (team.root / "test_old.py").exists()


def test_what_blocks_is_the_projects_to_say(team: Axon) -> None:
    shell(team, guard={"block": ["secrets"]})
    add(team, "lazy", "true")
    team.ok("team")
    assert team.task("ENG-1")["state"] == "done"


# ── staying ──


def test_a_watching_team_takes_what_comes_and_ends_when_told(team: Axon) -> None:
    process = team.start("team", "--watch")
    wait_for(lambda: (team.root / ".axon/ledger.db").exists() and team.json("status")["run"])
    add(team, "came later", "echo x > x")
    wait_for(lambda: team.task("ENG-1")["state"] == "done")
    assert process.poll() is None
    team.ok("stop")
    assert process.wait(30) == 130
    wait_for(lambda: not team.processes())  # multiprocessing's own leave a moment later


def test_a_hang_up_has_the_configuration_read_again(team: Axon) -> None:
    engine = {"name": "command", "command": "echo before > $AXON_TASK"}
    team.configure(engine=engine)
    team.git("rm", "-q", "--cached", "axon.toml")
    team.git("commit", "-qm", "the configuration is not tracked")
    add(team, "one", "")
    process = team.start("team", "--watch", "--workers", "1")
    wait_for(lambda: team.task("ENG-1")["state"] == "done")
    (team.root / "axon.toml").write_text("[workspace\n")
    os.kill(process.pid, signal.SIGHUP)
    kept = wait_for(lambda: _events(team, "config_kept"))
    assert "axon.toml" in kept[0] and "is kept" in kept[0] and process.poll() is None
    engine["command"] = "echo after > $AXON_TASK"
    team.configure(engine=engine, team={"workers": 2})
    os.kill(process.pid, signal.SIGHUP)
    wait_for(lambda: _events(team, "config_reread"))
    add(team, "two", "")
    wait_for(lambda: team.task("ENG-2")["state"] == "done")
    assert (team.root / "ENG-1").read_text() == "before\n"
    assert (team.root / "ENG-2").read_text() == "after\n"
    assert not _events(team, "worker_died")
    team.ok("stop")
    assert process.wait(30) == 130


def _events(axon: Axon, action: str) -> list[str]:
    from axon.ledger import open_ledger

    ledger = open_ledger(f"file:{axon.root / '.axon/ledger.db'}")
    try:
        return [event.why for event in ledger.events() if event.action == action]
    finally:
        ledger.close()


def test_what_is_taken_up_again_is_said(team: Axon) -> None:
    assert "nothing to do" not in team("team", "--resume").stderr
    add(team, "long", "test -e go || { touch begun; sleep 60; }; echo x > x")
    process = team.start("team")
    work = team.root / ".axon/work/ENG-1"
    wait_for(lambda: (work / "begun").exists())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    Path(work / "go").touch()
    done = team("team", "--resume")
    assert "axon: goes on with ENG-1 (attempt 1" in done.stderr
    assert team.task("ENG-1")["state"] == "done"


# ── a fault of the surroundings ──


def test_a_fault_that_no_task_is_to_blame_for_ends_the_run_once(team: Axon) -> None:
    slow: dict[str, object] = {"backoff_seconds": 30}
    shell(team, workspace={"setup": "echo no such tool; exit 9"}, limits=slow)
    for n in range(8):
        add(team, f"task {n}", "true")
    done = team("team", "--workers", "1")
    assert done.returncode == 1
    assert "tasks in a row failed alike, so no task is to blame: set-up" in done.stdout
    assert 3 <= sum(t["attempts"] for t in team.tasks()) <= 8
    assert {t["state"] for t in team.tasks()} == {"todo"}


def event(action: str, identifier: str = "ENG-1", why: str = "setup: exit 9") -> Event:
    return Event(
        seq=1, at=0, identifier=identifier, run="r", actor="worker-1", action=action,
        before=State.IN_PROGRESS, after=State.TODO, attempt=1, why=why,
    )  # fmt: skip


def test_only_what_fails_alike_in_a_row_counts() -> None:
    three = [event("fail", f"ENG-{n}") for n in range(3)]
    assert "setup: exit 9" in SameFailure().after(three).reason
    assert not SameFailure().after([event("fail")] * 9).reason, "one task is not all"
    assert not SameFailure().after([*three[:2], event("land"), three[2]]).reason
    assert not SameFailure().after([*three[:2], event("fail", "ENG-7", "other"), three[2]]).reason
    own = [event("fail", f"ENG-{n}", "gate: exit 1: red") for n in range(9)]
    assert not SameFailure().after(own).reason, "agents fail their checks"
    gone = [event("fail", f"ENG-{n}", "gate: exit 127: not found") for n in range(3)]
    assert SameFailure().after(gone).reason


def test_workers_follow_the_room() -> None:
    gib = 1 << 30
    assert fitting(2, 24 * gib) == 4
    assert fitting(64, 24 * gib) == 16
    assert fitting(8, 3 * gib) == 3
    assert fitting(8, gib // 2) == 1
    assert fitting(1, None) == 2


def test_workers_may_be_chosen_by_axon(team: Axon) -> None:
    add(team, "x", "echo x > x")
    team.ok("team", "--workers", "auto")
    run = team.json("status")["run"]
    assert 1 <= run["workers"] <= 16
    assert team("team", "--workers", "many").returncode == 2
