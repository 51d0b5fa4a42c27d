"""What does not go on by itself is found, said once, and mended where that is safe."""

import json
import os
import signal
import socket
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from axon.config import load_config
from axon.ledger import Ledger, Run, Usage, WorkerStatus, ledger_from
from axon.ledger.stale import stale_tasks
from axon.mcp.answers import Caller
from axon.mcp.tools import call
from axon.monitoring.heartbeat import NAME, SILENT_SECONDS, Concern, Heartbeat, concerns
from axon.tasks import State
from axon.team.recovery import exists, recover
from axon.team.status import team_view
from tests.drive import Axon, wait_for
from tests.world import World, add, claim, landing, session, started

HOUR = 3600.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".axon" / "sessions").mkdir(parents=True)
    return tmp_path / ".axon"


def watch(ledger: Ledger, folder: Path) -> Heartbeat:
    return Heartbeat(
        ledger=ledger,
        folder=folder,
        stale_hours=2,
        exists=exists,
        mend=partial(recover, seconds=0.0),
    )


def look(world: World, ledger: Ledger, folder: Path) -> list[Concern]:
    sessions = folder / "sessions"
    return concerns(ledger, world.wall, exists, stale_hours=2, recordings=sessions)


def said(ledger: Ledger) -> list[str]:
    return [event.why for event in ledger.latest(action="heartbeat")]


def a_dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


# ── stale tasks ──


def test_a_task_is_stale_when_nothing_comes_of_it(
    world: World, ledger: Ledger, folder: Path
) -> None:
    def stale() -> list[str]:
        found = stale_tasks(ledger, hours=2, now=world.wall, recordings=folder / "sessions")
        return [one.task.identifier for one in found]

    add(ledger, "held", "not begun")
    held = claim(ledger, seconds=1e6)
    world.sleep(2 * HOUR + 1)
    assert stale() == ["ENG-1"], "and what nobody has begun is not"
    ledger.record("phase", actor="w1", identifier="ENG-1")
    assert stale() == []
    world.sleep(2 * HOUR + 1)
    ledger.record("heartbeat", actor="heartbeat", identifier="ENG-1")
    assert stale() == ["ENG-1"], "to say so is no progress"
    ledger.start_session(session(held), token_hash="t", claim=held)
    world.sleep(2 * HOUR + 1)
    ledger.spend(Usage(session="s1", model="haiku", status=200))
    assert stale() == [], "its agent asks the model"
    world.sleep(2 * HOUR + 1)
    assert stale() == ["ENG-1"]
    recording = folder / "sessions" / "s1.jsonl"
    recording.write_text("")
    os.utime(recording, (world.wall - 60, world.wall - 60))
    assert stale() == [], "its recording grows"
    ledger.submit(held, commit="c1", verified=True)
    world.sleep(2 * HOUR + 1)
    assert stale() == ["ENG-1"]
    ledger.landed(landing(ledger), "ENG-1", commit="m", target="main", verified=True)
    world.sleep(9 * HOUR)
    assert stale() == []


def test_mcp_and_heartbeat_agree_on_what_is_stale(
    world: World, ledger: Ledger, folder: Path
) -> None:
    world.wall = 1000.0  # the tool asks the real clock
    add(ledger, "a", "b", "c")
    claim(ledger, seconds=1e9)
    ledger.move("ENG-2", State.IN_PROGRESS)
    caller = Caller(ledger=ledger, actor="mcp", team="ENG", stale_hours=3)
    answer = json.loads(call(caller, "Task_GetStaleIssues", {}))
    ours = stale_tasks(ledger, hours=3, now=1_900_000_000.0)
    assert [one["identifier"] for one in answer["issues"]] == [one.task.identifier for one in ours]
    assert answer["count"] == 2 and answer["threshold_hours"] == 3


# ── the beat ──


