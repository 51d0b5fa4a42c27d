"""The ledger under SIGKILL and SIGSTOP: nothing is lost, nothing done twice, nobody held up.

AXON_STORM=1 pytest tests/test_ledger_storm.py     1,000 kills and 200 stops; see make storm
"""

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from axon.ledger import Event, Ledger, open_ledger
from axon.tasks import Claim, Draft, State
from tests.drive import Axon, wait_for
from tests.stormers import LIMITS

ROOT = Path(__file__).resolve().parent.parent
FULL = bool(os.environ.get("AXON_STORM"))
SEED = int(os.environ.get("AXON_STORM_SEED") or 0) or random.SystemRandom().randrange(1 << 32)
TASKS = 40
MOST = 10**9
HELD_UP_SECONDS = 2.0

Acked = dict[str, list[dict[str, Any]]]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    url = f"file:{tmp_path / 'ledger.db'}"
    with closing(open_ledger(url, create=True, limits=LIMITS)) as ledger:
        ledger.add([Draft(title=f"task {n}") for n in range(TASKS)])
    yield ledger  # closed: a test that only watches must not keep the log from being recovered
    with closing(open_ledger(url, limits=LIMITS)) as ledger:
        assert ledger.check() == []


def storm(folder: Path, kind: str, blows: int) -> Acked:
    """What was acknowledged while it lasted."""
    print(f"AXON_STORM_SEED={SEED}")
    command = [sys.executable, "-m", "tests.stormers", str(folder), str(SEED), kind, str(blows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    acked: Acked = defaultdict(list)
    for line in (folder / "acks").read_text().splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # torn by a kill
        acked[said["what"]].append(said)
    assert not acked["error"], acked["error"]
    return acked


def events_of(ledger: Ledger) -> list[Event]:
    return ledger.events(limit=MOST)


def all_acknowledged_is_there(ledger: Ledger, acked: Acked) -> None:
    events = events_of(ledger)
    claims = {(e.identifier, e.attempt, e.actor) for e in events if e.action == "claim"}
    commits = {(e.action, e.data.get("commit")) for e in events}
    reasons = {e.why for e in events}
    for ack in acked["claim"]:
        if "task" in ack:
            assert (ack["task"], ack["token"], ack["by"]) in claims, ack
    for what, action in (("submit", "submit"), ("next", "submit"), ("land", "land")):
        for ack in acked[what]:
            assert (action, ack["mark"]) in commits, ack
    for what in ("fail", "release", "reject"):
        for ack in acked[what]:
            assert ack["mark"] in reasons, ack
    said = {(t.identifier, c.body) for t in ledger.tasks() for c in ledger.comments(t.identifier)}
    assert {(ack["task"], ack["mark"]) for ack in acked["comment"]} <= said
    titles = {task.title for task in ledger.tasks()}
    assert {ack["mark"] for ack in acked["add"]} <= titles
    assert all((f"{t}+" in titles) == (t in titles) for t in titles if t[-1] != "+" and "/" in t)
    spent = {spending.model for spending in ledger.spending(limit=MOST)}
    assert {ack["mark"] for ack in acked["spend"]} <= spent


def nothing_stale_is_there(ledger: Ledger, acked: Acked) -> None:
    """What was refused left no trace, and no move was made under a claim that was lost."""
    marks = {e.why for e in events_of(ledger)} | {e.data.get("commit") for e in events_of(ledger)}
    marks |= {task.branch for task in ledger.tasks()}
    assert not [ack for ack in acked["stale"] if ack["mark"] in marks]
    holders: dict[str, tuple[int, str]] = {}
    for event in events_of(ledger):
        if event.action == "claim":
            assert event.identifier not in holders, event
            holders[event.identifier] = event.attempt, event.actor
        elif event.before is State.IN_PROGRESS:
            attempt, actor = holders.pop(event.identifier)
            assert event.attempt == attempt and event.actor in (actor, "ledger"), event


def nothing_is_lost_or_done_twice(folder: Path, ledger: Ledger) -> None:
    """Brought to an end in peace, every task has landed, and each once."""
    names = {task.identifier for task in ledger.tasks()}
    assert {f"ENG-{n}" for n in range(1, TASKS + 1)} <= names

    def calm() -> bool:
        ledger.expire()
        task = ledger.claim(worker="calm", run="", lease_seconds=600)
        while task is not None:
            held = Claim(identifier=task.identifier, token=task.token, worker="calm", run="")
            task = ledger.submit_and_claim(held, commit="c", verified=True, lease_seconds=600)
        if lease := ledger.lease("landing", "calm", 600):
            for task in ledger.tasks(states=[State.REVIEW]):
                ledger.landed(lease, task.identifier, commit="m", target="main", verified=True)
        return ledger.counts()["done"] == len(names)

    wait_for(calm)
    landed = [event.identifier for event in events_of(ledger) if event.action == "land"]
    assert sorted(landed) == sorted(names)
    copy = folder / "copy.db"
    if copy.exists():
        with closing(open_ledger(f"file:{copy}", limits=LIMITS)) as backup:
            assert backup.check() == []


@pytest.mark.timeout(900)
def test_whoever_is_killed_nothing_is_lost_and_nothing_done_twice(
    ledger: Ledger, tmp_path: Path, core_pyz: Path
) -> None:
    acked = storm(tmp_path, "kill", 1000 if FULL else 100)
    assert all(acked[what] for what in ("claim", "renew", "next", "land", "fail", "comment"))
    axon = Axon(pyz=core_pyz, root=tmp_path, cache=tmp_path / "cache")
    said = axon.ok("ledger", "check", "--ledger", f"file:{tmp_path / 'ledger.db'}")
    assert said.startswith("sound: ")
    with closing(open_ledger(f"file:{tmp_path / 'ledger.db'}", limits=LIMITS)) as ledger:
        all_acknowledged_is_there(ledger, acked)
        nothing_stale_is_there(ledger, acked)
        nothing_is_lost_or_done_twice(tmp_path, ledger)


@pytest.mark.timeout(3000 if FULL else 900)
def test_whoever_is_stopped_past_the_lease_writes_nothing_stale_and_holds_nobody_up(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Also in the middle of a write, when it has what all others wait for."""
    acked = storm(tmp_path, "stop", 200 if FULL else 12)
    assert acked["stale"], "somebody was too late"
    stopped = {ack["by"] for ack in acked["stopped"]}
    others = [
        ack for acks in acked.values() for ack in acks
        if "seconds" in ack and ack["by"].partition("/")[0] not in stopped
    ]  # fmt: skip
    slowest = max(others, key=lambda ack: ack["seconds"])
    assert slowest["seconds"] < HELD_UP_SECONDS, slowest
    with closing(open_ledger(f"file:{tmp_path / 'ledger.db'}", limits=LIMITS)) as ledger:
        all_acknowledged_is_there(ledger, acked)
        nothing_stale_is_there(ledger, acked)
        nothing_is_lost_or_done_twice(tmp_path, ledger)
