"""Agents and people talk while the work goes on: the real CLI, a played model, the built file."""

import asyncio
import json
import subprocess
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.config import load_config
from axon.errors import AxonError, StaleClaim, UsageError
from axon.ledger import Ledger, Message, open_ledger
from axon.ledger.rows import fetch, put
from axon.ledger.tables import MESSAGE
from axon.ledger.transaction import Tx
from axon.mcp.talk import talk_tools
from axon.tasks import Claim, State, Task
from axon.team.gate import gate_of
from tests.drive import Axon, wait_for
from tests.test_claude import Stage, bash, says, stage
from tests.world import add, claim

__all__ = ["stage"]

Turn = dict[str, Any]


def calls(name: str, **given: Any) -> Turn:
    return {"text": "I talk.", "tools": [{"name": f"mcp__axon__{name}", "input": given}]}


def shown(axon: Axon, identifier: str = "ENG-1") -> dict[str, Any]:
    found: dict[str, Any] = axon.json("task", "show", identifier)
    return found


def ledger_of(axon: Axon) -> Ledger:
    return open_ledger(f"file:{axon.root / '.axon' / 'ledger.db'}")


def said(stage: Stage, text: str) -> list[int]:
    """How often each request of the main conversation held `text`."""
    requests = [r for r in stage.models[-1].requests() if r.get("tools") and r.get("task")]
    return [sum(text in one for one in request["said"]) for request in requests]


def test_the_tools_are_few_and_small(ledger: Ledger) -> None:
    (name,) = add(ledger, "a")
    tools = talk_tools(ledger, claim(ledger), ledger.task(name), print)
    assert len(tools) == 8
    wire = [{"name": t.name, "description": t.description, "input": t.schema} for t in tools]
    assert len(json.dumps(wire)) < 4096


def test_an_agent_changes_the_ledger_under_its_claim(stage: Stage) -> None:
    stage.play(
        {
            "First job": [
                calls("read_task"),
                calls("list_tasks", state="Todo"),
                calls("report_progress", text="I have read it"),
                calls("comment", text="Chose tabs."),
                calls("create_followup", title="Tidy up", description="Later.", check="true"),
                calls("message", to="ENG-2", text="I chose tabs."),
                calls("message", to="ENG-77", text="Who?"),
                bash("echo a > a.txt; git add -A; git commit -qm a"),
                says("Done."),
            ],
            "Second job": [bash("echo b > b.txt; git add -A; git commit -qm b"), says("Done.")],
        }
    )
    stage.axon("team", "--workers", "1")

    tasks = stage.axon.tasks()
    assert [(t["title"], t["state"]) for t in tasks[:2]] == [
        ("First job", "done"),
        ("Second job", "done"),
    ]
    assert tasks[2]["title"] == "Tidy up" and tasks[2]["labels"] == ["follow-up"]
    task = shown(stage.axon)
    assert [c["body"] for c in task["comments"]] == ["Chose tabs."]
    assert [e["why"] for e in task["events"] if e["action"] == "progress"] == ["I have read it"]
    logs = stage.axon.ok("logs", "ENG-1")
    assert "no task ENG-77; list_tasks shows those there are" in logs
    assert sum(said(stage, "from the agent of ENG-1]\nI chose tabs.")) > 0, "in ENG-2's prompt"
    assert not ledger_of(stage.axon).unread("ENG-2")


def test_an_agent_cannot_say_that_it_is_done(stage: Stage) -> None:
    stage.axon.configure(
        gate={"command": "test -e right.txt", "allow_red": True},
        limits={"max_attempts": 1},
        engine={"model": "haiku"},
    )
    stage.play(
        {
            "Obedient job": [
                calls("transition", state="done", why="The task text says so."),
                calls("transition", state="Review", why="Then this."),
                says("It is done."),
            ]
        }
    )
    assert stage.axon("team", "--workers", "1").returncode == 1
    assert shown(stage.axon)["state"] == "failed", "the gate was red"
    logs = stage.axon.ok("logs", "ENG-1", "--json")
    assert "the check and the merge decide that" in logs


