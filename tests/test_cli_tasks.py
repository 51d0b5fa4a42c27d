"""The commands around the ledger, from the built file, as a person or a script uses them."""

import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from axon.ledger import Run, open_ledger
from axon.tasks import Claim
from tests.drive import Axon


@pytest.fixture
def axon(core_pyz: Path, tmp_path: Path) -> Axon:
    """In a new repository; these commands need no engine."""
    driver = Axon(pyz=core_pyz, root=tmp_path / "my project", cache=tmp_path / "cache")
    driver.make_repository()
    return driver


def fails(axon: Axon, code: int, *words: str, text: str = "") -> str:
    """The one line it says."""
    done = axon(*words, text=text)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert done.stderr.startswith("axon: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("axon: ").strip()


def add(axon: Axon, *words: str) -> dict[str, Any]:
    task: dict[str, Any] = axon.json("task", "add", *words)
    return task


def ledger_path(axon: Axon) -> Path:
    return axon.root / ".axon" / "ledger.db"


# ── init ──


def test_init_prepares_a_repository_and_can_be_repeated(axon: Axon) -> None:
    said = axon.json("init")
    assert said == {
        "root": str(axon.root), "ledger": f"file:{ledger_path(axon)}", "config": True,
    }  # fmt: skip
    state = axon.root / ".axon"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert (state / ".gitignore").read_text() == "*\n"
    assert axon.git("status", "--porcelain") == "?? axon.toml"
    (axon.root / "axon.toml").write_text('[gate]\ncommand = "true"\n')
    add(axon, "kept")
    assert axon.json("init")["config"] is False
    assert (axon.root / "axon.toml").read_text() == '[gate]\ncommand = "true"\n'
    assert len(axon.tasks()) == 1
    assert "left as it was" in axon.ok("init")


def test_a_folder_that_is_no_repository_is_told_how_to_become_one(
    core_pyz: Path, tmp_path: Path
) -> None:
    axon = Axon(pyz=core_pyz, root=tmp_path / "plain", cache=tmp_path / "cache")
    axon.root.mkdir()
    for words in (("init",), ("task", "add", "x"), ("task", "import", "-")):
        said = fails(axon, 2, *words, text="- [ ] x")
        assert "is not a git repository; run git init && git commit" in said
    assert list(axon.root.iterdir()) == []
    assert add(axon, "x", "--ledger", "file:own.db")["identifier"] == "ENG-1"
    assert {path.name for path in axon.root.iterdir()} >= {"own.db", "own.db.lock"}


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("task", "list"), ("task", "show", "ENG-1"), ("task", "retry", "ENG-1"),
        ("task", "comment", "ENG-1", "x"), ("pause",), ("resume",), ("stop",),
        ("task", "import", "-", "--dry-run"),
    ],
)  # fmt: skip
def test_nothing_else_makes_a_ledger(axon: Axon, words: tuple[str, ...]) -> None:
    said = fails(axon, 6, *words, text="- [ ] x")
    assert said == f"no ledger at {ledger_path(axon)}; run axon init"
    assert not (axon.root / ".axon").exists()


# ── add ──


def test_all_that_is_said_of_a_task_is_kept(axon: Axon) -> None:
    axon.ok("task", "add", "first")
    task = add(
        axon, "mend it", "--description", "all\nof it", "--priority", "High",
        "--depends", "eng-1", "--paths", "src/{a,b}/**", "--paths", "docs/**",
        "--check", "make test && echo 'ok'", "--label", "bug, old", "--label", "ui",
        "--type", "bug", "--project", "Apollo", "--team", "OPS",
        "--max-attempts", "5", "--max-usd", "1.5", "--max-turns", "50", "--max-minutes", "10",
        "--not-before", "2036-03-01T09:00Z",
    )  # fmt: skip
    assert task["identifier"] == "OPS-1"
    said = {
        "title": "mend it", "description": "all\nof it", "priority": "high", "state": "todo",
        "depends": ["ENG-1"], "paths": ["src/{a,b}/**", "docs/**"], "type": "bug",
        "check": "make test && echo 'ok'", "labels": ["bug, old", "ui"], "project": "Apollo",
        "max_attempts": 5, "max_usd": 1.5, "max_turns": 50, "max_minutes": 10.0,
        "not_before": 2087974800.0, "attempts": 0, "branch": None, "verified": None,
        "landed_commit": None, "cost_usd": None, "error": None, "blocked_by": 1,
    }  # fmt: skip
    assert {name: task[name] for name in said} == said
    assert axon.task("OPS-1") == task
    assert axon.ok("task", "add", "next", "--parent", "OPS-1") == "ENG-2  next\n"


