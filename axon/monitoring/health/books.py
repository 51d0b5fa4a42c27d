"""The ledger: whether it can be read, whether it is whole, and what its runs are like."""

from axon.config import Config
from axon.errors import LedgerError
from axon.ledger import Ledger, Run, ledger_from
from axon.monitoring.health.check import Check, failed, good, skipped, warned
from axon.monitoring.heartbeat import Concern

MOST_SHOWN = 3


def ledger_here(config: Config) -> Ledger | None:
    """None: there is none yet."""
    usual = not config.ledger and config.ledger_url.startswith("file:")
    if usual and not (config.state_dir / "ledger.db").exists():
        return None
    return ledger_from(config)


def ledger_whole(config: Config) -> Check:
    """Prove all of it."""
    ledger = ledger_here(config)
    if ledger is None:
        return skipped("ledger", "there is none yet; axon init, or the first run, makes it")
    try:
        faults = ledger.check()
        if faults:
            reason = f"{len(faults)} faults; the first: {faults[0].where}: {faults[0].what}"
            fix = "axon ledger check lists them; axon ledger restore FILE puts a backup back"
            return failed("ledger", reason, fix)
        return good("ledger", f"{sum(ledger.counts().values())} tasks, all of it proven")
    finally:
        ledger.close()


def ledger_readable(ledger: Ledger) -> Check:
    """Only ask it something."""
    try:
        tasks = sum(ledger.counts().values())
    except LedgerError as error:
        return failed("ledger", str(error), "axon ledger check")
    return good("ledger", f"{tasks} tasks can be read")


def team(run: Run | None, found: list[Concern]) -> Check:
    """The latest run, and what does not go on by itself."""
    if found:
        shown = [concern.what for concern in found[:MOST_SHOWN]]
        more = [f"and {len(found) - MOST_SHOWN} more"] if len(found) > MOST_SHOWN else []
        return warned("team", ", ".join([*shown, *more]), found[0].fix)
    if run is None:
        return good("team", "no team has run yet")
    if run.halt:
        reason = f"the last run ended: {run.halt_reason}"
        return good("team", reason) if run.alive else warned("team", reason, "start it again")
    return good("team", f"{run.id} is running" if run.alive else "no team is running")
