"""End the running team as Ctrl-C would: what runs is parked, nothing is lost."""

from argparse import ArgumentParser, Namespace
from contextlib import closing

from axon.commands import add_ledger, ledger_of
from axon.config import Config
from axon.errors import Forbidden


def configure(parser: ArgumentParser) -> None:
    add_ledger(parser)


def run(args: Namespace, config: Config) -> int:
    with closing(ledger_of(config)) as ledger:
        alive = [run for run in ledger.runs() if run.alive]
        if not alive:
            raise Forbidden("no team is running here; axon status shows the last run")
        for run in alive:
            ledger.request_stop(run.id)
            print(f"asked {run.id} to stop")
    return 0
