"""axon run: an orchestrator with real subagents, one task after the other, and when it stops."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.drive import Axon, wait_for
from tests.test_plan import APPROVE, answers, script
from tests.test_review import REVIEW

Turn = dict[str, Any]
STORM = os.environ.get("AXON_STORM") == "1"  # killed in each phase, not only in some


@pytest.fixture
def project(axon: Axon) -> Iterator[Axon]:
    axon.make_repository()
    axon.configure(limits={"backoff_seconds": 0.1}, engine={"model": "haiku"})
    axon.git("add", "-A")
    axon.git("commit", "-qm", "configure axon")
    yield axon


def call(tool: str, **given: Any) -> Turn:
    return {"tools": [{"name": tool, "input": given}]}


def bash(command: str) -> Turn:
    return call("Bash", command=command, description="work")


def delegate(agent: str, prompt: str) -> Turn:
    return call("Agent", subagent_type=agent, description=agent, prompt=prompt)


def worked(name: str) -> list[dict[str, Any]]:
    """A task whose coding agent writes a file and whose testing agent checks it."""
    return [
        {
            "title": f"Make {name}",
            "turns": [
                delegate("coding", f"Write {name}.txt with one line."),
                delegate("testing", f"Check that {name}.txt is not empty."),
                bash("git add -A && git commit -qm work"),
                {"text": "Written, checked and committed."},
            ],
            "agents": {
                "coding": [bash(f"echo {name} > {name}.txt"), {"text": "Written."}],
                "testing": [bash(f"test -s {name}.txt && echo ok"), {"text": "It is there."}],
            },
        },
        {"title": f"Make {name}", "says": REVIEW, "turns": [answers(APPROVE), {"text": "."}]},
    ]


def events(project: Axon, identifier: str, action: str) -> list[dict[str, Any]]:
    found = project.json("task", "show", identifier)["events"]
    return [event for event in found if event["action"] == action]


def phases(project: Axon, identifier: str) -> list[str]:
    return [event["data"]["phase"] for event in events(project, identifier, "phase")]


def test_three_tasks_by_delegation(project: Axon) -> None:
    tasks = [entry for name in ("a", "b", "c") for entry in worked(name)]
    for name in ("a", "b", "c"):
        project.ok("task", "add", f"Make {name}", "--check", f"test -s {name}.txt")

    project.ok("run", "--model-upstream", script(project, tasks), seconds=150)

    assert [t["state"] for t in project.tasks()] == ["done"] * 3
    assert (project.root / "b.txt").read_text() == "b\n"
    assert phases(project, "ENG-2") == [
        "orient", "implementation", "testing", "commit", "review", "land", "notify",
    ]  # fmt: skip
    assert "notify: skipped: no server can send" in project.ok("logs", "ENG-2")
    told = project.ok("logs", "ENG-2", "--json")
    agents = {json.loads(line).get("agent", "") for line in told.splitlines()}
    assert {"coding", "testing"} <= agents, "subagents' own calls are recorded"


def test_iterations_bound_the_run(project: Axon) -> None:
    for name in ("a", "b"):
        project.ok("task", "add", f"Make {name}", "--check", f"test -s {name}.txt")
    upstream = script(project, worked("a") + worked("b"))
    out = project.ok("run", "--max-iterations", "1", "--model-upstream", upstream)
    assert sorted(t["state"] for t in project.tasks()) == ["done", "todo"]
    assert "1 iterations" in out


def test_a_claim_of_being_done_is_not_believed(project: Axon) -> None:
    project.ok("task", "add", "Make a", "--check", "test -s a.txt")
    upstream = script(
        project, [{"title": "Make a", "turns": [{"text": "All done, tests pass!"}] * 9}]
    )
    done = project("run", "--model-upstream", upstream)
    assert (done.returncode, project.task("ENG-1")["state"]) == (1, "failed")
    sessions = project.json("task", "show", "ENG-1")["sessions"]
    assert len({s["engine_session"] for s in sessions}) == 3, "each begins with a fresh context"


def test_a_question_is_answered_and_its_session_goes_on(project: Axon) -> None:
    entry, review = worked("a")
    ask = call("mcp__axon__ask_person", question="Tabs or spaces?")
    entry["turns"] = [bash("echo half > half.txt"), ask, *entry["turns"]]
    project.ok("task", "add", "Make a", "--check", "test -s a.txt && test -s half.txt")
    upstream = script(project, [entry, review])

    assert project("run", "--model-upstream", upstream).returncode == 1
    assert project.task("ENG-1")["state"] == "blocked"
    project.ok("task", "answer", "ENG-1", "Tabs.")
    project.ok("run", "--model-upstream", upstream)

    task = project.json("task", "show", "ENG-1")
    assert (task["state"], task["failures"]) == ("done", 0)
    asked, gone_on, _ = task["sessions"]
    assert asked["outcome"] == "ask_person"
    assert asked["engine_session"] == gone_on["engine_session"], "what it knew is not lost"
    told = project.ok("logs", "ENG-1", "--session", gone_on["id"])
    assert "A person has answered" in told and "coding" in told


def test_a_text_is_all_an_ad_hoc_run_needs(project: Axon) -> None:
    project.ok("run", "Make a", "--model-upstream", script(project, worked("a")))
    assert project.task("ENG-1")["state"] == "done"
    assert (project.root / "a.txt").exists()


def hold(project: Axon, phase: str) -> str:
    """A command that says it is there, and waits to be let go on."""
    return f"touch at-{phase}; until test -e '{project.root}/go-{phase}'; do sleep 0.1; done"


def held_everywhere(project: Axon) -> list[Turn]:
    """One task that can be stopped in each phase of its session."""
    look, write, test = (hold(project, p) for p in ("research", "implementation", "testing"))
    turns = [
        bash(hold(project, "orient")),
        delegate("research", "Look at the README."),
        bash(look),
        delegate("planner", "Say what comes first."),
        bash(hold(project, "planning")),
        delegate("coding", "Write a.txt."),
        delegate("testing", "Test a.txt."),
        delegate("reviewer", "Read a.txt."),
        bash(hold(project, "review")),
        bash("git add -A && git commit -qm work"),
        {"text": "Written, checked and committed."},
    ]
    agents = {
        "research": [call("Read", file_path="$WORKSPACE/README.md"), {"text": "It says hello."}],
        "planner": [{"text": "Write it, then test it."}],
        "coding": [bash(f"{write}; echo a > a.txt; echo . >> at-work"), {"text": "Written."}],
        "testing": [bash(f"{test}; test -s a.txt"), {"text": "It is there."}],
        "reviewer": [{"text": "approve"}],
    }
    review = {"title": "Make a", "says": REVIEW, "turns": [answers(APPROVE), {"text": "."}]}
    return [{"title": "Make a", "turns": turns, "agents": agents}, review]


def kill_in(project: Axon, phase: str, pid: int = 0) -> None:
    """Wait until the work is there, and kill its worker, or the coordinator `pid`."""
    places = (project.root / ".axon/work/ENG-1", project.root / ".axon/landing")
    sign = wait_for(lambda: [p for where in places if (p := where / f"at-{phase}").exists()], 60)[0]
    workers = project.json("status")["workers"]
    before = len(events(project, "ENG-1", "worker_died"))
    os.kill(pid or next(w["pid"] for w in workers if w["identifier"]), signal.SIGKILL)
    if pid:
        wait_for(lambda: not project.processes(), 10)
    else:  # what it had started is gone then
        wait_for(lambda: len(events(project, "ENG-1", "worker_died")) > before)
    sign.unlink(missing_ok=True)
    let_go(project, phase)


def let_go(project: Axon, *phases: str) -> None:
    for phase in phases:
        (project.root / f"go-{phase}").touch()


def test_killed_in_every_phase_the_end_is_the_same(project: Axon) -> None:
    (project.root / ".gitignore").write_text("at-*\ngo-*\n")
    project.git("add", "-A")
    project.git("commit", "-qm", "ignore")
    place = "case $PWD in */work/ENG-1) p=commit;; *) p=land;; esac"
    wait = f"touch at-$p; until test -e '{project.root}'/go-$p; do sleep 0.1; done"
    project.ok("task", "add", "Make a", "--check", f"{place}; {wait}; test -s a.txt")
    upstream = script(project, held_everywhere(project))
    work = project.root / ".axon/work/ENG-1/at-work"

    first = project.start("run", "--model-upstream", upstream)
    for phase in ("orient", "research", "planning", "implementation") if STORM else ("orient",):
        kill_in(project, phase)
    let_go(project, "research", "planning", "implementation")
    kill_in(project, "testing", first.pid)
    second = project.start("run", "--model-upstream", upstream)
    if STORM:
        kill_in(project, "review")
    let_go(project, "review")
    kill_in(project, "commit")
    done = len(work.read_text().split())
    assert done == 2 + STORM, "until testing it began again, and from then on not"
    kill_in(project, "land", second.pid)
    assert len(work.read_text().split()) == done, "after the commit nothing is implemented again"
    project.variables["AXON_FAILPOINT"] = "landing.told"
    project.ok("run", "--model-upstream", upstream)
    del project.variables["AXON_FAILPOINT"]
    assert phases(project, "ENG-1")[-1] == "land", "its lander died before it could tell"
    project.ok("run", "--model-upstream", upstream)

    told = project.ok("logs", "ENG-1", "--json")
    assert "worked on this task; the last had come to testing." in told, "what is known is told"
    task = project.json("task", "show", "ENG-1")
    assert (task["state"], task["failures"]) == ("done", 0)
    got = phases(project, "ENG-1")
    assert got[-1] == "notify" and got.count("notify") == 1
    assert [p for p in got if p == "commit"] == ["commit"]
    assert (project.root / "a.txt").read_text() == "a\n"
    merges = project.git("log", "--merges", "--format=%s", "main").splitlines()
    assert merges == ["Merge ENG-1: Make a"], "landed once"
    reviewed = [e for e in task["events"] if e["action"] == "review"]
    assert len(reviewed) == 1
    assert not project.processes()


def test_a_full_context_is_handed_over(project: Axon) -> None:
    project.configure(
        limits={"backoff_seconds": 0.1, "max_context_tokens": 100_000}, engine={"model": "haiku"}
    )
    project.git("commit", "-aqm", "a small context")
    project.ok("task", "add", "Make a", "--check", "test -s a.txt")
    near, full = ({"input_tokens": tokens, "output_tokens": 10} for tokens in (75_000, 90_000))
    first = [
        {**bash("sleep 0.5"), "usage": near},
        {**bash("echo half > a.txt; echo begun"), "usage": full},
        {"text": "a.txt is half written; end it with whole.", "delay_seconds": 2},
    ]
    second = [bash("grep -q half a.txt && echo whole >> a.txt"), {"text": "Done."}]
    tasks = [
        {"title": "Make a", "says": "You take over", "turns": second},
        {"title": "Make a", "turns": first},
    ]

    project.ok("team", "--model-upstream", script(project, tasks))

    assert (project.root / "a.txt").read_text() == "half\nwhole\n"
    task = project.json("task", "show", "ENG-1")
    assert (task["attempts"], task["failures"]) == (1, 0)
    assert len(events(project, "ENG-1", "hand_over")) == 1
    assert "told: Your context is 70 % full." in project.ok("logs", "ENG-1")
    assert len(task["sessions"]) == 3, "the full one, its last words, and the new one"
