"""How far the work has come is told by what happened, and nothing is done twice because of it."""

import os
import signal
from typing import Any

import pytest

from axon.engines import EngineEvent
from axon.ledger import Event
from axon.team.attempt.phases import PHASES, ResumePoint, advanced, phase_of, resume_point
from tests.drive import Axon, wait_for
from tests.test_team import add, shell


def tool(name: str, **given: Any) -> EngineEvent:
    return EngineEvent(kind="tool", tool=name, input=given)


@pytest.mark.parametrize(
    ("event", "phase"),
    [
        (EngineEvent(kind="init"), "orient"),
        (EngineEvent(kind="text", text="I am done, all is committed"), ""),
        (tool("Read", file_path="a"), "research"),
        (tool("TodoWrite"), "planning"),
        (tool("Edit", file_path="a"), "implementation"),
        (tool("Agent", subagent_type="testing"), "testing"),
        (tool("Agent", subagent_type="somebody"), ""),
        (tool("Bash", command="cd x && python -m pytest -q"), "testing"),
        (tool("Bash", command="make gate"), "testing"),
        (tool("Bash", command="git add -A && git commit -qm 'x'"), ""),  # it may be half the work
        (tool("Bash", command="echo git, commit"), ""),
        (tool("Bash", command="echo 'unbalanced"), ""),
        (tool("Bash", command="ls"), ""),
    ],
)
def test_the_phase_follows_from_the_event(event: EngineEvent, phase: str) -> None:
    assert phase_of(event, "make gate") == phase


def test_phases_go_forward_but_for_mending() -> None:
    assert advanced("", "orient") and advanced("research", "implementation")
    assert not advanced("implementation", "research")
    assert advanced("testing", "implementation") and not advanced("testing", "research")
    assert all(not advanced(phase, phase) for phase in PHASES)


def event(action: str, why: str = "", **data: Any) -> Event:
    return Event(
        seq=0, at=0, identifier="ENG-1", run="", actor="", action=action, before=None, after=None,
        attempt=1, why=why, data=data,
    )  # fmt: skip


def test_a_commit_that_was_made_is_built_upon() -> None:
    made = [event("phase", phase="testing"), event("phase", phase="commit", commit="c1")]
    gate = event("gate", passed=True, commit="c1")
    assert resume_point(made) == ResumePoint(phase="commit", commit="c1")
    assert resume_point([*made, gate, event("release")]).judged
    assert not resume_point([*made, event("gate", passed=True, commit="c0")]).judged
    for undone in ("fail", "answer", "retry", "reopen"):
        assert resume_point([*made, gate, event(undone)]) == ResumePoint()
    review = event("phase", phase="review", commit="c1")
    overruled = [*made, gate, review, event("ask"), event("answer", why="Approve.")]
    point = resume_point(overruled)
    assert (point.commit, point.judged, point.reviewed) == ("c1", True, True)
    assert resume_point([*made, gate, event("ask"), event("answer", why="mend it")]).commit == ""
    assert resume_point([*made, event("release", why="waits for its parts")]) == ResumePoint()
    assert resume_point([event("phase", phase="testing")]) == ResumePoint(phase="testing")


def test_a_worker_killed_at_the_gate_leaves_only_the_gate_to_be_run(axon: Axon) -> None:
    axon.make_repository()
    go = axon.root / "go"
    shell(
        axon,
        gate={
            "command": f"touch at-the-gate; until test -e '{go}'; do sleep 0.1; done",
            "allow_red": True,
        },
    )
    add(axon, "x", "echo $$ >> worked")
    process = axon.start("team", "--workers", "1")
    wait_for(lambda: (axon.root / ".axon/work/ENG-1/at-the-gate").exists())
    workers = wait_for(lambda: [w for w in axon.json("status")["workers"] if w["identifier"]])

    os.kill(workers[0]["pid"], signal.SIGKILL)
    go.touch()

    assert process.wait(60) == 0
    task = axon.json("task", "show", "ENG-1")
    assert (task["state"], task["attempts"]) == ("done", 2)
    assert len((axon.root / "worked").read_text().split()) == 1
    assert len(task["sessions"]) == 1
    assert not (axon.root / "at-the-gate").exists(), "what a gate leaves is no work"
