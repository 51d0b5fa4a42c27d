"""What every ledger promises, held against a task server: tests of the file ledger once more."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from axon.ledger import Ledger
from axon.ledger.clock import Clock
from axon.ledger.task_mcp import ledger as task_ledger
from axon.ledger.task_mcp.ledger import open_task_mcp
from tests.task_server import TaskServer
from tests.test_ledger import *  # noqa: F403
from tests.test_ledger_byhand import *  # noqa: F403
from tests.test_ledger_claims import *  # noqa: F403
from tests.world import World

# The server goes by its own clock, which no test turns.
del test_nothing_is_claimed_before_its_time  # noqa: F821


@dataclass
class RemoteWorld(World):
    """A host of a task server, whose clock the test turns."""

    url: str = ""

    def open(self, *, create: bool = False) -> Ledger:
        clock = Clock(wall=lambda: self.wall, boot=lambda: self.boot, boot_id=self.boot_id)
        url = f"mcp+{self.url}#{urlencode({'file': self.path, 'team': 'ENG'})}"
        ledger = open_task_mcp(url, key="", limits=self.limits, arrive=False, clock=clock)
        self.opened.append(ledger)
        return ledger


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskServer]:
    server = TaskServer([str(tmp_path_factory.mktemp("server") / "first.db"), "--careful"])
    server.start()
    yield server
    server.stop()


@pytest.fixture
def world(server: TaskServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(task_ledger, "SYNC_SECONDS", 0.0)
    server.desk.serve_another(str(tmp_path / "server.db"))
    world = RemoteWorld(tmp_path / "ledger.db", url=server.url)
    yield world
    world.close()
