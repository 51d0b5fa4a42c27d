"""A replayed team lets tasks begin and land as when it was recorded, whoever is faster now."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from axon.gateway import cassette
from axon.gateway.cassette import Kind, Step
from axon.tasks import State, Task
from axon.team.order import Scene, arranged, paired, to_begin, to_land
from tests.drive import Axon

FULL = bool(os.environ.get("AXON_STORM"))
NAMES = "ABCD"
# What it has found is part of what it asks and of what it leaves. SLOW: whom the machine holds up.
AGENT = """
import json, os, sys, time, urllib.request
url, key = os.environ["ANTHROPIC_BASE_URL"], os.environ["ANTHROPIC_API_KEY"]
prompt, name = sys.stdin.read(), os.environ["AXON_TITLE"].split()[-1]
found = " ".join(sorted(one for one in os.listdir(".") if one.endswith(".txt")))
for said in (prompt, f"{prompt} Files: {found}."):
    body = json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 100, "tools": [{"name": "x"}],
                       "messages": [{"role": "user", "content": said}]}).encode()
    request = urllib.request.Request(url + "/v1/messages", body, {"x-api-key": key})
    try:
        json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        sys.exit(error.read().decode())
if name in os.environ.get("AXON_MARK_SLOW", ""):
    time.sleep(0.7)