WAIT = "echo begun > begun; until test -e ../../../go; do sleep 0.1; done"


def test_a_message_in_mid_run_is_heard_once(stage: Stage) -> None:
    assert stage.axon("tell", "ENG-1", "x").returncode == 6, "there is no ledger yet"
    work = [bash(WAIT), bash("rm begun; echo a > a.txt"), bash("git add -A; git commit -qm a")]
    stage.play({"Long job": [*work, says("Done.")]})
    assert stage.axon("tell", "ENG-9", "x").returncode == 3
    early = stage.axon.ok("tell", "eng-1", "Mind the edges.")
    assert "when it begins" in early
    process = stage.axon.start("team", "--workers", "1")
    wait_for(lambda: (stage.axon.root / ".axon/work/ENG-1/begun").exists())
    assert "next turn" in stage.axon.ok("tell", "ENG-1", "Use tabs.")
    wait_for(lambda: queued(stage, "Use tabs."), 10)
    assert len(unread(stage)) == 1, "its agent does not have it yet"
    (stage.axon.root / "go").touch()
    assert process.wait(60) == 0, process.communicate()

    assert said(stage, "a person]\nMind the edges.") == [1, 1, 1, 1]
    assert said(stage, "a person]\nUse tabs.") == [0, 1, 1, 1]
    assert unread(stage) == []
    assert "told: [message" in stage.axon.ok("logs", "ENG-1")
    late = stage.axon("tell", "ENG-1", "Too late.")
    assert late.returncode == 4 and "Done" in late.stderr


def queued(stage: Stage, text: str) -> bool:
    """Whether the agent CLI has it in its queue."""
    transcripts = (stage.axon.root / ".axon/home/ENG-1/.claude/projects").rglob("*.jsonl")
    lines = [line for path in transcripts for line in path.read_text().splitlines()]
    return any('"enqueue"' in line and text in line for line in lines)


def unread(stage: Stage) -> list[Message]:
    return ledger_of(stage.axon).unread("ENG-1")


def _forget(tx: Tx) -> None:
    """Nobody has read any message."""
    found = MESSAGE.select(tx)
    for known in found:
        MESSAGE.update(tx, known, read_at=None)
    put(tx, fetch(tx, "ENG-1"), {"unread": len(found)})


def test_a_killed_worker_leaves_no_message_behind_and_tells_none_twice(stage: Stage) -> None:
    work = [bash("echo one"), bash(WAIT), bash("rm begun; echo a > a.txt; git add -A")]
    stage.play({"Long job": [*work, says("Done.")]})
    stage.axon.ok("tell", "ENG-1", "The first.")
    process = stage.axon.start("team", "--workers", "1")
    wait_for(lambda: (stage.axon.root / ".axon/work/ENG-1/begun").exists())
    assert unread(stage) == []
    stage.axon.ok("tell", "ENG-1", "The second.")
    wait_for(lambda: queued(stage, "The second."), 10)
    process.kill()
    process.wait()
    wait_for(lambda: not stage.axon.processes(), 10)
    forget = ledger_of(stage.axon)
    forget._store.write(_forget)  # type: ignore[attr-defined]
    assert [m.body for m in unread(stage)] == ["The first.", "The second."]
    (stage.axon.root / "go").touch()

    stage.axon.ok("team", "--workers", "1")

    assert unread(stage) == []
    for text in ("The first.", "The second."):
        assert max(said(stage, f"a person]\n{text}")) == 1, text
        assert said(stage, f"a person]\n{text}")[-1] == 1, text


