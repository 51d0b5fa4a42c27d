"""Say something about a task, or to the agent that asks about it."""

from argparse import Namespace

from axon.commands import print_json, read_text
from axon.commands.task.fields import identifier_of
from axon.config import Config
from axon.core.terminal import one_line
from axon.ledger import Ledger
from axon.tasks import task_view
from axon.tasks.text import MAX_TASK_BYTES


def comment(args: Namespace, config: Config, ledger: Ledger) -> int:
    identifier = identifier_of(args.id)
    ledger.comment(identifier, _text(args))
    if args.json:
        last = ledger.comments(identifier)[-1]
        print_json({"identifier": identifier, "at": last.at, "body": last.body})
    else:
        print(f"{identifier}  commented")
    return 0


def answer(args: Namespace, config: Config, ledger: Ledger) -> int:
    task = ledger.answer(args.id, _text(args))
    if args.json:
        print_json(task_view(task))
    else:
        print(f"{task.identifier}  {task.state.label}  {one_line(task.title)}")
    return 0


def _text(args: Namespace) -> str:
    return read_text("-", MAX_TASK_BYTES) if args.text == "-" else str(args.text)


ACTIONS = {"comment": comment, "answer": answer}
