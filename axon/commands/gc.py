"""Remove what ended tasks have left behind; work that has not landed is kept under refs/axon."""

import time
from argparse import ArgumentParser, Namespace
from typing import Any

from axon.commands import add_json, print_json
from axon.config import Config
from axon.ledger import ledger_from
from axon.security.sandbox import clear_trials
from axon.team.git import shown
from axon.team.leftovers import Leftover, clear, find_leftovers
from axon.team.project import open_project


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    project = open_project(config)
    if not args.dry_run:
        clear_trials()
    ledger = ledger_from(config)
    try:
        found = find_leftovers(project, ledger, time.time())
    finally:
        ledger.close()
    gone = [leftover for leftover in found if args.dry_run or clear(project, leftover)]
    busy = [leftover for leftover in found if leftover not in gone]
    if args.json:
        print_json(
            {
                "dry_run": bool(args.dry_run),
                "removed": [_view(leftover) for leftover in gone],
                "in_use": [_view(leftover) for leftover in busy],
                "bytes": sum(leftover.bytes for leftover in gone),
            }
        )
        return 0
    word = "would remove" if args.dry_run else "removed"
    for leftover in gone:
        print(f"{word} {leftover.kind} {shown(leftover.name)}")
    for leftover in busy:
        print(f"left {leftover.kind} {shown(leftover.name)}: in use")
    megabytes = sum(leftover.bytes for leftover in gone) / 2**20
    print(f"{word} {len(gone)} things, {megabytes:.1f} MB")
    return 0


def _view(leftover: Leftover) -> dict[str, Any]:
    return {"kind": leftover.kind, "name": shown(leftover.name), "bytes": leftover.bytes}
