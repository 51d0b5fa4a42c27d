"""`axon health`: what is missing is named with its fix, what is not needed is not asked for."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from axon.config import Config, load_config
from axon.errors import EngineError, UsageError
from axon.monitoring.health.check import Check, CheckState, Probe, good, look_all, warned
from axon.monitoring.health.engine import endpoint
from axon.monitoring.health.machine import clock, disk, memory
from axon.monitoring.health.permissions import permissions
from axon.tasks import State
from axon.team.health import warnings
from tests.drive import Axon, wait_for
from tests.github_server import TOKEN as GITHUB_TOKEN
from tests.github_server import github_server
from tests.telegram_server import CHAT, TelegramServer
from tests.test_claude import KEY, Stage, says, stage
from tests.test_mcp_servers import lend
from tests.visitor import start
from tests.world import World, add

__all__ = ["stage"]


STABLE = {"name", "state", "reason", "fix", "seconds"}


def config_of(root: Path, toml: str = "", **environ: str) -> Config:
    (root / "axon.toml").write_text(toml)
    return load_config(Namespace(), root, {"HOME": str(root / "home"), **environ})


def checks(axon: Axon, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """The answer of the built file, by name."""
    done = axon("health", "--json", *words, seconds=250)
    assert done.returncode == code, done.stdout + done.stderr
    view = json.loads(done.stdout)
    assert view.keys() == {"ok", "checks", "containment", "version", "at"}
    assert all(check.keys() == STABLE for check in view["checks"])
    assert view["ok"] is (code != 5)
    return {check["name"]: check for check in view["checks"]}


# ── many at once ──


def test_one_that_hangs_or_fails_hides_no_other() -> None:
    never, heard = threading.Event(), list[str]()

    def raising(error: Exception) -> Callable[[], Check]:
        def look() -> Check:
            raise error

        return look

    def hang() -> Check:
        never.wait()
        return good("hangs", "at last")

    probes = [
        Probe(name="hangs", look=hang, seconds=0.2),
        Probe(name="fine", look=lambda: good("x", "it is")),
        Probe(name="wrong", look=raising(UsageError("it is missing; fetch it; then go on"))),
        Probe(name="absent", look=raising(FileNotFoundError(2, "No such file"))),
        Probe(name="bug", look=raising(KeyError("x"))),
        Probe(name="late", look=lambda: warned("late", "so so", "better")),
    ]
    found = look_all(probes, lambda check: heard.append(check.name))
    never.set()
    assert heard == [check.name for check in found] == [probe.name for probe in probes]
    states = [check.state.value for check in found]
    assert states == ["fail", "ok", "fail", "fail", "fail", "warn"]
    assert found[0].reason == "no answer within 0.2 s"
    assert (found[2].reason, found[2].fix) == ("it is missing", "fetch it; then go on")
    assert "No such file" in found[3].reason and "KeyError" in found[4].reason


# ── the machine ──


def test_files_that_others_can_read_come_with_their_chmod(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    state = tmp_path / ".axon"
    (tmp_path / ".env").write_text("KEY=x")
    state.mkdir(mode=0o755)
    (state / "dashboard.token").write_text("t")
    (tmp_path / "home/.config/axon").mkdir(parents=True)
    (tmp_path / "home/.config/axon/trust.json").write_text("{}")
    (tmp_path / "home/.claude").mkdir()
    (tmp_path / "home/.claude/.credentials.json").write_text("{}")
    modes = {".env": 0o644, ".axon": 0o755, ".axon/dashboard.token": 0o644, "axon.toml": 0o666}
    for name, mode in (*modes.items(), ("home/.config/axon/trust.json", 0o622)):
        (tmp_path / name).chmod(mode)
    (tmp_path / "home/.claude/.credentials.json").chmod(0o640)
    found = permissions(config)
    assert found.state is CheckState.WARN and found.fix.count("chmod ") == 5
    while (found := permissions(config)).state is CheckState.WARN:
        subprocess.run(found.fix, shell=True, check=True)
    assert found.state is CheckState.OK
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "axon.toml").stat().st_mode & 0o777 == 0o644


def test_clocks_that_cannot_be_right(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    assert clock(config, lambda: 0.0).state is CheckState.FAIL
    assert "2001" in clock(config, lambda: 1e9).reason
    assert clock(config, lambda: 1e15).state is CheckState.FAIL
    assert clock(config).state is CheckState.OK
    jumps = iter([2e9, 2e9, 2e9 + 3600])
    assert "jumped" in clock(config, lambda: next(jumps)).reason
    (tmp_path / ".git").mkdir()
    later = time.time() + 30 * 86400
    os.utime(tmp_path / ".git", (later, later))
    assert "in the future" in clock(config).reason


def test_disk_and_memory_go_by_what_is_set(tmp_path: Path) -> None:
    assert disk(config_of(tmp_path)).state in (CheckState.OK, CheckState.WARN)
    full = disk(config_of(tmp_path, f"[workspace]\ndisk_floor_mb = {10**11}"))
    assert full.state is CheckState.FAIL and "axon gc" in full.fix
    crowd = memory(config_of(tmp_path, "[team]\nworkers = 64"))
    assert "for 64 workers" in crowd.reason


def test_few_open_files_are_named(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": "true"})
    words = ["sh", "-c", 'ulimit -n 200; exec "$@"', "sh"]
    command = [*words, *axon.command("health", "--fast", "--json", "--strict")]
    done = subprocess.run(
        command, cwd=axon.root, env=axon.environment, capture_output=True, text=True, timeout=90
    )
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1 and "200 open files" in found["limits"]["reason"]
    assert "ulimit -n 1024" in found["limits"]["fix"]


# ── the endpoint ──


class Answering(BaseHTTPRequestHandler):
    date: float | None = 0.0
    hold: threading.Event | None = None

    def do_HEAD(self) -> None:
        if self.hold is not None:
            self.hold.wait(60)
        self.send_response_only(502)
        if self.date is not None:
            self.send_header("Date", formatdate(time.time() + self.date, usegmt=True))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is inherited
        pass


@contextmanager
def answering(**facts: Any) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Made", (Answering,), facts))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def asked(tmp_path: Path, url: str, seconds: float = 10.0) -> Check:
    config = config_of(tmp_path, ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY="sk-ant-0123456789")
    return endpoint(config, seconds)


def test_the_endpoint_is_asked_and_its_clock_heard(tmp_path: Path) -> None:
    with answering() as url:
        assert asked(tmp_path, url).state is CheckState.OK
    with answering(date=None) as url:
        assert asked(tmp_path, url).state is CheckState.OK
    with answering(date=7200.0) as url:
        late = asked(tmp_path, url)
        assert late.state is CheckState.WARN and "s behind its own" in late.reason
    with answering(date=-7200.0) as url:
        assert "ahead of its own" in asked(tmp_path, url).reason


def test_an_endpoint_that_is_silent_or_not_there(tmp_path: Path) -> None:
    hold = threading.Event()
    with answering(hold=hold) as url, pytest.raises(EngineError, match="nothing came for too lo"):
        asked(tmp_path, url, 0.3)
    hold.set()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(EngineError, match="cannot be reached .connection refused.; check ANTHR"):
        asked(tmp_path, f"http://127.0.0.1:{port}")


# ── as a person meets it ──


def test_a_command_needs_neither_key_nor_cli(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": "true"})
    found = checks(axon)
    skipped = {name for name, check in found.items() if check["state"] == "skipped"}
    assert skipped >= {"login", "model", "gateway", "gate", "ledger", "github"}
    assert "telegram" not in found or "telegram" in skipped
    assert found["git"]["state"] == "warn" and "git config" in found["git"]["fix"]
    assert found["sandbox"]["state"] == "ok"
    assert axon("health", "--strict").returncode == 1
    axon.git("config", "user.name", "Ada")
    axon.git("config", "user.email", "ada@example.org")
    assert checks(axon)["git"]["state"] == "ok"
    shown = axon.ok("health", "--fast")
    assert "commits as Ada <ada@example.org>" in shown and "a run would work" in shown
    assert not (axon.root / ".axon").exists(), "to look is to change nothing"


def test_what_a_run_of_claude_needs_is_named(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(gate={"command": "echo it is red; false"})
    axon.git("add", "-A")
    axon.git("commit", "-qm", "configure")
    found = checks(axon, code=5)
    assert found["login"]["state"] == "fail" and "ANTHROPIC_API_KEY" in found["login"]["fix"]
    assert found["gate"]["state"] == "fail" and "it is red" in found["gate"]["reason"]
    assert found["engine"]["state"] == "ok" and "Claude Code 2." in found["engine"]["reason"]
    assert found["sandbox"]["state"] == "ok", "the others are looked at all the same"
    axon.variables["AXON_CLAUDE"] = "/no/such/claude"
    found = checks(axon, "--fast", code=5)
    assert "missing or not executable" in found["engine"]["reason"]


def test_deep_asks_the_model_on_the_way_of_a_run(stage: Stage) -> None:
    axon = stage.axon
    lend(axon)
    lend(axon, "broken", command="/no/such/server")
    model = stage.play({"First job": [], "axon health": [says("ok")]})
    axon.ok("trust", "--yes")
    found = checks(axon, "--deep", code=5)
    assert found["request"]["state"] == "ok", found["request"]
    assert "haiku answered in" in found["request"]["reason"]
    (asked,) = [r for r in model.requests() if r["path"].startswith("/v1/messages?")]
    assert asked["headers"]["x-api-key"] == KEY and "one word ok" in json.dumps(asked["said"])
    assert found["mcp.broken"]["state"] == "fail" and "[mcp.broken]" in found["mcp.broken"]["fix"]
    assert found["mcp.other"]["state"] == "ok" and "tools: " in found["mcp.other"]["reason"]
    assert (found["model"]["state"], found["gateway"]["state"]) == ("ok", "ok")
    assert axon.json("sessions", "list") == [], "the project's history is not for this"
    axon.variables["ANTHROPIC_API_KEY"] = "sk-ant-refused-0123456789"
    found = checks(axon, "--deep", code=5)
    assert found["request"]["state"] == "fail" and "auth" in found["request"]["reason"]
    assert "sk-ant-refused" not in json.dumps(found)


def test_a_damaged_ledger_is_named_and_the_rest_is_looked_at(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": "true"})
    axon.ok("task", "add", "One")
    assert "1 tasks, all of it proven" in checks(axon)["ledger"]["reason"]
    path = axon.root / ".axon" / "ledger.db"
    path.write_bytes(b"no ledger at all" * 1000)
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    found = checks(axon, code=5)
    assert found["ledger"]["state"] == found["team"]["state"] == "fail"
    assert found["sandbox"]["state"] == "ok"


def test_what_stands_still_is_a_warning_and_can_be_mended(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": "true"})
    axon.ok("init")
    world = World(axon.root / ".axon" / "ledger.db", wall=time.time() - 4 * 3600)
    ledger = world.open()
    add(ledger, "begun and forgotten", "of a killed worker")
    ledger.move("ENG-1", State.IN_PROGRESS)
    ledger.claim(worker="w1", run="", lease_seconds=30)
    world.close()
    found = checks(axon)["team"]
    assert found["state"] == "warn" and "without progress" in found["reason"]
    assert axon.task("ENG-2")["state"] == "in_progress"
    axon.ok("health", "--fast", "--repair")
    assert [axon.task(f"ENG-{n}")["state"] for n in (1, 2)] == ["in_progress", "todo"]


def test_telegram_and_github_are_asked_where_they_are_used(axon: Axon, tmp_path: Path) -> None:
    axon.make_repository()
    axon.configure(
        engine={"name": "command", "command": "true"}, land={"mode": "pr"}, gate={"command": "true"}
    )
    telegram = TelegramServer()
    with github_server(tmp_path) as server:
        axon.variables |= {
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_CHAT_ID": str(CHAT),
            "AXON_TELEGRAM_URL": telegram.url,
            "GITHUB_TOKEN": GITHUB_TOKEN,
            "GITHUB_REPO": server.address,
        }
        found = checks(axon)
        assert (found["telegram"]["state"], found["github"]["state"]) == ("ok", "ok"), found
        assert telegram.sent == [], "nobody is disturbed"
        telegram.chats.clear()
        axon.variables["GITHUB_TOKEN"] = "ghp_" + "refused0123456789" * 2
        found = checks(axon, code=5)
        assert found["telegram"]["state"] == "warn" and "chat" in found["telegram"]["reason"]
        assert found["github"]["state"] == "fail" and found["github"]["fix"]
        assert "refused0123" not in json.dumps(found)
    telegram.close()


def test_the_page_says_the_same(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": "true"})
    axon.ok("init")
    (axon.root / ".env").write_text("A=b\n")
    (axon.root / ".env").chmod(0o644)
    told = start(axon).get("/api/health")
    mine = checks(axon)
    assert told["ok"] is True and told["containment"]["tier"]
    names = {"ledger", "team", "sandbox", "disk", "memory", "limits", "clock", "permissions"}
    theirs = {check["name"]: check for check in told["checks"]}
    assert theirs.keys() == names
    for name in names - {"memory", "disk"}:  # these may be otherwise by now
        assert theirs[name]["state"] == mine[name]["state"], name
    for name in ("permissions", "sandbox", "team"):
        assert {**theirs[name], "seconds": 0} == {**mine[name], "seconds": 0}


def test_a_run_says_what_is_loose_and_does_not_look_when_told_so(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": "true"})
    (axon.root / ".env").write_text("A=b\n")
    (axon.root / ".env").chmod(0o644)
    axon.ok("task", "add", "One", "--check", "true")
    done = axon("team", "--workers", "1")
    assert "axon: permissions: others can get at" in done.stderr and "chmod 600" in done.stderr
    axon.ok("task", "add", "Two", "--check", "true")
    assert "permissions:" not in axon("team", "--workers", "1", "--skip-preflight").stderr


def test_the_fast_part_is_fast(tmp_path: Path) -> None:
    """In processor time: it comes before every run."""
    config = config_of(tmp_path, '[engine]\nname = "command"\ncommand = "true"\n')
    warnings(config)
    began = time.process_time()
    warnings(config)
    assert time.process_time() - began < 0.1


def test_ctrl_c_takes_along_what_was_begun(axon: Axon) -> None:
    axon.make_repository()
    axon.variables["AXON_KEY_COMMAND"] = f"cd '{axon.root}'; sleep 600; echo key"
    health = axon.start("health")
    wait_for(lambda: any("sleep\x00600" in _words(pid) for pid in axon.processes()), 60)
    health.send_signal(signal.SIGINT)
    assert health.wait(60) == 130
    wait_for(lambda: not axon.processes())


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def test_outside_of_a_repository_it_says_what_is_missing(axon: Axon) -> None:
    axon.root.mkdir()
    axon.configure(engine={"name": "command", "command": "true"})
    found = checks(axon, code=5)
    assert found["git"]["state"] == "fail" and "git init" in found["git"]["fix"]
    assert found["disk"]["state"] in ("ok", "warn") and found["sandbox"]["state"] == "ok"


def test_wrong_use_is_refused(axon: Axon) -> None:
    axon.make_repository()
    done = axon("health", "--deep", "--fast")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