def test_each_finding_is_said_once_and_again_when_it_changed(
    world: World, ledger: Ledger, folder: Path
) -> None:
    add(ledger, "held")
    ledger.move("ENG-1", State.IN_PROGRESS)
    world.sleep(3 * HOUR)
    beats = watch(ledger, folder)
    assert beats.beat(world.wall) == [], "it may be the clock that jumped"
    (news,) = beats.beat(world.wall)
    assert news.kind == "stale_task" and news.identifier == "ENG-1" and not news.mended
    assert beats.beat(world.wall + HOUR) == []
    for _ in range(2):  # another process, which has only what was kept
        assert watch(ledger, folder).beat(world.wall) == []
    again = watch(ledger, folder)
    again.beat(world.wall)
    assert again.beat(world.wall) == [] and len(said(ledger)) == 1
    (folder / NAME).write_bytes(b"\xff no JSON")
    lost = watch(ledger, folder)
    lost.beat(world.wall)
    assert lost.beat(world.wall) == [], "the history says it too"
    ledger.comment("ENG-1", "I am at it")
    world.sleep(3 * HOUR)
    beats.beat(world.wall)
    (news,) = beats.beat(world.wall)
    assert news.kind == "stale_task" and len(said(ledger)) == 2


def test_what_was_said_before_a_kill_is_not_said_again(
    world: World, ledger: Ledger, folder: Path
) -> None:
    """Killed after the event and before it was kept: the event counts."""
    add(ledger, "held")
    ledger.move("ENG-1", State.IN_PROGRESS)
    world.sleep(3 * HOUR)
    beats = watch(ledger, folder)
    beats.beat(world.wall)
    assert beats.beat(world.wall)
    (folder / NAME).unlink()
    after = watch(ledger, folder)
    assert after.beat(world.wall) == after.beat(world.wall) == []


def test_a_clock_that_jumps_raises_no_alarm(world: World, ledger: Ledger, folder: Path) -> None:
    add(ledger, "held")
    held = claim(ledger, seconds=1e6)
    ledger.start_session(session(held), token_hash="t", claim=held)
    beats = watch(ledger, folder)
    beats.beat(world.wall)
    world.wall += 50 * HOUR
    assert beats.beat(world.wall) == []
    ledger.spend(Usage(session="s1", model="haiku", status=200))
    world.sleep(300)
    assert beats.beat(world.wall) == [] and said(ledger) == []


def test_two_teams_look_in_turn(world: World, ledger: Ledger, folder: Path) -> None:
    add(ledger, "held")
    ledger.move("ENG-1", State.IN_PROGRESS)
    world.sleep(3 * HOUR)
    beats = watch(ledger, folder)
    beats.beat(world.wall)
    other = ledger.lease("heartbeat", "another process", 60)
    assert other is not None and beats.beat(world.wall) == []
    ledger.drop_lease(other)
    assert len(beats.beat(world.wall)) == 1


def test_a_worker_that_says_nothing_is_found(world: World, ledger: Ledger, folder: Path) -> None:
    started(ledger)
    add(ledger, "held")
    status = WorkerStatus(
        name="worker-1", run="run-1", pid=1, identifier="ENG-1", updated_at=world.wall
    )
    ledger.set_worker(status)
    ledger.set_worker(replace(status, name="landing", updated_at=world.wall - HOUR))
    assert look(world, ledger, folder) == []
    world.wall += SILENT_SECONDS + 1
    (silent,) = look(world, ledger, folder)
    assert silent.kind == "silent_worker" and "worker-1 with ENG-1" in silent.what
    beats = watch(ledger, folder)
    assert beats.beat(world.wall) == []
    assert [news.subject for news in beats.beat(world.wall)] == ["run-1 worker-1"]
    ledger.set_worker(replace(status, updated_at=world.wall))
    assert look(world, ledger, folder) == []


