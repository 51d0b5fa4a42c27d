"""A team under SIGKILL: whatever dies, every task lands exactly once and nothing is left over.

AXON_STORM=1 pytest tests/test_team_storm.py     1,000 kills and the real CLI; see make storm
"""

import json
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.drive import Axon, wait_for
from tests.test_team import shell

FULL = bool(os.environ.get("AXON_STORM"))
SEED = int(os.environ.get("AXON_STORM_SEED") or 0) or random.SystemRandom().randrange(1 << 32)
BACKLOG = 8  # tasks that are not done yet, as long as the storm lasts
KILLS = 1000 if FULL else 200
REAL_KILLS = 200 if FULL else 10
CLI = "claude"
# Each step may be the last one; the work is right only when all of them were made, in order.
STEPS = "for n in 1 2 3 4 5; do grep -qsx $n {name} || echo $n >> {name}; sleep 0.02; done"
CHECK = 'test "$(cat {name})" = "$(printf \'1\\n2\\n3\\n4\\n5\')"'


class Storm:
    """Keeps a team going and kills its processes, any of them, until there were enough."""

    def __init__(
        self, axon: Axon, *words: str, backlog: int = BACKLOG, pause: float = 0.9, must: str = ""
    ) -> None:
        """`must`: the name of a program of which some must be among the dead."""
        self.axon, self.words, self.backlog = axon, words, backlog
        self.pause, self.must = pause, must
        self.random = random.Random(SEED)
        self.killed: dict[str, int] = {}
        self.team: subprocess.Popen[str] | None = None

    def rage(self, kills: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while sum(self.killed.values()) < kills or (
            self.must and self.killed.get(self.must, 0) < 2
        ):
            assert time.monotonic() < deadline, f"seed {SEED}: {self.killed}"
            if self.random.random() < 0.2:
                top_up(self.axon, self.backlog)
            if self.team is None or self.team.poll() is not None:
                self._start()
            for _ in range(self.random.randrange(1, 6)):
                self._kill_one()
            time.sleep(self.random.uniform(0.1, self.pause))  # work goes on between the blows

    def _start(self) -> None:
        log = open(self.axon.root.parent / "team.log", "a")  # noqa: SIM115
        self.team = subprocess.Popen(
            self.axon.command("team", *self.words),
            cwd=self.axon.root,
            env=self.axon.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        log.close()
        self.axon.started.append(self.team)

    def _kill_one(self) -> None:
        assert self.team is not None
        found = [pid for pid in self.axon.processes() if pid != self.team.pid]
        if not found:
            return  # it is just starting
        if self.random.random() < 0.03:
            found = [self.team.pid]
        names = {pid: "coordinator" if pid == self.team.pid else _name(pid) for pid in found}
        name = self.random.choice(sorted(set(names.values())))  # most are python
        pid = self.random.choice([pid for pid in found if names[pid] == name])
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[name] = self.killed.get(name, 0) + 1

    def calm(self) -> None:
        """Let it come to its end."""
        if self.team is not None and self.team.poll() is None:
            self.team.wait(240)
        for _ in range(3):  # a coordinator that was just killed leaves its run to the next one
            done = self.axon("team", *self.words, seconds=300)
            if done.returncode == 0:
                return
        pytest.fail(f"seed {SEED}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")


def top_up(axon: Axon, backlog: int = BACKLOG) -> None:
    """Tasks enough to be at work; made all at once, so that no kill comes between."""
    tasks = axon.tasks() if (axon.root / ".axon/ledger.db").exists() else []
    missing = backlog - sum(task["state"] != "done" for task in tasks)
    if missing > 0:
        names = [f"file{len(tasks) + n}" for n in range(missing)]
        drafts = [
            {
                "title": f"write {name}",
                "description": STEPS.format(name=name),
                "check": CHECK.format(name=name),
            }
            for name in names
        ]
        source = axon.root.parent / "more.json"
        source.write_text(json.dumps(drafts))
        axon.ok("task", "import", str(source))


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip().partition("-")[0]
    return "gone"


@pytest.mark.timeout(3000 if FULL else 300)
def test_nothing_is_lost_and_nothing_done_twice(axon: Axon) -> None:
    print(f"seed {SEED}")
    axon.make_repository()
    limits: dict[str, object] = {"max_attempts": 1000, "max_losses": 1000, "backoff_seconds": 0.05}
    shell(axon, limits=limits, gate={"command": "test -e README.md"})
    top_up(axon)
    storm = Storm(axon, "--workers", "4")
    storm.rage(KILLS, seconds=2400 if FULL else 200)
    storm.calm()
    _all_landed(storm)


@pytest.mark.timeout(3000 if FULL else 400)
def test_agents_of_the_real_cli_die_and_come_back(axon: Axon) -> None:
    """The CLI and its tools are among those that are killed; the model is a script."""
    print(f"seed {SEED}")
    axon.make_repository()
    limits: dict[str, object] = {"max_attempts": 1000, "max_losses": 1000, "backoff_seconds": 0.05}
    axon.configure(limits=limits, gate={"command": "test -e README.md"})
    axon.git("add", "axon.toml")
    axon.git("commit", "-qm", "configure axon")
    names = [f"file{n}" for n in range(300)]
    played = axon.root.parent / "script.json"
    played.write_text(
        json.dumps({"tasks": [{"title": f"write {n}", "turns": turns(n)} for n in names]})
    )
    top_up(axon, 4)
    storm = Storm(
        axon, "--workers", "2", "--model-upstream", f"script:{played}", backlog=4, pause=4, must=CLI
    )
    storm.rage(REAL_KILLS, seconds=2400 if FULL else 240)
    storm.calm()
    _all_landed(storm)


def turns(name: str) -> list[dict[str, Any]]:
    call = {"name": "Bash", "input": {"command": STEPS.format(name=name), "description": "Work"}}
    return [{"text": "I write it.", "tools": [call]}, {"text": "Done."}]


def _all_landed(storm: Storm) -> None:
    axon, tasks = storm.axon, storm.axon.tasks()
    print(f"killed {storm.killed}, {len(tasks)} tasks")
    assert {t["state"] for t in tasks} == {"done"}, f"seed {SEED}"
    _sound(axon, [t["identifier"] for t in tasks])
    for n in range(len(tasks)):
        assert (axon.root / f"file{n}").read_text() == "1\n2\n3\n4\n5\n", f"seed {SEED}"


def _sound(axon: Axon, identifiers: list[str]) -> None:
    """Each landed once, git and ledger are whole, and nobody and nothing is left over."""
    merges = axon.git("log", "--first-parent", "--merges", "--format=%s", "main").splitlines()
    landed = sorted(line.split(":")[0].removeprefix("Merge ") for line in merges)
    assert landed == sorted(identifiers), f"seed {SEED}"
    assert axon.git("fsck", "--no-dangling", "--no-progress") == ""
    assert axon.git("status", "--porcelain") == ""
    assert axon("ledger", "check").returncode == 0
    wait_for(lambda: not axon.processes(), 10)
    events = [json.loads(line) for line in _events(axon)]
    for name in identifiers:
        lands = [e for e in events if e["identifier"] == name and e["action"] == "land"]
        assert len(lands) == 1, f"seed {SEED}: {name}"
    work = axon.root / ".axon" / "work"
    wait_for(lambda: not [p for p in work.iterdir() if not p.name.startswith(".")], 10)
    assert not [*work.glob(".new-*"), *work.glob(".gone-*"), *axon.root.glob(".axon/.new-*")]


def _events(axon: Axon) -> list[str]:
    from axon.ledger import open_ledger

    ledger = open_ledger(f"file:{axon.root / '.axon/ledger.db'}")
    try:
        found = ledger.events(limit=1_000_000)
        return [json.dumps({"identifier": e.identifier, "action": e.action}) for e in found]
    finally:
        ledger.close()
