"""The backends that must keep every promise of the Ledger Protocol; another is a world more here.

A test module of promises is marked `promise`; where a backend cannot keep one, the mark says so:
`pytest.mark.promise(but={"task_mcp": "the server goes by its own clock"})`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from axon.ledger import Ledger
from axon.ledger.task_mcp import ledger as task_ledger
from axon.ledger.task_mcp.ledger import open_task_mcp
from tests.task_server import TaskServer
from tests.world import World


@dataclass
class RemoteWorld(World):
    """A host of a task server, whose clock the test turns."""

    url: str = ""

    def open(self, *, create: bool = False) -> Ledger:
        url = f"mcp+{self.url}#{urlencode({'file': self.path, 'team': 'ENG'})}"
        ledger = open_task_mcp(url, key="", limits=self.limits, arrive=False, clock=self.clock)
        self.opened.append(ledger)
        return ledger


def file_world(request: pytest.FixtureRequest, folder: Path) -> World:
    return World(folder / "ledger.db")


def task_mcp_world(request: pytest.FixtureRequest, folder: Path) -> World:
    server: TaskServer = request.getfixturevalue("task_server")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setattr(task_ledger, "SYNC_SECONDS", 0.0)
    server.desk.serve_another(str(folder / "server.db"))
    return RemoteWorld(folder / "ledger.db", url=server.url)


WORLDS: dict[str, Callable[[pytest.FixtureRequest, Path], World]] = {
    "file": file_world,
    "task_mcp": task_mcp_world,
}


def keeping(definition: pytest.Item) -> list[str]:
    """The backends that must keep the promise of a test."""
    marks = list(definition.iter_markers("promise"))
    if not marks:
        return ["file"]
    broken = {name for mark in marks for name in mark.kwargs.get("but", {})}
    return [name for name in WORLDS if name not in broken]
