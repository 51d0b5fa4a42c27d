"""The courier's process: its errands side by side until the run has ended."""

import logging
import os
import signal
from multiprocessing.connection import Connection

from axon.integrations.errand import Office
from axon.ledger import Ledger, ledger_from
from axon.security.secrets import redact_output
from axon.team.courier.makers import errands_of
from axon.team.courier.rounds import Rounds
from axon.team.leash import Leash

log = logging.getLogger(__name__)


def serve(office: Office, pipe: Connection) -> None:
    """Go on until asked to stop; then once more where something may be left to tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's; its leash ends us
    leash = Leash(pipe)
    redact_output(office.secrets)

    def opened() -> Ledger:
        return ledger_from(office.config)

    rounds = [Rounds(errand, opened, office.run) for errand in errands_of(office, log.warning)]
    for one in rounds:
        one.start()
    while not leash.stopping.wait(1.0) and not leash.leaving.is_set():
        pass
    for one in rounds:
        one.stop()
    for one in rounds:
        if one.errand.final:
            one.join()
    for one in rounds:
        one.let_go()
    os._exit(0)  # at once: what still waits for an answer has nothing to lose
