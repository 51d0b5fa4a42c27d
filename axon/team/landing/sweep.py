"""Clears up behind the landing: workspaces of landed work, and what waits beside the target."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from axon.errors import AxonError, Forbidden, NotFound
from axon.ledger import Ledger
from axon.tasks import State, Task
from axon.team.gate import Watch
from axon.team.landing.checkout import recover
from axon.team.landing.land import bring_over
from axon.team.project import Project, hold
from axon.team.workspace import remove
from axon.team.workspace.place import remove_tree

log = logging.getLogger(__name__)

DUTY = "landing"
SWEEP_SECONDS = 10.0


@dataclass(slots=True)
class Sweeper:
    """Of one lander, when it has nothing else to do."""

    project: Project
    ledger: Ledger
    conclude: Callable[[Task], None]
    _swept: float = 0.0

    def sweep(self, watch: Watch) -> str:
        """What the target has been moved to, if work was brought over."""
        if time.monotonic() - self._swept < SWEEP_SECONDS:
            return ""
        self._swept = time.monotonic()
        self.clear()
        return self._bring_over(watch)

    def clear(self, wait_seconds: float = 0.0) -> None:
        """Workspaces of landed work; so long for each worker that has not left its own yet."""
        work = self.project.state_dir / "work"
        for path in sorted(work.iterdir()) if work.is_dir() else ():
            if path.name.startswith(".gone-"):
                _finish_removal(path)
            elif not path.name.startswith("."):
                self._remove_landed(path.name, wait_seconds)

    def remove(self, identifier: str, wait_seconds: float = 0.0) -> None:
        try:
            with hold(self.project, identifier, wait_seconds=wait_seconds):
                remove(self.project, identifier)
        except Forbidden:
            pass  # its worker has not left it yet
        except AxonError as error:
            log.warning("workspace left task=%s reason=%r", identifier, str(error))

    def _remove_landed(self, identifier: str, wait_seconds: float) -> None:
        try:
            task = self.ledger.task(identifier)
            if task.state is State.DONE:
                self.conclude(task)  # its lander may have been killed before that
                self.remove(identifier, wait_seconds)
        except NotFound:
            pass  # of an earlier ledger: axon gc

    def _bring_over(self, watch: Watch) -> str:
        try:
            with hold(self.project, DUTY):
                recover(self.project)
                brought = bring_over(self.project, watch)
        except AxonError as error:
            log.warning("not brought over reason=%r", str(error))
            return ""
        return brought.commit if brought.waiting else ""


def _finish_removal(path: Path) -> None:
    """Whoever was at it may have been killed; all it held stands in the project."""
    try:
        remove_tree(path)
    except AxonError as error:
        log.warning("workspace left path=%s reason=%r", path, str(error))
