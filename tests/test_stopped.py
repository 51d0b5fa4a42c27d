"""Somebody stops a process of a run past its lease: what it held is lost, and nothing else is."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from axon.ledger import Ledger, open_ledger
from axon.team.processes import is_stopped
from tests.drive import Axon, wait_for
from tests.test_gateway_team import AGENT, TURN
from tests.test_team import add, shell

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

FULL = bool(os.environ.get("AXON_STORM"))
LEASE = {"lease_seconds": 1.0}
FREE = "--unsafe-no-sandbox"  # scripts here meet the test in a folder of its own


def words_of(axon: Axon, name: str) -> list[int]:
    """The processes that have had this role, as the coordinator logged them."""
    log = axon.root / ".axon/axon.log"
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    starts = [line for line in lines if f" started name={name} pid=" in line]
    return [int(line.rpartition("=")[2]) for line in starts]


@contextmanager
def ledger_of(axon: Axon) -> Iterator[Ledger]:
    ledger = open_ledger(f"file:{axon.root / '.axon/ledger.db'}")
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: is_stopped(pid))
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def events(axon: Axon, action: str) -> list[str]:
    with ledger_of(axon) as ledger:
        return [e.why for e in ledger.events(limit=100_000) if e.action == action]


def finished(team: "subprocess.Popen[str]") -> tuple[str, str]:
    out, err = team.communicate(timeout=120)
    assert team.returncode == 0, f"exit {team.returncode}\n{out}\n{err}"
    assert "Traceback" not in err
    return out, err


def unharmed(axon: Axon, names: list[str]) -> None:
    """As after a run in which nothing was stopped."""
    tasks = axon.tasks()
    assert [(t["state"], t["verified"], t["failures"]) for t in tasks] == [("done", True, 0)] * len(
        names
    )
    merges = axon.git("log", "--first-parent", "--merges", "--format=%s", "main").splitlines()
    assert sorted(merges) == sorted(f"Merge {t['identifier']}: {t['title']}" for t in tasks)
    assert len(events(axon, "land")) == len(names)
    assert all((axon.root / name).read_text() == f"{name}\n" for name in names)
    assert axon.git("status", "--porcelain") == ""
    assert axon.git("fsck", "--no-dangling", "--no-progress") == ""
    axon.ok("ledger", "check")
    wait_for(lambda: not axon.processes())


@pytest.fixture
def meeting(axon: Axon) -> Path:
    """Three tasks; their scripts and the check wait for files in this folder."""
    folder = axon.root.parent / "meeting"
    folder.mkdir()
    axon.make_repository()
    shell(axon, team=LEASE, guard={"block": []})
    for name in ("one", "two", "three"):
        wait = f"until test -e {folder}/go; do sleep 0.02; done"
        script = f"touch {folder}/working-{name}; {wait}; echo {name} > {name}"
        check = f"case $PWD in */.axon/landing) touch {folder}/landing;"
        check += f" until test -e {folder}/land; do sleep 0.02; done; esac; test -s {name}"
        add(axon, name, script, "--check", check)
    return folder


NAMES = ["one", "two", "three"]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("done_meanwhile", [True, False] if FULL else [True])
def test_a_worker_stopped_past_its_lease(axon: Axon, meeting: Path, done_meanwhile: bool) -> None:
    (meeting / "land").touch()
    team = axon.start("team", "--workers", "1", FREE)
    wait_for(lambda: (meeting / "working-one").exists(), 60)
    with stopped(words_of(axon, "worker-1")[0]):
        if done_meanwhile:  # then it comes back with work to hand in, under a claim it lost
            (meeting / "go").touch()
        wait_for(lambda: any("fell silent" in why for why in events(axon, "release")), 60)
        assert axon.task("ENG-1")["state"] == "todo", "nobody has it"
    (meeting / "go").touch()
    finished(team)
    unharmed(axon, NAMES)
    assert axon.task("ENG-1")["attempts"] >= 2


@pytest.mark.skipif(not FULL, reason="part of make storm")
@pytest.mark.timeout(240)
def test_others_go_on_while_a_worker_is_stopped(axon: Axon, meeting: Path) -> None:
    (meeting / "land").touch()
    team = axon.start("team", "--workers", "2", FREE)
    wait_for(lambda: (meeting / "working-one").exists(), 60)
    with ledger_of(axon) as ledger:
        holder = ledger.task("ENG-1").owner
    with stopped(words_of(axon, holder)[0]):
        (meeting / "go").touch()
        wait_for(lambda: [axon.task(f"ENG-{n}")["state"] for n in (2, 3)] == ["done"] * 2, 60)
        wait_for(lambda: any("fell silent" in why for why in events(axon, "release")), 60)
    finished(team)
    unharmed(axon, NAMES)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("moved", [True, False] if FULL else [True])
def test_a_landing_stopped_past_its_lease(axon: Axon, meeting: Path, moved: bool) -> None:
    """`moved`: its check ends while it is stopped, and it wakes up to move the branch."""
    (meeting / "go").touch()
    team = axon.start("team", "--workers", "2", FREE)
    wait_for(lambda: (meeting / "landing").exists(), 60)
    with stopped(words_of(axon, "landing")[0]):
        if moved:
            (meeting / "land").touch()
        with ledger_of(axon) as ledger:  # another takes the duty over as soon as it may
            lease = wait_for(lambda: ledger.lease("landing", "another", 600), 60)
            assert lease is not None
            assert not events(axon, "land")
    wait_for(lambda: not is_stopped(words_of(axon, "landing")[0]))
    (meeting / "land").touch()
    with ledger_of(axon) as ledger:
        wait_for(lambda: axon.task("ENG-3")["state"] == "review", 60)
        assert events(axon, "land") == [], "the duty is another's"
        ledger.drop_lease(lease)
    finished(team)
    unharmed(axon, NAMES)


@pytest.mark.timeout(240)
def test_a_coordinator_stopped_past_its_lease(axon: Axon, meeting: Path) -> None:
    (meeting / "land").touch()
    team = axon.start("team", "--workers", "2", FREE)
    wait_for(lambda: (meeting / "working-one").exists(), 60)
    with stopped(team.pid):
        with ledger_of(axon) as ledger:
            wait_for(lambda: not ledger.runs()[0].alive, 60)
        (meeting / "go").touch()
        other = axon("team", "--workers", "1", FREE, seconds=120)  # takes what is left
        assert other.returncode in (0, 1), other.stderr
        wait_for(lambda: {t["state"] for t in axon.tasks()} == {"done"}, 60)
    finished(team)
    unharmed(axon, NAMES)


@pytest.mark.timeout(240)
def test_a_gateway_that_is_stopped_only_keeps_agents_waiting(axon: Axon) -> None:
    axon.make_repository({"README.md": "hello\n", "agent.py": AGENT})
    script = axon.root.parent / "script.json"
    script.write_text(json.dumps({"tasks": [{"title": "Make it", "turns": [TURN]}]}))
    meet = axon.root.parent / "meet"
    wait = f"touch {meet}; until test -e {meet}.go; do sleep 0.02; done; python3 agent.py"
    axon.configure(
        engine={"name": "command", "command": wait},
        gate={"command": "test -e README.md"},
    )
    axon.ok("task", "add", "Make it")
    team = axon.start("team", "--workers", "1", "--model-upstream", f"script:{script}", FREE)
    wait_for(meet.exists, 60)
    with stopped(words_of(axon, "gateway")[0]):
        Path(f"{meet}.go").touch()
        with ledger_of(axon) as ledger:
            later = time.monotonic() + 2
            wait_for(lambda: time.monotonic() > later)
            assert ledger.task("ENG-1").state == "in_progress" and ledger.runs()[0].alive
    finished(team)
    task = axon.task("ENG-1")
    assert (task["state"], task["attempts"], task["tokens"]) == ("done", 1, 2400), "metered once"


@pytest.mark.skipif(not FULL, reason="part of make storm")
@pytest.mark.timeout(240)
def test_a_page_that_is_stopped_is_nobody_elses_trouble(axon: Axon, meeting: Path) -> None:
    team = axon.start("team", "--workers", "2", FREE, "--dashboard-port", "0")
    wait_for(lambda: (meeting / "working-one").exists(), 60)
    page = words_of(axon, "dashboard")[0]
    token = (axon.root / ".axon/dashboard.token").read_text().strip()
    with stopped(page):
        (meeting / "go").touch()
        wait_for(lambda: {t["state"] for t in axon.tasks()} == {"review"}, 60)
    assert team.stderr is not None
    said = ""
    while "127.0.0.1:" not in said:
        said = team.stderr.readline()
        assert said
    port = int(said.rpartition("127.0.0.1:")[2].partition("/")[0])
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/team")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
    (meeting / "land").touch()
    finished(team)
    unharmed(axon, NAMES)


def _stop_forever(leash: Connection) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def test_who_is_stopped_for_good_is_ended_and_followed(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from tests.test_stopped import _stop_forever as target;"
        "from axon.team.supervisor import Role, Supervisor;"
        "s = Supervisor(preload=(), log_path=Path('log'), stopped_seconds=0.2);"
        "c = s.add(Role(name='x', target=target)); first = c.pid; exits = [];"
        "exec('while not exits: exits = s.tick(0.05)');"
        "exec('while c.pid in (0, first): s.tick(0.05)');"
        "print(exits[0].pid == first, exits[0].how); s.end()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "True was killed by signal 9\n", done.stderr
