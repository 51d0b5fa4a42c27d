"""What a person does to tasks that are there: retry, cancel, reopen, comment."""

from argparse import Namespace

from axon.commands import print_json, read_text
from axon.config import Config
from axon.core.terminal import one_line
from axon.ledger import Ledger
from axon.tasks import move, task_view
from axon.tasks.text import MAX_TASK_BYTES


def move_all(args: Namespace, config: Config, ledger: Ledger) -> int:
    """All must allow the move before the first is made."""
    names = list(dict.fromkeys(name.strip().upper() for name in args.ids))
    for name in names:
        move(ledger.task(name), args.action)
    moved = [ledger.change(name, args.action, why=args.why) for name in names]
    if args.json:
        print_json([task_view(task) for task in moved])
        return 0
    for task in moved:
        print(f"{task.identifier}  {task.state.label}  {one_line(task.title)}")
    return 0


def comment(args: Namespace, config: Config, ledger: Ledger) -> int:
    text = read_text("-", MAX_TASK_BYTES) if args.text == "-" else args.text
    identifier = args.id.strip().upper()
    ledger.comment(identifier, text)
    if args.json:
        last = ledger.comments(identifier)[-1]
        print_json({"identifier": identifier, "at": last.at, "body": last.body})
    else:
        print(f"{identifier}  commented")
    return 0
