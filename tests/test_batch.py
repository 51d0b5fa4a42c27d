"""Finished work lands in batches: one check for many, and who is red is found and sent back."""

import json
import os
from pathlib import Path

import pytest

from axon.tasks import Task
from axon.team.landing.batch import next_batch
from tests.drive import Axon
from tests.test_stopped import events, ledger_of
from tests.test_team import add, shell

FULL = bool(os.environ.get("AXON_STORM"))
FREE = "--unsafe-no-sandbox"  # checks here are counted in a folder of their own
POINTS = ("landing.judged", "landing.kept", "landing.intention", "landing.moved",
          "landing.placed", "landing.told", "landing.split")  # fmt: skip
MANY: dict[str, object] = {"max_attempts": 1000, "max_losses": 1000, "backoff_seconds": 0.05}


def tasks(*names: str) -> list[Task]:
    return [Task(identifier=name, title=name) for name in names]


def chosen(waiting: list[Task], suspects: list[str], most: int = 4) -> str:
    return "".join(task.identifier for task in next_batch(waiting, suspects, most))


def test_who_is_next() -> None:
    waiting = tasks(*"ABCDEF")
    assert chosen(waiting, []) == "ABCD"
    assert chosen(waiting, list("ABCD")) == "AB"
    assert chosen(waiting, list("AB")) == "A"
    assert chosen(waiting, ["B"]) == "B"
    assert chosen(waiting, list("CDE")) == "C"
    assert chosen(waiting, ["X"]) == "ABCD", "who waits no longer is no suspect"


def review(axon: Axon, names: list[str], red: set[str], **sections: object) -> Path:
    """Finished work of so many tasks in Review; on a merge, the check of `red` ones fails."""
    counted = axon.root.parent / "counted"
    axon.make_repository()
    gate = f"case $PWD in */.axon/landing) echo x >> {counted};"
    gate += f" for f in {' '.join(sorted(red)) or 'nobody'}; do test ! -e $f || exit 1; done; esac"
    shell(axon, gate={"command": gate, "allow_red": True}, guard={"block": []}, **sections)  # type: ignore[arg-type]
    for name in names:
        add(axon, name, f"echo {name} > {name}")
    done = axon("team", "--workers", "2", "--land", "manual", FREE)
    assert {t["state"] for t in axon.tasks()} == {"review"}, done.stdout + done.stderr
    return counted


def landed_once(axon: Axon, names: set[str]) -> None:
    """Each with a merge of its own that is proven to be on the target."""
    merges = axon.git("log", "--merges", "--format=%s", "main").splitlines()
    found = [task for task in axon.tasks() if task["state"] == "done"]
    assert {task["title"] for task in found} == names
    assert sorted(merges) == sorted(f"Merge {t['identifier']}: {t['title']}" for t in found)
    for task in found:
        axon.git("merge-base", "--is-ancestor", task["landed_commit"], "main")
        assert axon.git("log", "-1", "--format=%s", task["landed_commit"]).endswith(task["title"])
        assert task["verified"] and (axon.root / task["title"]).exists()
    with ledger_of(axon) as ledger:
        lands = [e.identifier for e in ledger.events(limit=100_000) if e.action == "land"]
    assert sorted(lands) == sorted(task["identifier"] for task in found)
    assert axon.git("status", "--porcelain") == ""
    assert axon.git("fsck", "--no-dangling", "--no-progress") == ""
    axon.ok("ledger", "check")


@pytest.mark.timeout(240)
def test_a_batch_is_checked_once_and_halved_when_it_is_red(axon: Axon) -> None:
    names = [f"f{n}" for n in range(8 if FULL else 5)]
    counted = review(axon, names, {"f4"}, limits={"max_attempts": 1})
    axon("team", "--workers", "1", "--land-batch", "8", FREE)
    landed_once(axon, set(names) - {"f4"})
    bad = axon.task("ENG-5")
    assert bad["state"] == "failed" and "gate on the merge" in bad["error"]
    # of eight: all (red), 0-3, 4-5 (red), 4 (red), 5, 6-7; of five: all (red), 0-1, 2, 3, 4 (red)
    assert len(counted.read_text().split()) == (6 if FULL else 5)
    assert len(events(axon, "batch_red")) == (2 if FULL else 1)
    assert json.loads((axon.root / ".axon/state/batch.json").read_text())["suspects"] == []


@pytest.mark.skipif(not FULL, reason="part of make storm")
@pytest.mark.timeout(240)
def test_a_green_batch_takes_one_check(axon: Axon) -> None:
    names = [f"f{n}" for n in range(3)]
    counted = review(axon, names, set(), land={"batch": 5})
    axon.ok("team", "--workers", "1", FREE)
    landed_once(axon, set(names))
    assert counted.read_text() == "x\n"


@pytest.mark.timeout(240)
def test_those_that_conflict_come_one_after_the_other(axon: Axon) -> None:
    axon.make_repository({"list": "a\n"})
    shell(axon, gate={"command": "test -e list"}, guard={"block": []}, land={"batch": 4})
    merge = "grep -q '<<<<' list && printf 'a\\nb\\nc\\n' > list"
    add(axon, "b", f"{merge} || echo b >> list")
    add(axon, "c", f"{merge} || echo c >> list")
    add(axon, "other", "echo o > other")
    axon("team", "--workers", "3", "--land", "manual")
    assert {t["state"] for t in axon.tasks()} == {"review"}
    axon.ok("team", "--workers", "1")
    assert [t["state"] for t in axon.tasks()] == ["done"] * 3
    assert sorted((axon.root / "list").read_text().split()) == ["a", "b", "c"]
    assert [t["failures"] for t in axon.tasks()].count(0) == 2, "only one of both was sent back"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS if FULL else ("landing.judged",))
def test_a_batch_survives_death_at(axon: Axon, point: str) -> None:
    names = [f"f{n}" for n in range(6 if FULL else 3)]
    red = {"f1"} if point == "landing.split" else set()
    review(axon, names, red, limits=MANY | {"max_attempts": 1}, land={"batch": 4})
    axon.variables["AXON_FAILPOINT"] = point
    deaths = 0
    for _ in range(4 if FULL else 1):
        done = axon("team", "--workers", "1", FREE)
        assert "Traceback" not in done.stderr, done.stderr
        deaths = len(events(axon, "worker_died"))
    assert deaths, done.stdout
    del axon.variables["AXON_FAILPOINT"]
    axon("team", "--workers", "1", FREE)
    landed_once(axon, set(names) - red)
