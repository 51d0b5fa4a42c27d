"""A plan is taken only when it passes the rules, and is worked as it was agreed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.core.plan import (
    Contract,
    Plan,
    PlannedTask,
    drafts,
    graph_lines,
    parse,
    plan_view,
    problems,
)
from axon.tasks import Priority
from tests.drive import Axon


def planned(key: str, *, depends: tuple[str, ...] = (), paths: tuple[str, ...] = ()) -> PlannedTask:
    return PlannedTask(
        key=key,
        title=f"Do {key}",
        description="…",
        acceptance=("it works",),
        check=f"test -s {key}",
        depends=depends,
        paths=paths or (key,),
        priority=Priority.MEDIUM,
    )


PLAN = Plan(
    summary="Two things, then a third.",
    tasks=(planned("a"), planned("b"), planned("c", depends=("a", "b"))),
    contracts=(Contract(path="api.txt", content="v1\n", why="a and b meet there"),),
)


def test_a_sound_plan_has_no_problems() -> None:
    assert problems(PLAN) == []
    assert parse(plan_view(PLAN)) == PLAN
    assert parse(json.loads(json.dumps(plan_view(PLAN)))) == PLAN


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ((), "no tasks"),
        ((planned("a"), planned("a")), "several tasks"),
        ((planned("a", depends=("b",)), planned("b", depends=("a",))), "circle"),
        ((planned("a", depends=("x",)),), "not in the plan"),
        ((planned("a", paths=("src/**",)), planned("b", paths=("src/x.py",))), "same files"),
        ((replace(planned("a"), check=""),), "no check"),
        ((replace(planned("a"), acceptance=()),), "acceptance"),
        ((replace(planned("a"), paths=()),), "paths"),
        ((replace(planned("contracts")),), "key"),
    ],
)
def test_what_the_rules_refuse(tasks: tuple[PlannedTask, ...], said: str) -> None:
    assert any(said in line for line in problems(Plan(summary="", tasks=tasks)))


def test_overlap_in_order_is_fine() -> None:
    chain = (
        planned("a", paths=("src/**",)),
        planned("b", depends=("a",)),
        planned("c", depends=("b",), paths=("src/x.py",)),
    )
    assert problems(Plan(summary="", tasks=chain)) == []


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", ".git/config", "", ".axon/x"])
def test_contracts_stay_inside(path: str) -> None:
    plan = replace(PLAN, contracts=(Contract(path=path, content="", why=""),))
    assert any("contract path" in line for line in problems(plan))


@pytest.mark.parametrize("answer", [None, "text", {}, {"tasks": "x"}, {"tasks": [1, "x"]}])
def test_any_answer_is_survived(answer: Any) -> None:
    plan = parse(answer)
    assert plan is None or problems(plan)


def test_all_tasks_wait_for_the_contracts() -> None:
    first, *rest = drafts(PLAN, label="plan-ENG-1")
    assert first.type == "contracts" and first.paths == ("api.txt",)
    assert all("contracts" in draft.depends for draft in rest)
    assert "It is done when:\n- it works" in rest[0].description


def test_the_graph_shows_what_can_be_done_at_once() -> None:
    lines = graph_lines(PLAN)
    assert [line[:6] for line in lines if line.startswith("wave")] == ["wave 1", "wave 1", "wave 2"]
    assert any("after a, b" in line for line in lines)


# ── with the real CLI ──


@pytest.fixture
def project(axon: Axon) -> Iterator[Axon]:
    axon.make_repository()
    axon.configure(limits={"backoff_seconds": 0.1}, engine={"model": "haiku"})
    axon.git("add", "-A")
    axon.git("commit", "-qm", "configure axon")
    yield axon


def script(axon: Axon, tasks: list[dict[str, Any]]) -> str:
    path = axon.root.parent / "script.json"
    path.write_text(json.dumps({"tasks": tasks}))
    return f"script:{path}"


def answers(value: Any) -> dict[str, Any]:
    return {"text": "Here it is.", "tools": [{"name": "StructuredOutput", "input": value}]}


def does(*commands: str) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = [
        {"tools": [{"name": "Bash", "input": {"command": c, "description": "work"}}]}
        for c in commands
    ]
    return [*turns, {"text": "Done."}]


GOAL = "Three files, one after two"


def test_a_plan_becomes_tasks_and_landed_work(project: Axon) -> None:
    flawed = plan_view(replace(PLAN, tasks=(replace(PLAN.tasks[0], check=""), *PLAN.tasks[1:])))
    sound = plan_view(PLAN)
    tasks = [
        {"title": f"Plan: {GOAL}", "turns": [answers(flawed), {"text": "."}, answers(sound)]},
        *(
            {"title": f"Do {k}", "turns": does(f"echo {k} > {k}; cat api.txt >> {k}")}
            for k in ("a", "b", "c")
        ),
    ]
    upstream = script(project, tasks)
    out = project.ok("plan", GOAL, "--yes", "--model-upstream", upstream)

    assert "wave 2" in out
    found = {t["title"]: t for t in project.tasks()}
    assert found[f"Plan: {GOAL}"]["state"] == "done"
    contract = found["Contract files of the plan plan-ENG-1"]
    assert all(contract["identifier"] in found[f"Do {k}"]["depends"] for k in ("a", "b", "c"))

    project.ok("team", "--workers", "2", "--model-upstream", upstream)

    assert {t["state"] for t in project.tasks()} == {"done"}
    assert (project.root / "c").read_text() == "c\nv1\n"
    assert Path(project.root, "api.txt").read_text() == "v1\n"


def test_without_agreement_nothing_is_added(project: Axon) -> None:
    upstream = script(project, [{"title": f"Plan: {GOAL}", "turns": [answers(plan_view(PLAN))]}])
    done = project("plan", GOAL, "--model-upstream", upstream)
    assert done.returncode == 2 and "--yes" in done.stderr
    assert [t["title"] for t in project.tasks()] == [f"Plan: {GOAL}"]


def test_a_planner_that_never_plans_is_an_error(project: Axon) -> None:
    upstream = script(project, [{"title": f"Plan: {GOAL}", "turns": [{"text": "No."}] * 30}])
    done = project("plan", GOAL, "--yes", "--model-upstream", upstream)
    assert done.returncode == 1 and "no plan" in done.stderr and "Traceback" not in done.stderr
