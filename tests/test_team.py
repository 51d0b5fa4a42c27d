"""A whole team from the built file, a shell in the agent's place: what lands, what does not."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.drive import Axon, wait_for

# The agent is a shell that does what the task's description says.
OBEDIENT = (
    "python3 -c 'import json, os; "
    'print(json.load(open(os.environ["AXON_TASK_FILE"]))["description"])\' | sh'
)


@pytest.fixture
def team(axon: Axon) -> Axon:
    axon.make_repository()
    shell(axon)
    return axon


def shell(axon: Axon, **sections: dict[str, Any]) -> None:
    """Configure the obedient shell, with short pauses between attempts."""
    engine = {"name": "command", "command": OBEDIENT}
    limits = {"backoff_seconds": 0.1, **sections.pop("limits", {})}
    axon.configure(engine=engine, limits=limits, **sections)
    axon.git("add", "axon.toml")
    if axon.git("status", "--porcelain"):
        axon.git("commit", "-q", "-m", "configure axon")


def add(axon: Axon, title: str, script: str, *options: str) -> None:
    axon.ok("task", "add", title, "--description", script, *options)


# ── it works ──


def test_tasks_are_worked_in_parallel_and_land_one_by_one(team: Axon) -> None:
    for n in range(4):
        add(team, f"task {n}", f"echo {n} > file{n}", "--check", f"test -s file{n}")

    out = team.ok("team", "--workers", "2")

    tasks = team.tasks()
    assert [t["state"] for t in tasks] == ["done"] * 4
    assert all(t["verified"] and t["attempts"] == 1 for t in tasks)
    for n, task in enumerate(tasks):
        assert (team.root / f"file{n}").read_text() == f"{n}\n", "the checkout came along"
        assert team.git("merge-base", "--is-ancestor", task["landed_commit"], "main") == ""
    assert len(team.git("log", "--first-parent", "--format=%h", "main").splitlines()) == 6
    assert team.git("status", "--porcelain") == ""
    assert "landed" in out and "ENG-4" in out


def test_a_task_waits_for_what_it_depends_on(team: Axon) -> None:
    add(team, "second", "test -f a && cp a b", "--check", "test -f b")
    add(team, "first", "sleep 0.5; echo x > a")
    team.ok("task", "add", "third", "--description", "cat a b > c", "--depends", "ENG-1")
    team.ok("task", "cancel", "ENG-1")
    add(team, "again", "cp a b", "--depends", "ENG-2")
    done = team("team", "--workers", "2")
    states = {t["identifier"]: t["state"] for t in team.tasks()}
    assert states == {"ENG-1": "canceled", "ENG-2": "done", "ENG-3": "todo", "ENG-4": "done"}
    assert done.returncode == 1, "ENG-3 was asked for and waits for a canceled task"


def test_a_red_gate_comes_back_with_its_output(team: Axon) -> None:
    fix = 'grep -q "lacks a greeting" && echo hello > greeting'  # reads the prompt on stdin
    team.configure(
        engine={"name": "command", "command": fix + " || true"},
        limits={"backoff_seconds": 0.1},
        gate={
            "command": "test -f greeting || { echo lacks a $(echo greeting); exit 1; }",
            "allow_red": True,
        },
    )
    team.git("commit", "-aqm", "gate")
    team.ok("task", "add", "greet")

    team.ok("team", "--workers", "1")

    task = team.task("ENG-1")
    assert (task["state"], task["attempts"], task["failures"]) == ("done", 2, 1)


def test_a_task_that_never_passes_fails_at_the_cap(team: Axon) -> None:
    add(team, "hopeless", "echo tried >> tries", "--check", "echo no good; exit 3")
    add(team, "fine", "echo fine > fine")

    done = team("team", "--workers", "2")

    task = team.task("ENG-1")
    assert done.returncode == 1
    assert (task["state"], task["attempts"]) == ("failed", 3)
    assert "exit 3" in task["error"] and "no good" in task["error"]
    assert team.task("ENG-2")["state"] == "done"
    assert not (team.root / "tries").exists()
    assert "tried" in team.git("show", "agent/eng-1:tries"), "its work is kept on its branch"


def test_without_a_gate_work_lands_unverified(team: Axon) -> None:
    add(team, "loose", "echo x > x")
    out = team.ok("team")
    assert team.task("ENG-1")["verified"] is False
    assert "unverified" in out


def test_changes_that_collide_are_merged_by_their_agent(team: Axon) -> None:
    (team.root / "list").write_text("a\n")
    team.git("add", "-A")
    team.git("commit", "-qm", "list")
    for name in ("b", "c"):
        # the second time there are conflict markers to be resolved
        script = (
            f"if grep -q '<<<<' list; then printf 'a\\nb\\nc\\n' > list; else "
            f"sleep 1; echo {name} >> list; fi"
        )
        add(team, f"add {name}", script, "--check", f"grep -qx {name} list && ! grep '<<<' list")

    team.ok("team", "--workers", "2")

    assert (team.root / "list").read_text() == "a\nb\nc\n"
    assert sorted(t["attempts"] for t in team.tasks()) == [1, 2]


def test_max_tasks_counts_for_the_whole_run(team: Axon) -> None:
    for n in range(4):
        add(team, f"task {n}", f"echo {n} > file{n}")
    team.ok("team", "--workers", "2", "--max-tasks", "3")
    assert sorted(t["state"] for t in team.tasks()) == ["done", "done", "done", "todo"]


def test_a_file_of_tasks_is_worked_and_not_added_twice(team: Axon) -> None:
    (team.root / "TASKS.md").write_text(
        "- [ ] one\n  id: one\n  echo 1 > one\n- [ ] two\n  depends: one\n  cp one two\n"
    )
    for _ in range(2):
        team.ok("team", "TASKS.md")
        assert [t["state"] for t in team.tasks()] == ["done", "done"]
    assert (team.root / "two").read_text() == "1\n"


def test_a_text_is_a_task(team: Axon) -> None:
    done = team("team", "add a 'greeting'\nsecond line")
    assert done.returncode in (0, 1)
    assert team.task("ENG-1")["title"] == "add a 'greeting'"


def test_json_is_one_object_a_line(team: Axon) -> None:
    add(team, "x", "echo x > x")
    lines = [json.loads(line) for line in team.ok("team", "--json").splitlines()]
    assert all("event" in line for line in lines[:-1])
    assert {"claim", "submit", "land"} <= {line["event"]["action"] for line in lines[:-1]}
    summary = lines[-1]["summary"]
    assert summary["exit_code"] == 0
    assert summary["tasks"][0]["landed_commit"] == team.task("ENG-1")["landed_commit"]


def test_status_and_list_have_their_keys(team: Axon) -> None:
    add(team, "x", "echo x > x")
    team.ok("team")
    keys = {"identifier", "title", "state", "priority", "depends", "attempts", "branch"}
    keys |= {"verified", "landed_commit", "cost_usd", "error"}
    assert keys <= set(team.tasks()[0])
    assert {"run", "workers", "counts"} <= set(team.json("status"))


# ── the project is not as it should be ──


def test_no_repository_is_refused(axon: Axon) -> None:
    axon.root.mkdir()
    done = axon("team")
    assert done.returncode == 2 and "git init" in done.stderr
    assert one_line(done.stderr)


def test_no_commit_is_refused(axon: Axon) -> None:
    axon.root.mkdir()
    axon.git("init", "-q")
    done = axon("team")
    assert done.returncode == 2 and "commit" in done.stderr and one_line(done.stderr)


def test_an_unknown_target_is_refused(team: Axon) -> None:
    done = team("team", "--target", "nowhere")
    assert done.returncode == 2 and "nowhere" in done.stderr and one_line(done.stderr)


def test_an_empty_ledger_says_how_to_add_tasks(team: Axon) -> None:
    done = team("team")
    assert done.returncode == 0
    assert "axon task add" in done.stderr + done.stdout


def test_a_dirty_checkout_is_left_alone(team: Axon) -> None:
    (team.root / "README.md").write_text("my own edit\n")
    before = team.git("rev-parse", "main")
    add(team, "x", "echo x > x", "--check", "test -f x")

    done = team("team")

    assert done.returncode == 0
    assert team.git("rev-parse", "main") == before
    assert (team.root / "README.md").read_text() == "my own edit\n"
    assert team.git("show", "axon/main:x") == "x"
    assert team.task("ENG-1")["target"] == "axon/main"
    assert "axon/main" in done.stdout
    assert team("land").returncode == 4

    team.git("checkout", "-q", "README.md")
    team.ok("land")
    assert (team.root / "x").read_text() == "x\n"


# ── strange texts ──


def test_any_text_reaches_the_agent_whole(team: Axon) -> None:
    text = 'say "it\'s" $HOME `id` \\ \n\nzwei Zeilen: äöü 🎉\x07\n'
    prompt = 'cat > prompt; cp "$AXON_TASK_FILE" task.json'
    team.configure(engine={"name": "command", "command": prompt})
    team.git("commit", "-aqm", "prompt")
    team.ok("task", "add", "-", text="quotes \"'$(id)\n" + text + "x" * (1 << 20))

    team.ok("team")

    task = json.loads((team.root / "task.json").read_text())
    assert text.strip() in task["description"] and len(task["description"]) > 1 << 20
    assert task["title"] == "quotes \"'$(id)"
    assert text.strip() in (team.root / "prompt").read_text()


def test_a_title_that_is_not_utf8_is_taken(team: Axon) -> None:
    words = [os.fsencode(w) for w in team.command("task", "add")] + [b"caf\xe9"]
    import subprocess

    subprocess.run(words, cwd=team.root, env=team.environment, check=True, capture_output=True)
    team("team")
    task = team.task("ENG-1")
    assert task["title"].startswith("caf") and task["attempts"] == 1


# ── gates that misbehave ──


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("sleep 60", "minutes"),
        ("yes 0123456789012345678901234567890123456789 | head -c 50000000; exit 1", "exit 1"),
        ("kill -9 $PPID; exit 1", "exit 1"),
        ("no-such-program-here", "127"),
    ],
)
def test_a_gate_may_do_what_it_wants(team: Axon, gate: str, said: str) -> None:
    shell(
        team, gate={"command": gate, "minutes": 0.02, "allow_red": True}, limits={"max_attempts": 1}
    )
    add(team, "x", "echo x > x")

    done = team("team", "--workers", "1")

    task = team.task("ENG-1")
    assert (done.returncode, task["state"], task["attempts"]) == (1, "failed", 1)
    assert said in task["error"], task["error"]
    assert "Traceback" not in done.stderr
    assert not team.processes()


# ── deaths ──


def running(axon: Axon, identifier: str = "ENG-1") -> dict[str, object]:
    """The worker that has this task, once its agent runs."""

    def look() -> dict[str, object] | None:
        if not (axon.root / ".axon" / "work" / identifier / "begun").exists():
            return None
        workers = axon.json("status")["workers"]
        return next((w for w in workers if w["identifier"] == identifier), None)

    found = wait_for(look)
    assert found
    return found


SLOW = "echo $$ >> begun; test -f ../../../go || { setsid sleep 300 & sleep 300; }; echo x > x"


def test_a_killed_worker_gives_its_task_back(team: Axon) -> None:
    add(team, "slow", SLOW)
    process = team.start("team", "--workers", "1")
    worker = running(team)
    agents = [p for p in team.processes() if p not in (process.pid, worker["pid"])]
    (team.root / "go").touch()

    os.kill(int(str(worker["pid"])), signal.SIGKILL)

    assert process.wait(60) == 0
    task = team.task("ENG-1")
    assert (task["state"], task["attempts"], task["failures"]) == ("done", 2, 0)
    assert agents and not team.processes()
    begun = (team.root / "begun").read_text().split()
    assert len(begun) == 2, "the second attempt went on in the same workspace"


def test_after_a_killed_coordinator_the_next_run_goes_on(team: Axon) -> None:
    add(team, "slow", SLOW)
    add(team, "other", "echo y > y")
    process = team.start("team", "--workers", "1")
    running(team)

    process.kill()
    process.wait()
    wait_for(lambda: not team.processes(), 5)
    (team.root / "go").touch()

    team.ok("team", "--workers", "2")
    assert [t["state"] for t in team.tasks()] == ["done", "done"]
    assert (team.root / "x").exists() and (team.root / "y").exists()


def test_a_sparse_recipe_holds_for_work_and_merge(team: Axon) -> None:
    for name in ("src/a.txt", "huge/b.txt"):
        (team.root / name).parent.mkdir()
        (team.root / name).write_text("old\n")
    shell(team, workspace={"sparse": ["src"]}, gate={"command": "test -e src && test ! -e huge"})
    team.git("add", "-A")
    team.git("commit", "-qm", "a big repository")
    add(team, "work", "echo new > src/a.txt; mkdir huge; echo mine > huge/c.txt; rm README.md")
    add(team, "more", "echo more > src/d.txt", "--depends", "ENG-1")
    team.ok("team", "--workers", "2", "--allow-red")
    assert [t["state"] for t in team.tasks()] == ["done", "done"]
    assert team.git("ls-files").split() == [
        "axon.toml", "huge/b.txt", "huge/c.txt", "src/a.txt", "src/d.txt"
    ]  # fmt: skip
    assert (team.root / "huge/b.txt").read_text() == "old\n"


def test_ctrl_c_parks_what_runs(team: Axon) -> None:
    add(team, "slow", SLOW)
    process = team.start("team", "--workers", "2")
    running(team)

    process.send_signal(signal.SIGINT)

    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not team.processes()
    task = team.task("ENG-1")
    assert (task["state"], task["failures"]) == ("todo", 0)
    assert (team.root / ".axon/work/ENG-1/begun").exists()
    assert team.git("for-each-ref", "refs/axon/wip/ENG-1"), "uncommitted work is in the project"
    (team.root / "go").touch()
    team.ok("team")
    assert team.task("ENG-1")["state"] == "done"


def test_two_teams_share_a_ledger(team: Axon) -> None:
    for n in range(6):
        add(team, f"task {n}", f"echo $$ >> file{n}; sleep 0.2")
    both = [team.start("team", "--workers", "2") for _ in range(2)]
    assert [p.wait(90) for p in both] == [0, 0]
    assert [t["attempts"] for t in team.tasks()] == [1] * 6
    for n in range(6):
        assert len((team.root / f"file{n}").read_text().split()) == 1


def one_line(text: str) -> bool:
    return len(text.strip().splitlines()) == 1 and text.startswith("axon: ")


def test_keys_do_not_reach_an_agent(team: Axon) -> None:
    """Its environment is listed, not inherited; what it prints is redacted."""
    team.variables["MY_TOKEN"] = "very-secret-value-123"
    team.variables["ANTHROPIC_API_KEY"] = "sk-ant-very-secret-key"
    add(team, "leak", "env > env; printf 'very-secret-%s' value-123")
    shell(team, guard={"block": []})  # the session's own token is a secret, too
    team.ok("team", "--model-upstream", f"script:{script(team)}")
    leaked = (team.root / "env").read_text()
    assert "secret" not in leaked
    for path in Path(team.root / ".axon").rglob("*"):
        if path.is_file() and "work" not in path.parts:
            assert b"very-secret-value-123" not in path.read_bytes(), path


def script(axon: Axon) -> Path:
    path = axon.root.parent / "script.json"
    path.write_text('{"tasks": []}')
    return path


def test_a_workspace_that_its_lander_could_not_remove_is_gone_with_the_run(axon: Axon) -> None:
    axon.make_repository()
    shell(axon)
    add(axon, "one", "echo x > x", "--check", "test -s x")
    axon.ok("team", "--workers", "1")
    left = axon.root / ".axon/work/ENG-1"  # as where it was killed, or the worker was slow
    left.mkdir()
    gone = left.with_name(".gone-ENG-1-1")  # as where it was killed while it removed one
    (gone / "src").mkdir(parents=True)
    swept = f"while test -e '{left}'; do sleep 0.05; done"  # it will not look again so soon
    add(axon, "two", f"{swept}; mkdir '{left}'; echo y > y", "--check", "test -s y")
    axon.ok("team", "--workers", "1", "--unsafe-no-sandbox")
    assert [task["state"] for task in axon.tasks()] == ["done", "done"]
    assert not left.exists() and not gone.exists()
