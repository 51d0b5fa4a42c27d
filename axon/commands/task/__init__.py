"""Everything a person does with tasks: add, find, change, move, answer, import and take back."""

import importlib
from argparse import ArgumentParser, Namespace
from contextlib import closing

from axon.commands import ledger_of
from axon.config import Config

# Which module does it; its function has the name of the action.
MODULES = {
    "add": "adding",
    "import": "adding",
    "list": "showing",
    "show": "showing",
    "edit": "editing",
    "depend": "editing",
    "export": "exporting",
    "move": "moving",
    "retry": "moving",
    "cancel": "moving",
    "reopen": "moving",
    "delete": "moving",
    "undo": "moving",
    "comment": "talking",
    "answer": "talking",
}


def configure(parser: ArgumentParser) -> None:
    from axon.commands.task import options

    options.configure(parser)


def run(args: Namespace, config: Config) -> int:
    module = importlib.import_module(f"axon.commands.task.{MODULES[args.action]}")
    adds = args.action == "add" or (args.action == "import" and not args.dry_run)
    with closing(ledger_of(config, create=adds)) as ledger:
        return int(module.ACTIONS[args.action](args, config, ledger))
