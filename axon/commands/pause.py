"""Hold the team before its next task."""

import time
from argparse import ArgumentParser, Namespace
from contextlib import closing

from axon.commands import add_ledger, ledger_of
from axon.config import Config
from axon.errors import UsageError
from axon.tasks.moments import moment, told


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--until", metavar="TIME", help="18:30, 30m, or 2026-03-01T09:00")
    parser.add_argument("--reason", default="by a person", metavar="TEXT", help="shown meanwhile")
    add_ledger(parser)


def run(args: Namespace, config: Config) -> int:
    now = time.time()
    until = moment(args.until, now) if args.until else None
    if until is not None and until <= now:
        raise UsageError(f"{args.until} has passed; give a time to come")
    with closing(ledger_of(config)) as ledger:
        ledger.pause(args.reason, until=until)
    print(f"paused until {told(until)}" if until else "paused; axon resume ends it")
    return 0