open(name + ".txt", "w").write(found)
"""


def shop(axon: Axon) -> Axon:
    """D needs A: when it is ready depends on what has landed."""
    axon.make_repository({"README.md": "hello\n", "agent.py": AGENT})
    axon.configure(
        engine={"name": "command", "command": "python3 agent.py"},
        limits={"backoff_seconds": 0.1},
        model={"replay_speed": 0.0},
    )
    for name in NAMES:
        axon.ok("task", "add", f"Make {name}", *(("--depends", "ENG-1") if name == "D" else ()))
    return axon


def team(axon: Axon, slow: str, *words: str) -> Any:
    axon.variables["AXON_MARK_SLOW"] = slow
    return axon("team", "--workers", "2", *words, seconds=300)


def recorded(axon: Axon) -> Path:
    tape, script = (axon.root.parent / name for name in ("tape.jsonl", "script.json"))
    script.write_text(json.dumps({"tasks": []}))
    done = team(axon, "A", "--record", str(tape), "--model-upstream", f"script:{script}")
    assert done.returncode == 0, done.stderr
    return tape


def again(axon: Axon, number: int) -> Axon:
    """The same project once more."""
    return shop(Axon(pyz=axon.pyz, root=axon.root.parent / f"again-{number}", cache=axon.cache))


def history(axon: Axon) -> list[str]:
    """What landed on the target, in its order, and what the project held after each."""
    return axon.git("log", "--first-parent", "--reverse", "--format=%s %T").splitlines()[1:]


def title_of(line: str) -> str:
    return line.partition(": ")[2].rpartition(" ")[0]


def test_replayed_tasks_land_as_they_did(axon: Axon) -> None:
    tape = recorded(shop(axon))
    then = history(axon)
    assert len(then) == len(NAMES)
    steps = cassette.read(tape).steps
    assert [s.title for s in steps if s.kind == "landed"] == [title_of(line) for line in then]
    others: Sequence[str] = ("BC", "AD", "B", "ABC", "CD", "D") if FULL else ("BC",)
    for number, slow in enumerate(others):
        other = again(axon, number)
        words = ("--land-batch", "4") if number % 2 else ()
        done = team(other, slow, "--model-upstream", f"cassette:{tape}", *words)
        assert done.returncode == 0, done.stderr
        assert history(other) == then
        assert "replay-mismatch" not in done.stdout

    fewer = again(axon, len(others))  # what cannot come is not waited for
    gone = steps[-1].title
    (name,) = (task["identifier"] for task in fewer.tasks() if task["title"] == gone)
    fewer.ok("task", "cancel", name)
    lenient = ("--model-upstream", f"cassette:{tape}", "--replay", "lenient")
    assert team(fewer, "BC", *lenient).returncode == 0
    assert history(fewer) == [line for line in then if title_of(line) != gone]


def landing(kind: Kind, name: str, after: str = "") -> Step:
    return Step(kind=kind, task=name, title=f"Make {name}", after=after)


A, B, C = (landing("begun", name) for name in "ABC")
LA, LB, LC = (landing("landed", name) for name in "ABC")
TAPE = (A, B, LB, landing("begun", "C", after="B"), LA, LC)


def scene(waiting: str = "", **states: str) -> Scene:
    """Each has been begun once, and decided once when it is done."""
    names = {
        "todo": State.TODO,
        "work": State.IN_PROGRESS,
        "review": State.REVIEW,
        "done": State.DONE,
        "canceled": State.CANCELED,
    }
    found = {name: names[state] for name, state in states.items()}
    begun = {name: 1 for name, state in states.items() if state in ("work", "review", "done")}
    return Scene(
        states=found,
        begun=begun,
        decided={name: 1 for name, state in states.items() if state == "done"},
        waiting=tuple(waiting or (n for n, s in states.items() if s == "review")),
        working="work" in states.values(),
        claimable=False,
    )


@pytest.mark.parametrize(
    ("now", "begins", "lands"),
    [
        (scene(A="todo", B="todo", C="todo"), "AB", ""),
        (scene(A="review", B="work", C="todo"), "", ""),  # B landed first
        (scene(A="review", B="review", C="todo"), "", "B"),
        (scene(A="review", B="done", C="todo"), "C", "A"),  # nobody begins C: go on
        (scene(A="review", B="done", C="work"), None, "A"),
        (scene(A="review", B="done", C="review"), None, "AC"),
        (scene(A="review", B="canceled", C="review"), None, "AC"),
        (scene(A="review", C="review"), "", "AC"),  # there is no B
        (scene(A="todo", B="done", C="review"), None, "C"),  # A may never come
        (scene(A="done", B="done", C="done", X="review"), None, "X"),
    ],
)
def test_whose_turn_it_is(now: Scene, begins: str | None, lands: str) -> None:
    assert to_begin(TAPE, now) == (None if begins is None else list(begins))
    assert to_land(TAPE, now).names == tuple(lands)


def test_somebody_who_may_still_come_is_waited_for() -> None:
    moving = Scene(
        states={"A": State.REVIEW, "B": State.TODO, "C": State.TODO},
        begun={"A": 1},
        waiting=("A",),
        claimable=True,
    )
    assert to_land(TAPE, moving).names == ()
    resting = scene(A="review", B="todo", C="todo")
    assert to_land(TAPE, resting).names == ("A",)
    assert [step.kind for step in to_land(TAPE, resting).passed] == ["begun", "landed", "begun"]


def test_one_that_came_back_then_and_does_not_now_holds_up_nobody() -> None:
    steps = (A, B, landing("rejected", "A"), landing("begun", "A"), LB, LA)
    ready = scene(A="review", B="review")
    assert to_land(steps, ready).names == ("A",)
    assert to_land(steps, scene(A="done", B="review")).names == ("B",)


def test_an_attempt_stands_where_its_files_show_that_it_began() -> None:
    """Its line may be written before that of the landing it has seen."""
    late = landing("begun", "C", after="A")
    assert arranged((A, B, late, LA, LB)) == (A, B, LA, late, LB)
    assert arranged((A, LA, B, LB)) == (A, B, LA, LB)
    second = landing("begun", "A")
    assert arranged((A, B, LB, landing("rejected", "A"), second, LA))[-2:] == (second, LA)


def test_tasks_are_known_by_their_titles() -> None:
    tasks = [
        Task(identifier="ENG-1", title="Make A", state=State.DONE),  # of a run before this one
        Task(identifier="ENG-2", title="Make B"),
        Task(identifier="ENG-3", title="Make A"),
    ]
    assert [step.task for step in paired((A, B, C), tasks, ())] == ["ENG-3", "ENG-2", ""]
    assert [step.task for step in paired((A, B, C), tasks[:2], ())] == ["ENG-1", "ENG-2", ""]


def test_an_older_cassette_has_no_order(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    cassette.create(path)
    assert cassette.read(path).steps == ()
    cassette.append(path, *(cassette.step_line(step) for step in TAPE))
    assert cassette.read(path).steps == TAPE
