"""End the running team as Ctrl-C would: what runs is parked, nothing is lost."""

from argparse import ArgumentParser, Namespace
from contextlib import closing

from axon.commands import add_ledger, ledger_of
from axon.config import Config
from axon.team.steering import stop_runs


def configure(parser: ArgumentParser) -> None:
    add_ledger(parser)


def run(args: Namespace, config: Config) -> int:
    with closing(ledger_of(config)) as ledger:
        for run in stop_runs(ledger):
            print(f"asked {run} to stop")
    return 0
