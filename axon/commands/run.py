"""Work the ledger's tasks one after another: an orchestrator with fresh context for each."""

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace

from axon.commands import add_json
from axon.commands.team import add_options, drafts_in, page_beside
from axon.config import Config
from axon.errors import UsageError


def configure(parser: ArgumentParser) -> None:
    add_options(parser)
    parser.add_argument(
        "--max-iterations", type=int, metavar="N", help="make at most N attempts, over all tasks"
    )
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    from axon.team.roles import Mode
    from axon.team.start import run_team

    if args.max_iterations is not None and args.max_iterations < 1:
        raise UsageError("max iterations must be at least 1")
    mode = Mode(solo=True, max_iterations=args.max_iterations, skip_preflight=args.skip_preflight)
    alone = replace(config, workers=1)
    return run_team(
        alone,
        drafts_in(args, config),
        json=args.json,
        stream=sys.stdout,
        mode=mode,
        beside=page_beside(args),
    )
