"""What a person may do to a running team, from a terminal, the page or a phone."""

from axon.errors import Forbidden
from axon.ledger import Ledger


def stop_runs(ledger: Ledger) -> list[str]:
    """Ask every team that runs here to end as by Ctrl-C; their names."""
    alive = [run.id for run in ledger.runs() if run.alive]
    if not alive:
        raise Forbidden("no team is running here; axon status shows the last run")
    for run in alive:
        ledger.request_stop(run)
    return alive
