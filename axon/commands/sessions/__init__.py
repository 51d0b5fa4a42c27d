"""Look at recorded sessions: which there are, what is known of one, how it went, to keep it."""

import importlib
from argparse import ArgumentParser, Namespace
from contextlib import closing

from axon.commands import add_json, add_ledger, ledger_of
from axon.config import Config

MODULES = {"list": "showing", "show": "showing", "replay": "replaying", "export": "exporting"}


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    found = actions.add_parser("list", help="list sessions, the oldest first")
    found.add_argument("--task", default="", metavar="ID", help="only of this task")
    found.add_argument("--limit", type=int, default=100, metavar="N", help="the newest N (100)")
    shown = actions.add_parser("show", help="show what is known of a session")
    _replay(actions.add_parser("replay", help="play a recording in its own rhythm"))
    exported = actions.add_parser("export", help="write all of a recording, payloads included")
    exported.add_argument(
        "--format", choices=("json", "markdown"), help="told by the name of FILE, else json"
    )
    exported.add_argument("--output", metavar="FILE", help="written whole or not at all")
    exported.add_argument("--force", action="store_true", help="replace FILE when it is there")
    for action in (shown, exported):
        action.add_argument("id", metavar="ID", help="as axon sessions list shows it")
    for action in actions.choices.values():
        add_json(action)
        add_ledger(action)


def _replay(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="as axon sessions list shows it")
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help="N times as fast (1)")
    parser.add_argument(
        "--real", action="store_true", help="do not shorten pauses of more than 2 seconds"
    )
    parser.add_argument(
        "--from", type=float, default=0.0, dest="start", metavar="SECONDS", help="begin there"
    )


def run(args: Namespace, config: Config) -> int:
    module = importlib.import_module(f"axon.commands.sessions.{MODULES[args.action]}")
    with closing(ledger_of(config)) as ledger:
        return int(module.ACTIONS[args.action](args, config, ledger))
