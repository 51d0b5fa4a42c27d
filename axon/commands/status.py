"""Show the run, its workers, how many tasks are where, and what holds the others up."""

import time
from argparse import ArgumentParser, Namespace
from contextlib import closing

from axon.commands import add_json, add_ledger, ledger_of, print_json
from axon.config import Config
from axon.ledger import Ledger
from axon.monitoring.metrics import metrics_view
from axon.team.overview import status_lines
from axon.team.status import concerns_now, team_view


def configure(parser: ArgumentParser) -> None:
    add_ledger(parser)
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    with closing(ledger_of(config)) as ledger:
        if args.json:
            now = time.time()
            recordings = config.state_dir / "sessions"
            shown = team_view(ledger, recordings, now, stale_hours=config.stale_hours)
            print_json(shown | {"metrics": metrics_view(ledger, config, now)})
            return 0
        for line in (*status_lines(ledger), *_concerns(ledger, config)):
            print(line)
    return 0


def _concerns(ledger: Ledger, config: Config) -> list[str]:
    found = concerns_now(ledger, config.state_dir / "sessions", time.time(), config.stale_hours)
    return [f"{concern.what}; {concern.fix}" for concern in found if concern.kind != "lost_run"]
