"""Let a paused team go on."""

from argparse import ArgumentParser, Namespace
from contextlib import closing

from axon.commands import add_ledger, ledger_of
from axon.config import Config


def configure(parser: ArgumentParser) -> None:
    add_ledger(parser)


def run(args: Namespace, config: Config) -> int:
    with closing(ledger_of(config)) as ledger:
        held = ledger.paused() is not None
        ledger.resume()
    print("resumed" if held else "nothing was paused")
    return 0
