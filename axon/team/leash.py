"""The pipe between coordinator and child: a word asks it to go, its closing means end now."""

import os
import signal
import threading
from multiprocessing.connection import Connection

from axon.team.processes import end_descendants

LEAVE = "leave"


class Leash:
    """Watches the pipe in a thread of its own; `stopping` is set when asked to stop, `leaving`
    when asked to finish what it has begun and then make room for a successor.

    When the coordinator has gone, this process ends at once and takes all its descendants
    along: their work is in the ledger and in the workspace, and the next run goes on from there.
    """

    def __init__(self, pipe: Connection) -> None:
        self.stopping = threading.Event()
        self.leaving = threading.Event()
        self._pipe = pipe
        threading.Thread(target=self._watch, name="leash", daemon=True).start()

    def _watch(self) -> None:
        try:
            while True:
                (self.leaving if self._pipe.recv() == LEAVE else self.stopping).set()
        except (EOFError, OSError):
            self.stopping.set()  # else the death of an agent is taken for its own fault
            end_descendants(os.getpid())
            os.kill(os.getpid(), signal.SIGKILL)
