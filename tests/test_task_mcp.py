"""A task server as ledger: claims are won by election, moves are told, and nothing is lost."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from axon.ledger import Ledger, open_ledger
from axon.ledger.task_mcp import ledger as task_ledger
from axon.ledger.task_mcp.election import bids
from axon.ledger.task_mcp.issues import Said
from axon.tasks import Claim, Draft, State

ROOT = Path(__file__).resolve().parent.parent
STORM = os.environ.get("AXON_STORM") == "1"


@dataclass
class Server:
    """A task server in a process of its own, and its ledger to look at."""

    folder: Path
    process: subprocess.Popen[str]
    url: str
    options: tuple[str, ...]
    opened: list[Ledger] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        if not self.opened:
            self.opened.append(self.file())
        return self.opened[0]

    def file(self) -> Ledger:
        return open_ledger(f"file:{self.folder / 'server.db'}")

    def client(self, name: str = "host") -> Ledger:
        """A host of its own: it has its own file."""
        ledger = self.open(name)
        self.opened.append(ledger)
        return ledger

    def open(self, name: str, **more: Any) -> Ledger:
        place = self.folder / name / "tasks.db"
        return open_ledger(f"mcp+{self.url}#{urlencode({'file': place, 'team': 'ENG'})}", **more)

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()

    def close(self) -> None:
        self.stop()
        for ledger in self.opened:
            ledger.close()


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(task_ledger, "SYNC_SECONDS", 0.0)
    started: list[Server] = []

    def start(*options: str) -> Server:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.task_server", str(tmp_path / "server.db"), *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, process.communicate()
        started.append(Server(tmp_path, process, url, options))
        return started[-1]

    yield start
    for server in started:
        server.close()


def add(ledger: Ledger, *titles: str, **facts: Any) -> list[str]:
    return [task.identifier for task in ledger.add([Draft(title=t, **facts) for t in titles])]


def claim(ledger: Ledger, worker: str = "w1", run: str = "") -> Claim:
    task = ledger.claim(worker=worker, run=run, lease_seconds=60)
    assert task is not None
    return Claim(identifier=task.identifier, token=task.token, worker=worker, run=run)


def open_bids(ledger: Ledger, identifier: str) -> list[str]:
    return bids([Said(body=comment.body) for comment in ledger.comments(identifier)])


# ── who wins ──


@pytest.mark.parametrize(
    ("options", "rounds"),
    [
        (("--latency-ms", "0"), 30),
        (("--latency-ms", "5"), 20),
        (("--latency-ms", "50"), 6),
        (("--latency-ms", "5", "--newest-first"), 8),
        (("--latency-ms", "5", "--stamps", "seconds"), 8),
        (("--latency-ms", "5", "--careful", "--stream"), 8),
    ],
    ids=str,
)
def test_of_three_claimers_exactly_one_wins(
    start: Start, options: tuple[str, ...], rounds: int
) -> None:
    server = start(*options)
    rounds = 200 if STORM else rounds
    barrier = threading.Barrier(3, timeout=120)
    won: list[list[str]] = [[] for _ in range(rounds)]

    def host(name: str) -> None:
        with closing(server.open(name)) as ledger, closing(server.file()) as file:
            for number in range(rounds):
                if barrier.wait() == 0:
                    add(file, f"task {number}")
                barrier.wait()
                task = ledger.claim(worker=name, run="", lease_seconds=600)
                if task is not None:
                    won[number].append(f"{task.identifier} {name}")
                barrier.wait()

    with ThreadPoolExecutor(3) as hosts:
        list(hosts.map(host, ("host-1", "host-2", "host-3")))

    assert [len(names) for names in won] == [1] * rounds, won
    assert len({name.split()[0] for names in won for name in names}) == rounds
    for task in server.ledger.tasks():
        assert task.state is State.IN_PROGRESS
        assert len(open_bids(server.ledger, task.identifier)) == 1
