"""What is reviewed, what a verdict leads to, and that agents do not argue for ever."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.config import Config
from axon.core.review import needed, parse
from axon.ledger import Event
from axon.team.attempt.reviewing import rounds_refused
from axon.team.changes import matches
from tests.drive import Axon
from tests.test_plan import APPROVE, answers, does, script

BASE = Config(root=Path("/"), environ={}, origins={})


def asked(
    config: Config, *files: str, lines: int = 50, solo: bool = True, doubtful: bool = False
) -> bool:
    return needed(config, solo=solo, doubtful=doubtful, files=files, lines=lines, matches=matches)


def test_policy_says_what_is_reviewed() -> None:
    assert asked(BASE, "src/a.py")
    assert not asked(BASE, "src/a.py", solo=False)
    assert asked(replace(BASE, review="always"), "src/a.py", solo=False)
    assert not asked(replace(BASE, review="never"), "src/a.py")
    assert not asked(BASE), "nothing changed"
    assert asked(BASE, "README.md", solo=False, doubtful=True), "a guard found something"
    assert not asked(replace(BASE, review="never"), "src/a.py", doubtful=True)


def test_policy_says_what_may_skip_and_what_never_may() -> None:
    assert not asked(BASE, "README.md", "docs/x/y.txt")
    assert asked(BASE, "README.md", "src/a.py")
    small = replace(BASE, review_skip_lines=10)
    assert not asked(small, "src/a.py", lines=10) and asked(small, "src/a.py", lines=11)
    strict = replace(small, review_paths=("src/auth/**",))
    assert asked(strict, "src/auth/login.py", lines=1)
    assert asked(strict, "src/auth/login.py", lines=1, solo=False)


REFUSE = {
    "verdict": "request_changes",
    "summary": "Wrong for 0.",
    "findings": [{"file": "x", "line": 3, "severity": "blocker", "message": "divides by zero"}],
}


def test_a_verdict_is_read_or_there_is_none() -> None:
    review = parse(REFUSE)
    assert review and not review.approved
    assert [str(f) for f in review.findings] == ["x:3: blocker: divides by zero"]
    good = parse(APPROVE)
    assert good and good.approved
    for answer in (None, "approve", {}, {"verdict": "maybe"}, {"verdict": 1}):
        assert parse(answer) is None
    odd = parse({**REFUSE, "findings": ["x", {"line": "3"}]})
    assert odd and len(odd.findings) == 1


def event(action: str, **data: Any) -> Event:
    return Event(
        seq=0, at=0, identifier="ENG-1", run="", actor="", action=action, before=None, after=None,
        attempt=1, why="", data=data,
    )  # fmt: skip


def test_refusals_are_counted_since_a_person_spoke() -> None:
    refused = event("review", verdict="request_changes")
    assert rounds_refused([refused, event("fail"), refused]) == 2
    assert rounds_refused([refused, event("answer"), refused]) == 1
    assert rounds_refused([refused, event("review", verdict="approve")]) == 1


# ── with the real CLI ──


@pytest.fixture
def project(axon: Axon) -> Iterator[Axon]:
    axon.make_repository()
    axon.configure(
        limits={"backoff_seconds": 0.1}, engine={"model": "haiku"}, review={"when": "always"}
    )
    axon.git("add", "-A")
    axon.git("commit", "-qm", "configure axon")
    axon.ok("task", "add", "Add x", "--check", "test -s x")
    yield axon


REVIEW = "Review the work on task"


def played(project: Axon, work: list[dict[str, Any]], *verdicts: Any) -> str:
    turns = [turn for verdict in verdicts for turn in (answers(verdict), {"text": "."})]
    return script(
        project,
        [
            {"title": "Add x", "turns": work},
            {"title": "Add x", "says": REVIEW, "turns": turns},
        ],
    )


def reviews(project: Axon, identifier: str = "ENG-1") -> list[str]:
    events = project.json("task", "show", identifier)["events"]
    return [e["data"]["verdict"] for e in events if e["action"] == "review"]


def test_approved_work_lands(project: Axon) -> None:
    project.ok("team", "--model-upstream", played(project, does("echo 1 > x"), APPROVE))
    assert project.task("ENG-1")["state"] == "done"
    assert reviews(project) == ["approve"]


def test_a_reviewer_that_refuses_once_is_heard(project: Axon) -> None:
    entries = [
        {"title": "Add x", "turns": does("echo 1 > x") + does("echo 2 >> x")},
        {"title": "Add x", "says": "1 lines added", "turns": [answers(REFUSE), {"text": "."}]},
        {"title": "Add x", "says": "2 lines added", "turns": [answers(APPROVE), {"text": "."}]},
    ]
    project.ok("team", "--model-upstream", script(project, entries))
    task = project.json("task", "show", "ENG-1")
    assert (task["state"], task["failures"]) == ("done", 1)
    assert reviews(project) == ["request_changes", "approve"]
    refused = next(e for e in task["events"] if e["action"] == "review")
    assert refused["data"]["findings"] == ["x:3: blocker: divides by zero"]


def test_agents_that_do_not_agree_ask_a_person(project: Axon) -> None:
    work = does("echo 1 > x") + does("echo 2 >> x") + does("echo 3 >> x")
    upstream = played(project, work, REFUSE)

    done = project("team", "--model-upstream", upstream, seconds=240)

    task = project.task("ENG-1")
    assert (done.returncode, task["state"]) == (1, "blocked")
    assert reviews(project) == ["request_changes"] * 3
    assert "divides by zero" in task["question"]
    told = project.ok("logs", "ENG-1")
    assert "x:3: blocker: divides by zero" in told, "the findings went back to the agent"

    project.ok("task", "answer", "ENG-1", "approve")
    project.ok("team", "--model-upstream", upstream)

    assert project.task("ENG-1")["state"] == "done"
    assert len(reviews(project)) == 3
    assert (project.root / "x").read_text() == "1\n2\n3\n"


def test_a_reviewer_without_a_verdict_decides_nothing(project: Axon) -> None:
    upstream = script(
        project,
        [
            {"title": "Add x", "turns": does("echo 1 > x")},
            {"title": "Add x", "says": REVIEW, "turns": [{"text": "Looks good to me!"}] * 20},
        ],
    )
    done = project("team", "--model-upstream", upstream)
    assert (done.returncode, project.task("ENG-1")["state"]) == (1, "blocked")
    assert not (project.root / "x").exists()


def test_docs_need_no_review(project: Axon) -> None:
    project.ok("task", "cancel", "ENG-1")
    project.ok("task", "add", "Explain", "--check", "test -s HOW.md")
    upstream = script(project, [{"title": "Explain", "turns": does("echo so > HOW.md")}])
    project.ok("team", "--model-upstream", upstream)
    assert project.task("ENG-2")["state"] == "done"
    assert reviews(project, "ENG-2") == []