def test_a_run_without_coordinator_is_ended_once_its_processes_are_gone(
    world: World, ledger: Ledger, folder: Path
) -> None:
    def begin(name: str, pid: int, host: str = "") -> None:
        run = Run(
            id=name,
            pid=pid,
            host=host or socket.gethostname(),
            target="main",
            engine="command",
            workers=1,
        )
        ledger.start_run(run, 20)

    add(ledger, "of the dead", "of the living", "of another host")
    begin("dead", a_dead_pid())
    begin("stopped", os.getpid())
    begin("away", a_dead_pid(), "another.example")
    for name in ("dead", "stopped", "away"):
        claim(ledger, worker=f"w-{name}", run=name, seconds=1e6)
    world.sleep(60)
    found = {one.subject: one for one in look(world, ledger, folder)}
    assert found.keys() == {"dead", "stopped", "away"}
    assert "kill -CONT" in found["stopped"].fix and "another.example" in found["away"].fix
    beats = watch(ledger, folder)
    assert [(one.subject, one.mended) for one in beats.beat(world.wall)] == [("dead", True)]
    later = {one.subject: one.mended for one in beats.beat(world.wall)}
    assert later == {"stopped": False, "away": False}, "they may only have been slow"
    assert ledger.run("dead").ended_at is not None and ledger.run("stopped").ended_at is None
    states = [ledger.task(f"ENG-{n}").state for n in (1, 2, 3)]
    assert states == [State.TODO, State.IN_PROGRESS, State.IN_PROGRESS]
    assert beats.beat(world.wall) == [] and len(said(ledger)) == 3


def test_a_dead_lease_is_given_back(world: World, ledger: Ledger, folder: Path) -> None:
    add(ledger, "held")
    claim(ledger, seconds=30)
    world.sleep(31)
    watch(ledger, folder).beat(world.wall)
    assert ledger.task("ENG-1").state is State.TODO


def test_a_full_disk_costs_a_repetition_and_no_more(
    world: World, ledger: Ledger, folder: Path
) -> None:
    """What cannot be kept beside the ledger is in its history."""
    add(ledger, "held")
    ledger.move("ENG-1", State.IN_PROGRESS)
    world.sleep(3 * HOUR)
    (folder / NAME).mkdir()  # nothing can be put in its place
    beats = watch(ledger, folder)
    beats.beat(world.wall)
    assert len(beats.beat(world.wall)) == 1
    assert beats.beat(world.wall) == []
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_status_shows_it(world: World, ledger: Ledger, folder: Path) -> None:
    add(ledger, "held")
    ledger.move("ENG-1", State.IN_PROGRESS)
    world.sleep(3 * HOUR)
    (shown,) = team_view(ledger, folder / "sessions", world.wall, stale_hours=2)["concerns"]
    assert shown["kind"] == "stale_task" and shown["subject"] == "ENG-1" and shown["fix"]
    assert team_view(ledger, folder / "sessions", world.wall, stale_hours=4)["concerns"] == []


# ── as a person meets it ──


def test_a_team_finds_a_killed_one_and_says_so(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(
        engine={"name": "command", "command": "echo $$ >> begun; sleep 60"},
        gate={"command": "true"},
        heartbeat={"minutes": 0.01},
    )
    axon.ok("task", "add", "Sleep")
    team = axon.start("team", "--workers", "1", "--watch")
    wait_for(lambda: axon.task("ENG-1")["state"] == "in_progress", 60)
    run = axon.json("status")["run"]["id"]
    other = axon.start("team", "--workers", "1", "--watch")
    wait_for(lambda: _runs(axon) == 2, 60)
    os.kill(team.pid, signal.SIGKILL)
    events = wait_for(lambda: _mended(axon), 90)
    assert [e["run"] for e in events] == [run]
    wait_for(lambda: axon.task("ENG-1")["attempts"] == 2, 60)
    assert len(_mended(axon)) == 1
    os.kill(other.pid, signal.SIGTERM)
    other.communicate(timeout=60)


def _events(axon: Axon) -> list[dict[str, Any]]:
    config = load_config(Namespace(), axon.root, {})
    ledger = ledger_from(config)
    try:
        return [
            {"action": e.action, "run": e.run, "data": e.data} for e in ledger.events(limit=10_000)
        ]
    finally:
        ledger.close()


def _mended(axon: Axon) -> list[dict[str, Any]]:
    found = [event for event in _events(axon) if event["action"] == "heartbeat"]
    return [event for event in found if event["data"]["mended"]]


def _runs(axon: Axon) -> int:
    return sum(1 for event in _events(axon) if event["action"] == "run_started")