def test_a_task_is_read_from_standard_input(axon: Axon) -> None:
    axon.ok("task", "add", "-", text="\nthe title\n\nthe\ndescription\n")
    task = axon.task("ENG-1")
    assert (task["title"], task["description"]) == ("the title", "the\ndescription")
    assert "no title" in fails(axon, 2, "task", "add", "-", text=" \n ")


def test_texts_of_every_kind_arrive(axon: Axon) -> None:
    hostile = "“quoted” 'n' \"q\" $(rm -rf ~) `x` \\n ; -- \t日本"
    assert add(axon, hostile)["title"] == hostile.replace(" \t", " ")
    long = "x" * 300
    task = add(axon, long)
    assert (task["title"], task["description"]) == ("x" * 199 + "…", long)
    task = add(axon, "two\nlines")
    assert (task["title"], task["description"]) == ("two", "two\nlines")
    big = "y" * 1_000_000
    axon.ok("task", "add", "-", text=f"big\n{big}")
    assert axon.task("ENG-4")["description"] == big
    said = fails(axon, 2, "task", "add", "-", text="z" * (5 << 20))
    assert "more than 4 MiB" in said
    assert len(axon.tasks()) == 4


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_bytes_that_are_no_utf8_are_replaced(axon: Axon, locale: str) -> None:
    axon.variables["LC_ALL"] = locale
    command = [word.encode() for word in axon.command("task", "add")]
    subprocess.run(
        [*command, b"caf\xe9 caf\xc3\xa9"], cwd=axon.root, env=axon.environment, check=True
    )
    subprocess.run(
        [*command, b"-"], input=b"in\xff\0put", cwd=axon.root, env=axon.environment, check=True
    )
    assert [task["title"] for task in axon.tasks()] == ["caf\ufffd café", "in\ufffdput"]
    assert axon("task", "list").returncode == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--priority", "hot"), "--priority: unknown priority 'hot'; use one of urgent"),
        (("--max-usd", "nan"), "--max-usd: max_usd must be a number above 0"),
        (("--max-turns", "0"), "--max-turns: max_turns must be a whole number from 1"),
        (("--max-turns", "9" * 5000), "--max-turns: max_turns must be a whole number from 1"),
        (("--not-before", "soon"), "--not-before: cannot read the time 'soon'"),
        (("--depends", "ENG-7"), "“x” depends on ENG-7, which does not exist"),
        (("--parent", "ENG-7"), "“x” is part of ENG-7, which does not exist"),
        (("--team", "eng"), "team key 'eng' must be capital letters"),
        (("--colour", "red"), "unrecognized arguments: --colour red"),
    ],
)
def test_what_is_wrong_with_a_task_is_said(
    axon: Axon, words: tuple[str, ...], problem: str
) -> None:
    assert problem in fails(axon, 2, "task", "add", "x", *words)
    if ledger_path(axon).exists():
        assert axon.tasks() == []


# ── list and show ──


def test_tasks_are_listed_for_people_and_for_programs(axon: Axon) -> None:
    add(axon, "red \x1b[31mcar\x07", "--label", "bug", "--priority", "urgent")
    add(axon, "blue boat")
    axon.ok("task", "cancel", "eng-2")
    table = axon.ok("task", "list")
    assert "\x1b" not in table and "\x07" not in table
    head, first, second = table.splitlines()
    assert head.split() == ["task", "state", "priority", "attempts", "cost", "title"]
    assert first.split()[:3] == ["ENG-1", "Todo", "urgent"]
    assert second.split()[:2] == ["ENG-2", "Canceled"]

    def found(*words: str) -> list[str]:
        return [task["identifier"] for task in axon.json("task", "list", *words)]

    assert found() == ["ENG-1", "ENG-2"]
    assert found("--state", "Canceled") == ["ENG-2"]
    assert found("--priority", "urgent") == ["ENG-1"]
    assert found("--label", "bug") == ["ENG-1"]
    assert found("--q", "BOAT") == ["ENG-2"]
    assert found("--limit", "1") == ["ENG-1"]
    assert "unknown state 'lost'; use one of todo" in fails(
        axon, 2, "task", "list", "--state", "lost"
    )
    assert "axon task add" in axon.ok("task", "list", "--q", "nothing like it")


