"""Tell the agent of a task something while it works; it hears it at its next turn, once."""

from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import asdict

from axon.commands import add_json, add_ledger, ledger_of, print_json, read_text
from axon.config import Config
from axon.tasks import State
from axon.tasks.text import MAX_TASK_BYTES

HEARD = {
    State.TODO: "its agent is told when it begins",
    State.IN_PROGRESS: "its agent is told at its next turn",
    State.REVIEW: "its agent has finished, and is told if the work comes back",
    State.BLOCKED: "its agent is told when its question is answered (axon task answer)",
}


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="as ENG-12")
    parser.add_argument("text", metavar="TEXT", help="- reads standard input")
    add_ledger(parser)
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    text = read_text("-", MAX_TASK_BYTES) if args.text == "-" else args.text
    with closing(ledger_of(config)) as ledger:
        message = ledger.send(args.id.strip().upper(), text)
        if args.json:
            print_json(asdict(message))
        else:
            task = ledger.task(message.identifier)
            print(f"{task.identifier}  {HEARD.get(task.state, 'kept')}")
    return 0
