"""A team from the built file that reports to Telegram and obeys it: tokens, kills, commands."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.ledger import Ledger, open_ledger
from tests.drive import Axon, wait_for
from tests.telegram_server import CHAT, TOKEN, Fault, TelegramServer
from tests.test_gateway_secrets import told
from tests.test_team import add, shell


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    server = TelegramServer()
    yield server
    server.close()


@pytest.fixture
def stage(axon: Axon, server: TelegramServer) -> Axon:
    axon.make_repository()
    axon.variables |= {
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_CHAT_ID": str(CHAT),
        "AXON_TELEGRAM_URL": server.url,
        "DAILY_DIGEST_HOUR": "-1",
    }
    shell(axon)
    return axon


def heads(server: TelegramServer) -> list[str]:
    return [str(one["parsed"]).split("\n")[0] for one in server.sent]


def ledger_of(axon: Axon) -> Ledger:
    return open_ledger(f"file:{axon.root / '.axon/ledger.db'}")


def courier(axon: Axon) -> int:
    """The pid of the newest courier."""
    log = (axon.root / ".axon/axon.log").read_text()
    return int(re.findall(r"started name=courier pid=(\d+)", log)[-1])


def test_what_happens_is_reported_and_the_token_is_nowhere(
    stage: Axon, server: TelegramServer
) -> None:
    shell(
        stage,
        limits={"max_attempts": 1},
        workspace={"setup": "env > setup.txt"},
        gate={"command": "env > gate.txt; ! grep -r AAFake[T]oken ."},
        guard={"block": []},
    )
    look = "env > env.txt; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline > procs.txt 2>&1; sleep 2"
    add(stage, "a <good> & sound one", f"{look}; echo x > x")
    add(stage, "a bad one", "echo y > y", "--check", "echo TELEGRAM; exit 1", "--depends", "ENG-1")
    team = stage.start("team", "--workers", "1")
    wait_for(lambda: server.sent, 90)  # the first is at work
    others = [pid for pid in stage.processes() if pid != team.pid]
    assert len(others) >= 3
    for pid in others:
        assert TOKEN.encode() not in told(pid), Path(f"/proc/{pid}/cmdline").read_bytes()
    out, err = team.communicate(timeout=120)
    assert team.returncode == 1, err
    assert heads(server) == [
        "▶ ENG-1 started",
        "✅ ENG-1 landed",
        "▶ ENG-2 started",
        "❌ ENG-2 failed",
        f"🏁 {stage.root.name}: the run has ended",
    ]
    assert "a <good> & sound one" in str(server.sent[0]["parsed"])
    assert TOKEN not in out + err
    for path in (*stage.root.rglob("*"), *Path(stage.environment["HOME"]).rglob("*")):
        if path.is_file():
            assert b"AAFakeToken" not in path.read_bytes(), path
    shown = stage.git("show", "main:env.txt") + stage.git("show", "main:procs.txt")
    assert "AXON_TASK" in shown and "AAFakeToken" not in shown
    assert "notify: by telegram 4242" in stage.ok("logs", "ENG-1")
    tokens = next(e for e in stage.json("config") if e["key"] == "telegram.token")
    assert tokens["value"] == "set"
    assert not stage.processes()


def test_a_courier_that_is_killed_while_it_sends_loses_nothing_and_says_a_repeat(
    stage: Axon, server: TelegramServer
) -> None:
    server.fail("sendMessage", Fault("slow", seconds=0.1, then=True))
    add(stage, "one", "echo x > x")
    team = stage.start("team", "--workers", "1", "--watch")
    wait_for(lambda: server.sent, 90)  # it arrived, and no answer will
    os.kill(courier(stage), signal.SIGKILL)
    wait_for(lambda: len(server.sent) >= 3, 60)
    assert heads(server)[:2] == ["▶ ENG-1 started", "(this may be a repeat)"]
    assert str(server.sent[1]["parsed"]).split("\n")[1] == "▶ ENG-1 started"
    wait_for(lambda: "✅ ENG-1 landed" in heads(server), 60)
    stage.ok("stop")
    team.communicate(timeout=60)
    assert heads(server).count("✅ ENG-1 landed") == 1
    assert heads(server)[-1].endswith("the run has ended")
    assert stage.task("ENG-1")["state"] == "done"


def test_a_team_is_steered_by_a_phone_across_the_death_of_the_courier(
    stage: Axon, server: TelegramServer
) -> None:
    team = stage.start("team", "--workers", "1", "--watch")
    server.says("/pause")
    wait_for(lambda: any("Paused" in head for head in heads(server)), 90)
    os.kill(courier(stage), signal.SIGKILL)
    server.says("/pause", chat=CHAT + 1)
    server.says("/resume")
    wait_for(lambda: "Goes on" in heads(server), 60)
    server.says("/stop")
    wait_for(lambda: "Stop the team?" in heads(server), 60)
    assert team.poll() is None
    keys = server.sent[-1]["reply_markup"]["inline_keyboard"][0]
    server.presses(str(keys[0]["callback_data"]))
    team.communicate(timeout=60)
    assert team.returncode == 130
    said = heads(server)
    # the courier may have died before it had written down that the first one was sent
    assert [head for head in said if not head.startswith(("⚠", "(this may be a repeat)"))] == [
        "Paused until /resume", "Goes on", "Stop the team?", "The team ends",
        f"🏁 {stage.root.name}: the run has ended",
    ]  # fmt: skip
    ledger = ledger_of(stage)
    try:
        actions = [e.action for e in ledger.events() if e.actor.startswith("telegram")]
        assert actions == ["pause", "resume"]
        assert ledger.bookmark("telegram ignored") == "1"
        assert ledger.check() == []
    finally:
        ledger.close()


@pytest.mark.parametrize(
    "trouble",
    [
        Fault("status", 401, "Unauthorized"),
        Fault("status", 400, "Bad Request: chat not found"),
        Fault("hangup"),
    ],
    ids=["token", "chat", "network"],
)
def test_a_telegram_that_fails_harms_no_run(
    stage: Axon, server: TelegramServer, trouble: Fault
) -> None:
    for method in ("sendMessage", "getMe", "getUpdates"):
        server.fail(method, *[trouble] * 500)
    add(stage, "one", "echo x > x", "--check", "test -s x")
    done = stage("team", "--workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert stage.task("ENG-1")["state"] == "done"
    ledger = ledger_of(stage)
    try:
        letters = ledger.letters(f"telegram {CHAT}")
        assert len(letters) >= 3  # they wait for better times
        failures = [e.why for e in ledger.events() if e.action == "errand_failed"]
        assert len(failures) == len(set(failures))
    finally:
        ledger.close()


def test_a_token_without_a_chat_is_said_and_harms_no_run(
    stage: Axon, server: TelegramServer
) -> None:
    del stage.variables["TELEGRAM_CHAT_ID"]
    add(stage, "one", "echo x > x")
    done = stage("team", "--workers", "1")
    assert done.returncode == 0
    assert "TELEGRAM_CHAT_ID is not" in done.stderr
    assert server.calls == []


def test_a_report_is_told_here_and_sent_once(stage: Axon, server: TelegramServer) -> None:
    add(stage, "one & only", "echo x > x")
    stage.ok("team", "--workers", "1")
    server.sent.clear()
    here = stage.ok("report")
    assert "daily digest" in here and "1 landed" in here and "• ENG-1 one & only" in here
    sent = stage("report", "--daily", "--send")
    assert sent.returncode == 0 and f"telegram {CHAT}: sent" in sent.stderr
    assert str(server.sent[0]["parsed"]).strip() == sent.stdout.strip() == here.strip()
    again = stage("report", "--send")
    assert again.returncode == 0 and "--again sends it once more" in again.stderr
    assert len(server.sent) == 1
    weekly = stage.json("report", "--weekly", "--send")
    assert weekly["span"] == "weekly" and weekly["sent"][0]["sent"]
    assert weekly["landed"][0]["identifier"] == "ENG-1"
    server.fail("sendMessage", Fault("status", 403, "Forbidden: bot was blocked by the user"))
    refused = stage("report", "--again")
    assert refused.returncode == 1 and "blocked by the user" in refused.stderr
    assert TOKEN not in refused.stderr + refused.stdout
    del stage.variables["TELEGRAM_BOT_TOKEN"]
    nobody = stage("report", "--send")
    assert nobody.returncode == 2 and "nobody is to be told" in nobody.stderr


def test_a_digest_comes_at_its_hour_from_one_of_two_runs(
    stage: Axon, server: TelegramServer
) -> None:
    stage.variables["DAILY_DIGEST_HOUR"] = "0"
    stage.variables["WEEKLY_SUMMARY_DAY"] = "never"
    add(stage, "one", "echo x > x")
    stage.ok("team", "--workers", "1")
    server.sent.clear()
    ledger = ledger_of(stage)
    try:
        ledger.set_bookmark(f"digest daily telegram {CHAT}", "daily 2000-01-01")
    finally:
        ledger.close()
    teams = [stage.start("team", "--workers", "1", "--watch") for _ in range(2)]
    wait_for(lambda: any("daily digest" in head for head in heads(server)), 90)
    beside = stage("report", "--weekly", "--send")  # a courier has the channel, and sends it
    assert beside.returncode == 0, beside.stderr
    assert sum("weekly summary" in head for head in heads(server)) == 1
    stage.ok("stop")
    for team in teams:
        team.communicate(timeout=60)
    assert sum("daily digest" in head for head in heads(server)) == 1
    assert sum("the run has ended" in head for head in heads(server)) >= 1


def test_a_team_that_rereads_its_settings_has_a_new_courier(
    stage: Axon, server: TelegramServer
) -> None:
    shell(stage, telegram={"events": ["started"]})
    team = stage.start("team", "--workers", "1", "--watch")
    add(stage, "one", "echo x > x")
    wait_for(lambda: stage.task("ENG-1")["state"] == "done", 90)
    wait_for(lambda: heads(server) == ["▶ ENG-1 started"], 60)
    first = courier(stage)
    shell(stage, telegram={"events": ["landed"]})
    os.kill(team.pid, signal.SIGHUP)
    wait_for(lambda: courier(stage) != first, 60)
    add(stage, "two", "echo y > y")
    wait_for(lambda: "✅ ENG-2 landed" in heads(server), 90)
    stage.ok("stop")
    team.communicate(timeout=60)
    assert heads(server) == ["▶ ENG-1 started", "✅ ENG-2 landed"]


def test_health_looks_at_telegram_and_a_run_does_not_depend_on_it(
    stage: Axon, server: TelegramServer
) -> None:
    def telegram() -> dict[str, str]:
        done = stage("health", "--json")
        assert done.returncode == 0 and TOKEN not in done.stdout + done.stderr
        checks = json.loads(done.stdout)["checks"]
        found: dict[str, str] = next(one for one in checks if one["name"] == "telegram")
        return found

    assert (telegram()["state"], telegram()["reason"]) == (
        "ok", "@axon_test_bot reports to 1 chat",
    )  # fmt: skip
    server.chats.clear()
    lost = telegram()
    assert lost["state"] == "warn" and "chat not found" in lost["reason"] and lost["fix"]
    assert server.sent == []


def test_a_run_that_was_killed_leaves_nobody_waiting(stage: Axon, server: TelegramServer) -> None:
    add(stage, "one", "sleep 600")
    team = stage.start("team", "--workers", "1", "--watch")
    wait_for(lambda: heads(server) == ["▶ ENG-1 started"], 90)
    server.says("/pause")
    wait_for(lambda: "Paused until /resume" in heads(server), 60)
    os.kill(team.pid, signal.SIGKILL)
    team.wait(30)
    stage.start("team", "--workers", "1", "--watch")
    server.says("/budget")  # sooner than a lease would have run out
    wait_for(lambda: "Budget" in heads(server), 60)
    wait_for(lambda: any(head.startswith("⚠ a run was killed") for head in heads(server)), 60)
    stage.ok("stop")
    wait_for(lambda: heads(server)[-1].endswith("the run has ended"), 60)


def test_a_question_is_reported_answered_and_a_failure_retried_from_a_phone(
    stage: Axon, server: TelegramServer
) -> None:
    shell(stage, limits={"max_attempts": 1})
    add(stage, "changes nothing", "true", "--check", "true")
    add(stage, "fails at first", "test -e ok && echo y > y || { touch ok; exit 1; }")
    team = stage.start("team", "--workers", "1", "--watch")
    wait_for(lambda: any("ENG-1" in h and "asks" in h for h in heads(server)), 90)
    wait_for(lambda: any("ENG-2 failed" in h for h in heads(server)), 90)
    for word in ("/next", "/log ENG-1", "/answer ENG-1 approve", "/retry ENG-2"):
        before = len(server.sent)
        server.says(word)
        wait_for(lambda n=before: len(server.sent) > n, 60)  # type: ignore[misc]
    wait_for(lambda: {"✅ ENG-1 landed", "✅ ENG-2 landed"} <= set(heads(server)), 90)
    stage.ok("stop")
    team.communicate(timeout=60)
    assert [t["state"] for t in stage.tasks()] == ["done", "done"]