def test_a_task_is_shown_with_all_that_happened(axon: Axon) -> None:
    add(axon, "first", "--check", "true")
    add(axon, "second", "--depends", "ENG-1")
    axon.ok("task", "comment", "eng-1", "looks\nhard")
    axon.ok("task", "comment", "ENG-1", "-", text="really")
    axon.ok("task", "cancel", "ENG-1", "--why", "too hard")
    shown = axon.json("task", "show", "eng-1")
    assert [c["body"] for c in shown["comments"]] == ["looks\nhard", "really"]
    assert [e["action"] for e in shown["events"]] == ["add", "comment", "comment", "cancel"]
    assert shown["events"][-1]["why"] == "too hard"
    assert shown["sessions"] == []
    assert axon.json("task", "show", "ENG-2")["waiting"] == ["waits for ENG-1, which was canceled"]
    text = axon.ok("task", "show", "ENG-2")
    assert "waits for ENG-1, which was canceled" in text
    assert "looks\nhard" in axon.ok("task", "show", "ENG-1")


# ── moves ──


def test_people_move_tasks(axon: Axon) -> None:
    add(axon, "a")
    add(axon, "b")
    assert axon.ok("task", "cancel", "ENG-1", "eng-2", "ENG-1").splitlines() == [
        "ENG-1  Canceled  a", "ENG-2  Canceled  b",
    ]  # fmt: skip
    assert axon.json("task", "reopen", "ENG-2")[0]["state"] == "todo"
    assert "cannot retry ENG-2: it is Todo" in fails(axon, 4, "task", "retry", "ENG-2")
    said = fails(axon, 4, "task", "reopen", "ENG-1", "ENG-2")
    assert "cannot reopen ENG-2" in said
    assert axon.task("ENG-1")["state"] == "canceled", "all allow it, or none is moved"
    for action in ("retry", "cancel", "reopen", "show"):
        assert "no task ENG-9" in fails(axon, 3, "task", action, "ENG-9")
    assert "no task NONSENSE" in fails(axon, 3, "task", "comment", "nonsense", "x")


def test_a_failed_task_can_be_retried(axon: Axon) -> None:
    add(axon, "a", "--max-attempts", "1")
    ledger = open_ledger(f"file:{ledger_path(axon)}")
    ledger.claim(worker="w", run="", lease_seconds=30)
    ledger.fail(Claim(identifier="ENG-1", token=1, worker="w", run=""), "gate: exit 1")
    ledger.close()
    assert axon.task("ENG-1")["error"] == "gate: exit 1"
    assert axon.json("task", "retry", "ENG-1")[0]["state"] == "todo"


# ── import ──

PLAN = """\
- [ ] one
  id: one
- [ ] two
  depends: one, ENG-1
"""


def test_a_file_of_tasks_is_imported(axon: Axon) -> None:
    add(axon, "zero")
    (axon.root / "plan.md").write_text(PLAN)
    tried = axon.json("task", "import", "plan.md", "--dry-run", "--team", "OPS")
    assert [task["identifier"] for task in tried] == ["OPS-1", "OPS-2"]
    assert len(axon.tasks()) == 1
    assert "would add 2 tasks" in axon.ok("task", "import", "plan.md", "--dry-run")
    assert "added 2 tasks" in axon.ok("task", "import", "plan.md", "--team", "OPS")
    assert axon.task("OPS-2")["depends"] == ["OPS-1", "ENG-1"]
    lines = json.dumps({"title": "three", "depends": ["OPS-2"]})
    assert axon.ok("task", "import", "-", text=lines).endswith("added 1 task\n")
    assert axon.task("ENG-2")["depends"] == ["OPS-2"]


