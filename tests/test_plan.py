"""A plan is taken only when it passes the rules, and is worked as it was agreed."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
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
from tests.drive import Axon, wait_for
from tests.test_claude import Stage, stage

__all__ = ["stage"]


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


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", ".git/config", ".GIT/config", "", ".axon/x"]
)
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


APPROVE = {"verdict": "approve", "summary": "Fine.", "findings": []}
GOAL = "Three files, one after two"


def test_a_flawed_plan_is_mended_and_splits_a_task(project: Axon) -> None:
    project.ok("task", "add", GOAL, "--description", "As the customer has it.")
    flawed = plan_view(replace(PLAN, tasks=(replace(PLAN.tasks[0], check=""), *PLAN.tasks[1:])))
    turns = [answers(flawed), {"text": "."}, answers(plan_view(PLAN))]
    upstream = script(project, [{"title": f"Plan: {GOAL}", "turns": turns}])

    asks, answers_it = os.openpty()
    words = project.command("plan", "--from-tasks", "ENG-1", "--model-upstream", upstream)
    os.write(asks, b"y\n")
    done = subprocess.run(
        words, cwd=project.root, env=project.environment, stdin=answers_it, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    os.close(asks)
    os.close(answers_it)

    assert done.returncode == 0 and "wave 2" in done.stdout, done.stderr
    assert "Add these 3 tasks? [y/N]" in done.stdout
    found = {t["title"]: t for t in project.tasks()}
    assert found[f"Plan: {GOAL}"]["state"] == "done"
    contract = found["Contract files of the plan plan-ENG-2"]
    parts = [found[f"Do {key}"] for key in ("a", "b", "c")]
    assert all(contract["identifier"] in part["depends"] for part in parts)
    assert {part["parent"] for part in (contract, *parts)} == {"ENG-1"}
    assert "As the customer has it." in project.ok("logs", "ENG-2", "--json")


OURS = "---\nname: {name}\nmodel: opus\ntools: Read, Bash, Edit\n---\nYou are OUR {name}.\n"


def test_a_document_becomes_five_landed_tasks_by_our_own_planner_and_reviewer(stage: Stage) -> None:
    axon = stage.axon
    limits, engine = {"backoff_seconds": 0.1}, {"model": "haiku"}
    axon.configure(limits=limits, engine=engine, review={"paths": ["e"]})
    (axon.root / "CLAUDE.md").write_text("Indent with tabs.\n")
    axon.git("add", "-A")
    axon.git("commit", "-qm", "what we agree on")
    for name in ("planner", "reviewer"):
        path = axon.root / ".axon/agents" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(OURS.format(name=name))
    (axon.root.parent / "PLAN.md").write_text(f"{GOAL}\n\nFive of them.\n")
    last = planned("e", depends=("a", "b", "c", "d"))
    five = replace(PLAN, tasks=(*(planned(key) for key in "abcd"), last))
    work = [
        {"title": f"Do {key}", "turns": does(f"echo {key} > {key}; cat api.txt >> {key}")}
        for key in "abcde"
    ]
    others = [
        {"title": GOAL, "turns": [answers(plan_view(five)), {"text": "."}]},
        {"title": "Do e", "says": "Review the work on", "turns": [answers(APPROVE), {"text": "."}]},
    ]
    model = stage.play({}, more=[*work, *others])

    axon.ok("team", "--plan", "../PLAN.md", "--workers", "2", "--trust", seconds=150)

    assert [t["state"] for t in axon.tasks()] == ["done"] * 7, "the plan, its contracts, and five"
    assert (axon.root / "e").read_text() == "e\nv1\n"
    assert "nothing to do" in axon("team", "--plan", "../PLAN.md", "--trust").stderr
    assert len(axon.tasks()) == 7, "the same command again adds nothing twice"
    for name, says in (("planner", "Plan the work below"), ("reviewer", "Review the work on")):
        asked = next(r for r in model.requests() if any(says in text for text in r["said"]))
        assert f"You are OUR {name}." in asked["system"] and "opus" in asked["model"]
        assert "Read" in asked["tools"] and not {"Bash", "Edit"} & set(asked["tools"])
        said = "\n".join(asked["said"])
        assert "Indent with tabs." in said and "Drawn from the names of its files" in said


def test_a_contract_follows_no_link_out_of_the_workspace(project: Axon) -> None:
    (project.root.parent / "precious").write_text("mine\n")
    (project.root / "api.txt").symlink_to("../../../../precious")
    project.git("add", "-A")
    project.git("commit", "-qm", "a link")
    upstream = script(project, [{"title": f"Plan: {GOAL}", "turns": [answers(plan_view(PLAN))]}])
    project.ok("plan", GOAL, "--yes", "--model-upstream", upstream)
    assert project("team", "--max-tasks", "1", "--model-upstream", upstream).returncode == 1
    assert "lies outside the workspace; plan anew" in project.task("ENG-2")["error"]
    assert (project.root.parent / "precious").read_text() == "mine\n"


def test_without_agreement_nothing_is_added(project: Axon) -> None:
    project.configure(limits={"idle_turns": 5}, engine={"model": "haiku"})
    read = {"name": "Read", "input": {"file_path": "$WORKSPACE/README.md"}}
    turns = [{"tools": [read] * 12}, answers(plan_view(PLAN))]  # reading is no idleness here
    upstream = script(project, [{"title": f"Plan: {GOAL}", "turns": turns}])
    done = project("plan", GOAL, "--json", "--model-upstream", upstream)
    assert done.returncode == 2 and "--yes" in done.stderr
    assert json.loads(done.stdout) == {"task": "ENG-1", "plan": plan_view(PLAN)}
    assert [t["title"] for t in project.tasks()] == [f"Plan: {GOAL}"]


def test_a_killed_planner_is_gone_on_with(project: Axon) -> None:
    slow = {**answers(plan_view(PLAN)), "delay_seconds": 1}
    upstream = script(project, [{"title": f"Plan: {GOAL}", "turns": [slow, {"text": "."}]}])
    process = project.start("plan", GOAL, "--yes", "--model-upstream", upstream)
    wait_for(lambda: (project.root / ".axon/work/ENG-1/axon.toml").exists())
    process.kill()
    process.wait()
    project.ok("plan", GOAL, "--yes", "--model-upstream", upstream)
    assert [t["title"] for t in project.tasks() if t["title"].startswith("Plan")] == [
        f"Plan: {GOAL}"
    ]
    assert len(project.tasks()) == 5


def test_a_planner_that_never_plans_is_an_error(project: Axon) -> None:
    upstream = script(project, [{"title": f"Plan: {GOAL}", "turns": [{"text": "No."}] * 30}])
    done = project("plan", GOAL, "--yes", "--model-upstream", upstream)
    assert done.returncode == 1 and "no plan" in done.stderr and "Traceback" not in done.stderr
