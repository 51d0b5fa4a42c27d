"""What people do to tasks from the command line: change, answer, take back, carry elsewhere."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from axon.core.terminal import plain
from axon.ledger import Ledger, open_ledger
from axon.tasks import Claim, Draft
from tests.drive import Axon
from tests.test_cli_tasks import add, fails, ledger_path
from tests.test_exchange import random_pair


@pytest.fixture
def axon(core_pyz: Path, tmp_path: Path) -> Axon:
    driver = Axon(pyz=core_pyz, root=tmp_path / "my project", cache=tmp_path / "cache")
    driver.make_repository()
    return driver


def opened(axon: Axon) -> Ledger:
    return open_ledger(f"file:{ledger_path(axon)}")


def asked(axon: Axon, question: str) -> None:
    """The oldest task's agent asks."""
    ledger = opened(axon)
    task = ledger.claim(worker="w1", run="", lease_seconds=30)
    assert task is not None
    claim = Claim(identifier=task.identifier, token=task.token, worker="w1", run="")
    ledger.ask(claim, question)
    ledger.close()


# ── edit, depend ──


def test_fields_are_changed_cleared_and_taken_back(axon: Axon) -> None:
    add(axon, "a", "--label", "x", "--check", "true")
    add(axon, "b", "--label", "x", "--not-before", "2036-01-01")
    assert axon.ok("task", "edit", "eng-1", "ENG-2", "--priority", "high", "--clear", "labels") == (
        "ENG-1  a\nENG-2  b\n"
    )
    assert [(t["priority"], t["labels"]) for t in axon.tasks()] == [("high", [])] * 2
    (task,) = axon.json(
        "task", "edit", "ENG-2", "--title", "B", "--description", "all\nof it", "--paths", "src/**",
        "--paths", "docs/**", "--label", "y", "--type", "bug", "--project", "p", "--parent",
        "eng-1", "--check", "make", "--max-usd", "2", "--clear", "not-before", "--if-version", "1",
    )  # fmt: skip
    said = {
        "title": "B", "description": "all\nof it", "paths": ["src/**", "docs/**"], "labels": ["y"],
        "type": "bug", "project": "p", "parent": "ENG-1", "check": "make", "max_usd": 2.0,
        "not_before": None, "version": 2,
    }  # fmt: skip
    assert {name: task[name] for name in said} == said
    shown = axon.ok("task", "show", "ENG-2")
    assert "version     2" in shown and "edited by person: title: B; description" in shown
    undone = axon.json("task", "undo")
    assert (undone["action"], undone["removed"]) == ("edit", [])
    assert undone["tasks"][0]["title"] == "b"
    said_back = axon.ok("task", "undo")
    assert said_back.startswith("took back: edit of ") and "ENG-1  Todo  a" in said_back
    assert axon.task("ENG-1")["labels"] == ["x"]
    assert "no change to take back" in fails(axon, 4, "task", "undo")


def test_what_cannot_be_changed_is_said(axon: Axon) -> None:
    add(axon, "a")
    cases: list[tuple[tuple[str, ...], int, str]] = [
        ((), 2, "nothing to change; name a field"),
        (("--priority", "hot"), 2, "--priority: unknown priority 'hot'"),
        (("--clear", "title"), 2, "cannot be without a title"),
        (("--clear", "state"), 2, "no field 'state' can be changed"),
        (("--clear", "check", "--check", "x"), 2, "check is set and cleared at once"),
        (("ENG-2", "--title", "x"), 2, "several tasks cannot have one title"),
        (("--if-version", "3", "--type", "bug"), 4, "it is at version 0, you saw 3; look at it"),
        (("ENG-9", "--type", "bug"), 3, "no task ENG-9"),
    ]
    for words, code, problem in cases:
        assert problem in fails(axon, code, "task", "edit", "ENG-1", *words)
    assert axon.task("ENG-1")["version"] == 0