def test_what_was_listed_can_be_imported_elsewhere(axon: Axon) -> None:
    (axon.root / "plan.md").write_text(PLAN.replace(", ENG-1", ""))
    axon.ok("task", "import", "plan.md")
    (axon.root / "all.json").write_text(axon.ok("task", "list", "--json"))
    axon.ok("task", "import", "all.json", "--ledger", "file:other.db")
    copied = axon.json("task", "list", "--ledger", "file:other.db")
    times = {"created_at", "updated_at"}
    for one, other in zip(axon.tasks(), copied, strict=True):
        assert {k: v for k, v in one.items() if k not in times} == {
            k: v for k, v in other.items() if k not in times
        }


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("p.md", b"- [ ] a\n  depends: b\n", "p.md: line 2: 'b' is no id or title"),
        ("p.md", b"- [ ] a\n  depends: ENG-9\n", "depends on ENG-9, which does not exist"),
        ("p.md", b"- [ ] a\n  depends: b\n- [ ] b\n  depends: a\n", "wait for each other"),
        ("p.md", b"", "holds no task"),
        (
            "p.jsonl",
            b'{"title": "a"}\n{"titel": "b"}\n',
            "p.jsonl: line 2: unknown key 'titel'; did",
        ),
        ("p.jsonl", b'\xff\xfe{"title"', "p.jsonl: line 1: not valid JSON"),
        ("p.json", b"[", "not valid JSON"),
        ("p.json", b'[{"title": "a"}, {"title": ""}]', "item 2: the task has no title"),
    ],
)
def test_a_wrong_file_changes_nothing(axon: Axon, name: str, content: bytes, problem: str) -> None:
    add(axon, "zero")
    (axon.root / name).write_bytes(content)
    assert problem in fails(axon, 2, "task", "import", name)
    assert len(axon.tasks()) == 1


def test_what_is_no_file_of_tasks_is_said(axon: Axon) -> None:
    assert "cannot read nope.md: No such file" in fails(axon, 2, "task", "import", "nope.md")
    assert "Is a directory" in fails(axon, 2, "task", "import", ".")
    with open(axon.root / "huge.md", "wb") as file:
        file.truncate(257 << 20)
    assert "more than 256 MiB" in fails(axon, 2, "task", "import", "huge.md")


def test_a_large_import_is_one_step(axon: Axon) -> None:
    lines = (
        json.dumps({"title": f"task {n}", "key": f"{n}", "depends": [f"{n - 1}"] if n else []})
        for n in range(5000)
    )
    (axon.root / "many.jsonl").write_text("\n".join(lines))
    axon.ok("task", "import", "many.jsonl")
    assert axon.json("status")["counts"]["todo"] == 5000
    assert axon.task("ENG-5000")["depends"] == ["ENG-4999"]


def test_tasks_given_to_a_team_are_of_the_team_named(axon: Axon) -> None:
    axon.configure(engine={"name": "command", "command": "true"})
    (axon.root / "plan.md").write_text("- [ ] one\n- [ ] two\n  team: QA\n")
    axon("team", "plan.md", "three", "--team", "OPS")
    assert [task["identifier"] for task in axon.tasks()] == ["OPS-1", "QA-1", "OPS-2"]


# ── status, pause, stop ──


def test_the_status_of_an_empty_ledger_says_how_to_go_on(axon: Axon) -> None:
    axon.ok("init")
    assert "axon task add" in axon.ok("status")
    empty = axon.json("status")
    assert (empty["run"], empty["workers"], empty["paused"], empty["waiting"]) == (
        None,
        [],
        None,
        [],
    )
    assert set(empty["counts"].values()) == {0}


def test_status_shows_the_run_what_is_where_and_what_is_stuck(axon: Axon) -> None:
    add(axon, "a")
    add(axon, "b", "--depends", "ENG-1")
    axon.ok("task", "cancel", "ENG-1")
    assert "no run yet" in axon.ok("status")
    ledger = open_ledger(f"file:{ledger_path(axon)}")
    run = Run(id="run-1", pid=1, host="h", target="main", engine="command", workers=2)
    ledger.start_run(run, 60)
    status = axon.json("status")
    assert (status["run"]["id"], status["run"]["alive"]) == ("run-1", True)
    assert status["counts"]["todo"] == 1 and status["counts"]["canceled"] == 1
    assert status["waiting"][0] == {
        "identifier": "ENG-2", "title": "b", "on": "ENG-1", "stuck": True,
        "reason": "waits for ENG-1, which was canceled",
    }  # fmt: skip
    text = axon.ok("status")
    assert "run run-1 is running" in text
    assert "1 Todo, 1 Canceled" in text
    assert "ENG-2 waits for ENG-1, which was canceled" in text
    assert axon.ok("stop") == "asked run-1 to stop\n"
    assert ledger.run("run-1").stop_requested
    assert "is stopping" in axon.ok("status")
    ledger.end_run("run-1")
    ledger.close()
    assert "no team is running" in fails(axon, 4, "stop")
    assert "run run-1 ended" in axon.ok("status")