def test_a_question_is_asked_answered_and_the_session_goes_on(stage: Stage) -> None:
    stage.play(
        {
            "First job": [
                bash("echo half > half.txt"),
                calls("ask_person", question="Tabs or spaces?"),
                bash("echo whole > whole.txt; git add -A; git commit -qm whole"),
                says("Done."),
            ],
            "Second job": [bash("echo b > b.txt; git add -A; git commit -qm b"), says("Done.")],
        }
    )
    done = stage.axon("team", "--workers", "1")

    assert done.returncode == 1, "one of them waits for a person"
    assert "ENG-1 asks: Tabs or spaces?; axon task answer ENG-1 TEXT" in done.stdout
    asked = shown(stage.axon)
    assert (asked["state"], asked["failures"]) == ("blocked", 0)
    assert stage.axon.task("ENG-2")["state"] == "done", "the worker was released"
    status = stage.axon.ok("status")
    assert "ENG-1 asks: Tabs or spaces?" in status
    assert stage.axon.json("status")["questions"][0]["question"] == "Tabs or spaces?"
    assert "Tabs or spaces?" in stage.axon.ok("task", "show", "ENG-1")
    assert not [e for e in asked["events"] if e["action"] == "gateway_refused"]
    (session,) = asked["sessions"]
    assert session["outcome"] == "ask_person" and session["engine_session"]

    stage.axon.ok("task", "answer", "ENG-1", "Tabs.\nAlways.")
    stage.axon.ok("team", "--workers", "1")

    after = shown(stage.axon)
    assert (after["state"], after["failures"]) == ("done", 0)
    assert {s["engine_session"] for s in after["sessions"]} == {session["engine_session"]}
    assert (stage.axon.root / "half.txt").exists() and (stage.axon.root / "whole.txt").exists()
    answered = said(stage, "A person has answered")
    assert answered[-1] == 1 and said(stage, "Tabs.\nAlways.")[-1] == 1


def test_a_task_is_split_and_judged_as_a_whole_when_its_parts_are_done(stage: Stage) -> None:
    part = {"description": "One of two.", "part": True}
    stage.play(
        {
            "Big job": [
                calls("create_followup", title="Left half", check="test -s left.txt", **part),
                calls("create_followup", title="Right half", check="test -s right.txt", **part),
                says("Split in two."),
                bash("cat left.txt right.txt > both.txt"),
                says("They fit."),
            ]
        },
        more=[
            {
                "title": f"{side} half",
                "turns": [bash(f"echo x > {side.lower()}.txt"), says("Mine.")],
            }
            for side in ("Left", "Right")
        ],
    )
    stage.axon.ok("task", "edit", "ENG-1", "--check", "test -s both.txt")

    stage.axon.ok("team", "--workers", "2")

    assert [t["state"] for t in stage.axon.tasks()] == ["done"] * 3
    whole = shown(stage.axon)
    assert (whole["failures"], len(whole["sessions"])) == (0, 2)
    (told,) = {t for r in stage.models[-1].requests() for t in r["said"] if "It was split" in t}
    assert "ENG-2 Done: Left half\nMine." in told and "ENG-3 Done: Right half" in told


def test_another_engine_is_told_in_its_prompt(axon: Axon) -> None:
    axon.make_repository()
    command = "cat > prompt.txt; test -e ../../../go"
    axon.configure(
        engine={"name": "command", "command": command},
        limits={"backoff_seconds": 0.1, "max_attempts": 2},
    )
    axon.git("add", "-A")
    axon.git("commit", "-qm", "configure")
    axon.ok("task", "add", "First job")
    axon.ok("tell", "ENG-1", "Use tabs.")
    assert axon("team", "--workers", "1").returncode == 1
    assert len(ledger_of(axon).unread("ENG-1")) == 1, "it failed, and remembers nothing"
    (axon.root / "go").touch()
    axon.ok("task", "retry", "ENG-1")
    axon.ok("team", "--workers", "1")
    assert "a person]\nUse tabs." in (axon.root / "prompt.txt").read_text()
    assert ledger_of(axon).unread("ENG-1") == []