def test_a_running_task_is_changed_for_its_next_attempt(axon: Axon) -> None:
    add(axon, "a", "--paths", "src/**")
    ledger = opened(axon)
    ledger.claim(worker="w1", run="", lease_seconds=30)
    ledger.close()
    assert "goes on with what it was given" in axon.ok("task", "edit", "ENG-1", "--check", "make")
    assert "keep other tasks off" in fails(axon, 4, "task", "edit", "ENG-1", "--clear", "paths")
    assert "cancel it first" in fails(axon, 4, "task", "delete", "ENG-1")


def test_tasks_wait_for_each_other_but_not_in_circles(axon: Axon) -> None:
    for title in "abc":
        add(axon, title)
    waits = axon.ok("task", "depend", "ENG-3", "--on", "ENG-1", "--on", "eng-2")
    assert waits == "ENG-3  waits for ENG-1, ENG-2\n"
    said = fails(axon, 2, "task", "depend", "ENG-1", "--on", "ENG-3")
    assert "ENG-1 → ENG-3 → ENG-1; remove one" in said
    assert axon.json("task", "depend", "ENG-3", "--off", "ENG-1")["depends"] == ["ENG-2"]
    axon.ok("task", "undo")
    assert axon.task("ENG-3")["depends"] == ["ENG-1", "ENG-2"]


# ── moves, answers ──


def test_tasks_are_moved_by_the_name_of_a_state(axon: Axon) -> None:
    add(axon, "a")
    add(axon, "b")
    assert axon.ok("task", "move", "eng-1", "ENG-2", "Cancelled", "--why", "not now") == (
        "ENG-1  Canceled  a\nENG-2  Canceled  b\n"
    )
    assert axon.json("task", "move", "ENG-1", "todo")[0]["state"] == "todo"
    said = fails(axon, 4, "task", "move", "ENG-1", "done")
    assert (
        "ENG-1 cannot go from Todo to Done; from there it can go to In Progress, Canceled" in said
    )
    assert "unknown state 'lost'; use one of todo" in fails(
        axon, 2, "task", "move", "ENG-1", "lost"
    )
    axon.ok("task", "undo")
    axon.ok("task", "undo")
    assert [task["state"] for task in axon.tasks()] == ["todo", "todo"]


def test_a_question_is_shown_and_answered(axon: Axon) -> None:
    add(axon, "a")
    add(axon, "b")
    asked(axon, "Which\x1b[31m port?")
    assert axon.task("ENG-1")["question"] == "Which\x1b[31m port?"
    assert axon.task("ENG-2")["question"] is None
    for words in (("task", "show", "ENG-1"), ("status",)):
        shown = axon.ok(*words)
        assert "Which port?" in shown and "\x1b" not in shown
    assert "answer it: axon task answer ENG-1" in fails(axon, 4, "task", "move", "ENG-1", "todo")
    assert axon.ok("task", "answer", "eng-1", "-", text="8003\n") == "ENG-1  Todo  a\n"
    task = axon.task("ENG-1")
    assert (task["state"], task["question"]) == ("todo", None)
    assert task["answers"].endswith("Answer: 8003")
    assert "it is Todo and asks nothing" in fails(axon, 4, "task", "answer", "ENG-1", "x")
    asked(axon, "Sure?")
    axon.ok("task", "move", "ENG-1", "Todo", "--why", "Yes")
    assert axon.task("ENG-1")["answers"].endswith("Question: Sure?\nAnswer: Yes")


def test_deleted_tasks_come_back(axon: Axon) -> None:
    add(axon, "a")
    add(axon, "b", "--depends", "ENG-1")
    axon.ok("task", "comment", "ENG-1", "said")
    assert "ENG-2 depends on ENG-1" in fails(axon, 4, "task", "delete", "ENG-1")
    assert "axon task undo brings back" in axon.ok("task", "delete", "ENG-1", "ENG-2")
    assert axon.tasks() == []
    axon.ok("task", "undo")
    assert axon.task("ENG-2")["depends"] == ["ENG-1"]
    assert [c["body"] for c in axon.json("task", "show", "ENG-1")["comments"]] == ["said"]


