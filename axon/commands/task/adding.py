"""Take new tasks: one from the command line, many from a file."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from axon.commands import print_json, read_text
from axon.commands.task.showing import task_table
from axon.config import Config
from axon.core.terminal import one_line
from axon.errors import UsageError
from axon.ledger import Ledger
from axon.tasks import Draft, task_view
from axon.tasks.exchange import MAX_FILE_BYTES, drafts_from, text_draft
from axon.tasks.fields import LISTS, value, value_of_text
from axon.tasks.text import MAX_TASK_BYTES, clean

OPTIONS = (
    "priority", "depends", "paths", "check", "labels", "parent", "type", "project",
    "max_attempts", "max_usd", "max_turns", "max_minutes", "not_before",
)  # fmt: skip


def add(args: Namespace, config: Config, ledger: Ledger) -> int:
    task = ledger.add([_draft(args, config)])[0]
    if args.json:
        print_json(task_view(task))
    else:
        print(f"{task.identifier}  {one_line(task.title)}")
    return 0


def _draft(args: Namespace, config: Config) -> Draft:
    """An option that was not given leaves the Draft's own default."""
    changes: dict[str, Any] = {}
    for name in OPTIONS:
        given = getattr(args, name)
        if given is not None:
            option = "--label" if name == "labels" else f"--{name.replace('_', '-')}"
            try:
                changes[name] = value(name, given) if name in LISTS else value_of_text(name, given)
            except UsageError as error:
                raise UsageError(f"{option}: {error}") from None
    draft = _text(args)
    return replace(draft, team=config.team, **changes)


def _text(args: Namespace) -> Draft:
    if args.title != "-":
        return text_draft(args.title, args.description)
    head, _, rest = clean(read_text("-", MAX_TASK_BYTES)).lstrip().partition("\n")
    return text_draft(head, "\n\n".join(filter(None, (rest.strip("\n"), args.description))))


def import_file(args: Namespace, config: Config, ledger: Ledger) -> int:
    name = "standard input" if args.file == "-" else Path(args.file).name
    drafts = drafts_from(read_text(args.file, MAX_FILE_BYTES), name)
    drafts = [replace(draft, team=draft.team or config.team) for draft in drafts]
    tasks = ledger.add(drafts, dry_run=args.dry_run)
    if args.json:
        print_json([task_view(task) for task in tasks])
        return 0
    for line in task_table(tasks):
        print(line)
    count = f"{len(tasks)} task{'' if len(tasks) == 1 else 's'}"
    print(f"{'would add' if args.dry_run else 'added'} {count}")
    return 0