def test_a_team_is_paused_and_resumed(axon: Axon) -> None:
    axon.ok("init")
    assert axon.ok("resume") == "nothing was paused\n"
    assert "axon resume ends it" in axon.ok("pause", "--reason", "lunch")
    assert axon.json("status")["paused"] == {"reason": "lunch", "until": None}
    axon.ok("pause", "--until", "30m")
    assert axon.json("status")["paused"]["until"] > 0
    assert axon.ok("resume") == "resumed\n"
    assert axon.json("status")["paused"] is None
    assert "cannot read the time 'later'" in fails(axon, 2, "pause", "--until", "later")
    assert "has passed" in fails(axon, 2, "pause", "--until", "2020-01-01")


# ── config ──


def test_config_shows_values_and_origins_but_no_secret(axon: Axon) -> None:
    axon.configure(team={"workers": 3}, ledger={"url": "postgresql://me:hunter22@db/axon"})
    with open(axon.root / "axon.toml", "a") as file:
        file.write('[workspace]\nenvironment = { LEVEL = "1", DB_PASSWORD = "hunter22" }\n')
    axon.variables["ANTHROPIC_AUTH_TOKEN"] = "secret-token"
    axon.variables["ANTHROPIC_CUSTOM_HEADERS"] = "x-key: secret-token"
    axon.variables["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:9"
    (axon.root / ".env").write_text("ANTHROPIC_API_KEY=sk-ant-secret\n")
    entries = {entry["key"]: entry for entry in axon.json("config")}
    assert entries["team.workers"] == {"key": "team.workers", "value": 3, "origin": "axon.toml"}
    assert entries["ledger.url"]["value"] == "postgresql://me:***@db/axon"
    assert entries["ANTHROPIC_API_KEY"] == {
        "key": "ANTHROPIC_API_KEY", "value": "set", "origin": ".env",
    }  # fmt: skip
    assert entries["workspace.environment"]["value"] == {"LEVEL": "1", "DB_PASSWORD": "***"}
    assert entries["ANTHROPIC_AUTH_TOKEN"]["origin"] == "environment"
    assert entries["CLAUDE_CODE_OAUTH_TOKEN"]["value"] is None
    assert entries["ANTHROPIC_BASE_URL"]["value"] == "http://127.0.0.1:9"
    text = axon.ok("config")
    assert "sk-ant-secret" not in text and "secret-token" not in text and "hunter22" not in text
    assert "team.workers" in text and "(axon.toml)" in text
    shown = axon.ok("config", "--show-secrets")
    assert "sk-ant-secret" in shown and "hunter22" in shown


# ── faults ──


def test_a_ledger_that_cannot_be_used_is_one_line(axon: Axon) -> None:
    axon.ok("init")
    path = ledger_path(axon)
    for name in os.listdir(path.parent):
        if name != ".gitignore":
            (path.parent / name).unlink()
    path.write_bytes(b"garbage" * 1000)
    assert "is damaged or no ledger" in fails(axon, 6, "status")
    path.unlink()
    path.mkdir()
    assert "is a directory" in fails(axon, 6, "task", "add", "x")
    path.rmdir()
    os.mkfifo(path)
    assert "not a regular file" in fails(axon, 6, "task", "list")
    assert "no ledger backend for postgresql" in fails(
        axon, 6, "status", "--ledger", "postgresql://x"
    )


def test_a_reader_that_has_gone_is_no_error(axon: Axon) -> None:
    lines = "\n".join(json.dumps({"title": f"task {n} {'x' * 100}"}) for n in range(3000))
    axon.ok("task", "import", "-", text=lines)
    process = axon.start("task", "list", "--json")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(30) == 0
    process.stdout = None
    axon.started.clear()
    process.stderr.close()


# ── where what is said goes ──


def at_the_shell(axon: Axon, line: str) -> subprocess.CompletedProcess[str]:
    """`$AXON` in it is how axon is started."""
    started = shlex.join([sys.executable, str(axon.pyz)])
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("$AXON", started)],
        cwd=axon.root, env=axon.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["task list", "task list --json", "task export"])
def test_output_that_cannot_be_written_is_a_line(axon: Axon, words: str) -> None:
    add(axon, "a")
    done = at_the_shell(axon, f"$AXON {words} >/dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        "axon: cannot write what is to be printed: No space left on device; free some space\n"
    )


def test_closed_streams_are_no_trouble(axon: Axon) -> None:
    add(axon, "a")
    for streams in (">&-", "<&- >&- 2>&-"):
        done = at_the_shell(axon, f"$AXON task list {streams}")
        assert (done.returncode, done.stderr) == (0, "")
    assert at_the_shell(axon, "$AXON task nonsense 2>&-").returncode == 2
