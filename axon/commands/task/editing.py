"""Change the fields of tasks, and what they wait for."""

from argparse import Namespace
from typing import Any

from axon.commands import print_json, read_text
from axon.commands.task.fields import given_fields
from axon.config import Config
from axon.core.terminal import one_line
from axon.errors import UsageError
from axon.ledger import Ledger
from axon.tasks import State, Task, task_view
from axon.tasks.editing import EDITABLE, cleared
from axon.tasks.text import MAX_TASK_BYTES


def edit(args: Namespace, config: Config, ledger: Ledger) -> int:
    if args.description == "-":
        args.description = read_text("-", MAX_TASK_BYTES)
    fields = given_fields(args, EDITABLE)
    for name in map(_named, args.clear):
        if name in fields:
            raise UsageError(f"{name} is set and cleared at once; say one")
        fields[name] = cleared(name)
    if "title" in fields and len(set(args.ids)) > 1:
        raise UsageError("several tasks cannot have one title; name one task")
    tasks = ledger.edit(args.ids, fields, if_version=args.if_version)
    return _show(args, tasks, fields)


def _named(name: str) -> str:
    """A field as the option or the JSON names it."""
    plain = name.strip().lower().removeprefix("--").replace("-", "_")
    return "labels" if plain == "label" else plain


def depend(args: Namespace, config: Config, ledger: Ledger) -> int:
    task = ledger.depend(args.id, on=args.on, off=args.off, if_version=args.if_version)
    if args.json:
        print_json(task_view(task))
        return 0
    print(f"{task.identifier}  waits for {', '.join(task.depends) or 'nothing'}")
    return 0


def _show(args: Namespace, tasks: list[Task], fields: dict[str, Any]) -> int:
    if args.json:
        print_json([task_view(task) for task in tasks])
        return 0
    for task in tasks:
        note = ""
        if task.state is State.IN_PROGRESS and fields.keys() - {"labels", "project", "parent"}:
            note = "  (its running attempt goes on with what it was given)"
        print(f"{task.identifier}  {one_line(task.title)}{note}")
    return 0


ACTIONS = {"edit": edit, "depend": depend}