def test_a_lost_claim_writes_nothing(ledger: Ledger) -> None:
    (name,) = add(ledger, "a")
    held = claim(ledger)
    tools = {t.name: t for t in talk_tools(ledger, held, ledger.task(name), print)}
    ledger.release(held, "stopped")
    before = len(ledger.events())
    for tool, given in {
        "comment": {"text": "x"},
        "create_followup": {"title": "x", "description": ""},
        "transition": {"state": "failed", "why": "x"},
        "ask_person": {"question": "x"},
        "report_progress": {"text": "x"},
    }.items():
        with pytest.raises(StaleClaim):
            run(tools[tool], given)
    assert len(ledger.events()) == before


def run(tool: Any, given: dict[str, Any]) -> str:
    answer: str = asyncio.run(tool.call(given))
    return answer


def test_what_an_agent_writes_is_bounded_and_cleaned(ledger: Ledger) -> None:
    (name,) = add(ledger, "a", paths=("src/**",))
    held = claim(ledger)
    hide = lambda text: text.replace("hunter2", "***")  # noqa: E731
    said: list[str] = []
    tools = {t.name: t for t in talk_tools(ledger, held, ledger.task(name), said.append, hide)}
    run(tools["comment"], {"text": "the password is hunter2"})
    assert ledger.comments(name)[0].body == "the password is ***"
    run(tools["report_progress"], {"text": "half\ndone"})
    assert said == ["half done"]
    for given in ({"text": " "}, {"text": "x" * 9000}):
        with pytest.raises(UsageError, match="text"):
            run(tools["comment"], given)
    part = run(tools["create_followup"], {"title": "p", "description": "d", "part": True})
    assert ledger.task("ENG-2").parent == name and "ENG-2" in part
    inner = claim_of(ledger, "ENG-2")
    more = {t.name: t for t in talk_tools(ledger, inner, ledger.task("ENG-2"), print)}
    with pytest.raises(AxonError, match="not split again"):
        run(more["create_followup"], {"title": "p", "description": "d", "part": True})
    for number in range(9):
        run(tools["create_followup"], {"title": str(number), "description": ""})
    with pytest.raises(AxonError, match="rest in a comment"):
        run(tools["create_followup"], {"title": "x", "description": ""})
    text = run(tools["read_task"], {})
    assert "***" in text and "src/**" in text
    assert len(run(tools["list_tasks"], {}).splitlines()) == 11
    assert json.loads(run(tools["read_task"], {"task": "eng-2"}))["title"] == "p"


def test_an_agent_may_give_up_or_ask_and_no_more(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    for identifier in ("ENG-1", "ENG-2"):
        held = claim_of(ledger, identifier)
        tools = {t.name: t for t in talk_tools(ledger, held, ledger.task(identifier), print)}
        for state in ("done", "In Review", "todo", "canceled", "finished"):
            with pytest.raises(AxonError, match="not made|no state"):
                run(tools["transition"], {"state": state, "why": "so I was told"})
        assert ledger.task(identifier).state is State.IN_PROGRESS
        if identifier == "ENG-1":
            run(tools["transition"], {"state": "Blocked", "why": "Which of them?"})
            assert ledger.task("ENG-1").question == "Which of them?"
        else:
            run(tools["transition"], {"state": "failed", "why": "No such library."})
            assert ledger.task("ENG-2").error == "given up: No such library."
            assert ledger.task("ENG-2").failures == 1
    assert tools["transition"].ends and tools["ask_person"].ends


def claim_of(ledger: Ledger, identifier: str) -> Claim:
    held = claim(ledger, "w2")
    assert held.identifier == identifier and ledger.task(identifier).state is State.IN_PROGRESS
    return held


def test_an_agents_check_never_replaces_the_gate(tmp_path: Path) -> None:
    (tmp_path / "axon.toml").write_text('[gate]\ncommand = "test -e a # all"\n')
    config = load_config(Namespace(), tmp_path)
    task = Task(identifier="ENG-1", title="x", check="test -e b")
    assert gate_of(config, task) == "test -e b", "a person's may"
    command = gate_of(config, replace(task, labels=("follow-up",)))
    codes = []
    for name in ("b", "a"):
        (tmp_path / name).touch()
        codes.append(subprocess.run(command, shell=True, cwd=tmp_path, check=False).returncode)
    assert codes == [1, 0]
