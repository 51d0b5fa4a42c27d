"""Take new tasks: one from the command line, many from a file."""

import gc
import sys
from argparse import Namespace
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from axon.commands import opened, print_json, read_text
from axon.commands.task.fields import given_fields
from axon.commands.task.showing import task_table
from axon.config import Config
from axon.core.terminal import one_line
from axon.ledger import Imported, Ledger
from axon.tasks import Draft, task_view
from axon.tasks.exchange import MAX_FILE_BYTES, records_of, text_draft
from axon.tasks.text import MAX_TASK_BYTES, clean

MOST_SHOWN = 100
OPTIONS = (
    "priority", "depends", "paths", "check", "labels", "parent", "type", "project",
    "max_attempts", "max_usd", "max_turns", "max_minutes", "not_before",
)  # fmt: skip


def add(args: Namespace, config: Config, ledger: Ledger) -> int:
    draft = replace(_text(args), team=config.team, **given_fields(args, OPTIONS))
    task = ledger.add([draft])[0]
    if args.json:
        print_json(task_view(task))
    else:
        print(f"{task.identifier}  {one_line(task.title)}")
    return 0


def _text(args: Namespace) -> Draft:
    description = args.description or ""
    if args.title != "-":
        return text_draft(args.title, description)
    head, _, rest = clean(read_text("-", MAX_TASK_BYTES)).lstrip().partition("\n")
    return text_draft(head, "\n\n".join(filter(None, (rest.strip("\n"), description))))


def import_file(args: Namespace, config: Config, ledger: Ledger) -> int:
    name = "standard input" if args.file == "-" else Path(args.file).name
    gc.disable()  # there are no circles, and looking for them among many tasks takes its time
    with (
        opened(args.file, MAX_FILE_BYTES) as file,
        closing(records_of(file, name, config.team, args.kind or "")) as records,
    ):
        found = ledger.take_in(
            records,
            conflict=args.conflict,
            dry_run=args.dry_run,
            most=None if args.json else MOST_SHOWN,
        )
        for note in records.notes.lines():
            print(f"axon: {name}: {one_line(note)}", file=sys.stderr)
    if args.json:
        print_json(
            [
                task_view(task) | {"outcome": outcome}
                for outcome in ("added", "updated", "skipped")
                for task in getattr(found, outcome)
            ]
        )
        return 0
    for line in task_table([*found.added, *found.updated][:MOST_SHOWN]):
        print(line)
    if (changed := found.count + len(found.updated)) > MOST_SHOWN:
        print(f"… and {changed - MOST_SHOWN:,} more")
    print(
        _told(found, ("add", "update", "leave") if args.dry_run else ("added", "updated", "left"))
    )
    return 0


def _told(found: Imported, words: tuple[str, str, str]) -> str:
    added, updated, skipped = found.count, len(found.updated), len(found.skipped)
    parts = [f"{words[0]} {added} task{'' if added == 1 else 's'}"]
    if updated:
        parts.append(f"{words[1]} {updated}")
    if skipped:
        parts.append(f"{words[2]} {skipped} as {'it is' if skipped == 1 else 'they are'}")
    return ("would " if words[0] == "add" else "") + ", ".join(parts)


ACTIONS = {"add": add, "import": import_file}