def test_lists_are_filtered_sorted_and_paged(axon: Axon) -> None:
    axon.ok("init")
    ledger = opened(axon)
    ledger.add([Draft(title=f"t{n}", team="OPS" if n % 2 else "ENG") for n in range(6)])
    ledger.edit(["OPS-2"], {"title": "changed"})
    ledger.change("ENG-1", "cancel")
    ledger.close()

    def found(*words: str) -> list[str]:
        return [task["identifier"] for task in axon.json("task", "list", *words)]

    assert found("--team", "OPS") == ["OPS-1", "OPS-2", "OPS-3"]
    assert found("--sort", "updated", "--limit", "2") == ["ENG-1", "OPS-2"]
    assert found("--limit", "2", "--offset", "2") == ["ENG-2", "OPS-2"]
    assert found("--state", "canceled", "--state", "Done") == ["ENG-1"]
    assert "whole numbers from 0" in fails(axon, 2, "task", "list", "--limit", "-1")


# ── export and import ──


def fill(axon: Axon, seed: int) -> None:
    """A ledger with texts of every kind, gaps in its numbers, comments and ended work."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    pairs = [random_pair(chance, number) for number in range(6)]
    from axon.tasks.exchange import exported, records_from

    ledger = opened(axon)
    ledger.take_in(records_from("".join(exported(pairs, "jsonl")), "x.jsonl"))
    assert ledger.check() == []
    ledger.close()


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "md"])
def test_a_ledger_moves_by_a_file_and_loses_nothing(axon: Axon, ending: str) -> None:
    axon.ok("init")
    fill(axon, 11)
    assert axon.ok("task", "export", "--output", f"all.{ending}").startswith("wrote 6 tasks to all")
    original = axon.ok("task", "export")
    axon.ok("task", "import", f"all.{ending}", "--ledger", "file:other.db")
    assert axon.ok("task", "export", "--ledger", "file:other.db") == original
    assert len(json.loads(original)) == 6
    again = axon.json("task", "import", f"all.{ending}")
    assert {task["outcome"] for task in again} == {"skipped"}
    again = axon.json("task", "import", f"all.{ending}", "--conflict", "update")
    assert {task["outcome"] for task in again} == {"skipped"}, "nothing differs"
    assert axon.ok("task", "export") == original


def test_a_file_is_written_whole_and_never_over_another(axon: Axon) -> None:
    add(axon, "a")
    add(axon, "b", "--depends", "ENG-1")
    path = axon.root / "out.csv"
    path.write_text("precious")
    assert "out.csv is there already; choose" in fails(
        axon, 2, "task", "export", "--output", "out.csv"
    )
    assert path.read_text() == "precious"
    said = axon.json("task", "export", "--output", "out.csv", "--force", "--state", "todo")
    assert said == {"file": "out.csv", "format": "csv", "tasks": 2}
    assert path.read_bytes().startswith(b"\xef\xbb\xbfidentifier,title,state,")
    assert "is a directory" in fails(axon, 2, "task", "export", "--output", ".", "--force")
    assert "No such file" in fails(axon, 2, "task", "export", "--output", "no/x.json")
    done = axon("task", "export", "--q", "b", "--format", "markdown")
    assert "- [ ] b\n  identifier: ENG-2\n" in done.stdout
    assert "refers to tasks that are not in it: ENG-1" in done.stderr
    assert [p.name for p in axon.root.iterdir() if p.name.startswith(".out")] == []
    (axon.root / "part.md").write_text(done.stdout)
    assert "depends on ENG-1, which does not exist" in fails(
        axon, 2, "task", "import", "part.md", "--ledger", "file:other.db"
    )


def test_a_full_disk_leaves_no_half_file(axon: Axon) -> None:
    add(axon, "a")
    axon.ok("task", "edit", "ENG-1", "--description", "y" * 120_000)
    export = f"exec {sys.executable} '{axon.pyz}' task export --output o.json"
    command = ["bash", "-c", f"ulimit -f 64; {export}"]
    done = subprocess.run(
        command, cwd=axon.root, env=axon.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("axon: cannot write o.json: File too large")
    assert not [p for p in axon.root.iterdir() if p.suffix in (".json", ".part")]


def test_what_is_there_is_left_updated_or_doubled(axon: Axon) -> None:
    add(axon, "a", "--check", "true")
    plan = "- [ ] a\n  priority: high\n- [ ] b\n  depends: a\n"
    (axon.root / "plan.md").write_text(plan)
    tried = axon.json("task", "import", "plan.md", "--conflict", "update", "--dry-run")
    assert [(t["identifier"], t["outcome"]) for t in tried] == [
        ("ENG-2", "added"), ("ENG-1", "updated"),
    ]  # fmt: skip
    said = "would add 1 task, update 1\n"
    assert axon.ok("task", "import", "plan.md", "--conflict", "update", "--dry-run").endswith(said)
    assert len(axon.tasks()) == 1
    assert axon.ok("task", "import", "plan.md").endswith("added 1 task, left 1 as it is\n")
    assert axon.task("ENG-2")["depends"] == ["ENG-1"]
    assert axon.ok("task", "import", "plan.md", "--conflict", "update").endswith(
        "added 0 tasks, updated 1, left 1 as it is\n"
    )
    task = axon.task("ENG-1")
    assert (task["priority"], task["check"]) == ("high", "true")
    doubled = axon.json("task", "import", "plan.md", "--conflict", "duplicate")
    assert [(t["identifier"], t["depends"]) for t in doubled] == [
        ("ENG-3", []), ("ENG-4", ["ENG-3"]),
    ]  # fmt: skip
    assert axon.json("task", "undo")["removed"] == ["ENG-3", "ENG-4"]


def test_the_person_is_shown_no_power_of_an_agent(axon: Axon) -> None:
    add(axon, "a")
    evil = "\x1b]0;title\x07\x9b31mred\u202e\x85"
    asked(axon, evil)
    for words in (
        ("task", "show", "ENG-1"), ("task", "show", "ENG-1", "--json"), ("task", "list", "--json"),
        ("status", "--json"),
    ):  # fmt: skip
        out = axon.ok(*words)
        assert plain(out) == out, words
    assert axon.task("ENG-1")["question"] == evil.strip(), "the data says the same"
    shown = on_terminal(axon, "task", "export", "--format", "markdown")
    assert "\x1b" not in shown and "\x9b" not in shown and "\u202e" not in shown


def on_terminal(axon: Axon, *words: str) -> str:
    """What a terminal is sent."""
    parent, child = os.openpty()
    process = subprocess.Popen(
        axon.command(*words), cwd=axon.root, env=axon.environment, stdout=child, stdin=child
    )
    os.close(child)
    data = b""
    try:
        while piece := os.read(parent, 65536):
            data += piece
    except OSError:  # the other side has gone
        pass
    os.close(parent)
    assert process.wait(30) == 0
    return data.decode()


def test_help_tells_what_each_action_promises(axon: Axon) -> None:
    text = axon.ok("task", "--help")
    for action in ("edit", "move", "answer", "depend", "delete", "undo", "export", "import"):
        assert action in text
    assert "goes on with what it was given" in axon.ok("task", "edit", "--help")
    assert "Events and recordings stay" in axon.ok("task", "import", "--help")
    assert "Comments stay" in axon.ok("task", "undo", "--help")


def test_many_are_exported_and_imported(axon: Axon) -> None:
    axon.ok("init")
    ledger = opened(axon)
    ledger.add([Draft(title=f"task {n}", description="x" * 100) for n in range(1000)])
    ledger.close()
    for ending in ("md", "csv"):
        axon.ok("task", "export", "--output", f"many.{ending}")
        said = axon.ok("task", "import", f"many.{ending}", "--ledger", f"file:{ending}.db")
        assert said.endswith("added 1000 tasks\n")
