"""Write tasks to a file, so that an import loses nothing."""

import sys
from argparse import Namespace
from pathlib import Path

from axon.commands import print_json, print_text, write_whole
from axon.commands.task.showing import found_tasks
from axon.config import Config
from axon.ledger import Ledger
from axon.tasks import Task
from axon.tasks.exchange import MAX_TASKS, exported

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
}


def export(args: Namespace, config: Config, ledger: Ledger) -> int:
    output = args.output if args.output != "-" else None
    kind = args.format or SUFFIXES.get(Path(output or "").suffix.lower(), "json")
    pairs = [
        (task, [(said.at, said.actor, said.body) for said in comments])
        for task, comments in ledger.take_out(found_tasks(args, ledger))
    ]
    _warn([task for task, _ in pairs])
    text = exported(pairs, kind)
    if output is None:
        print_text(text)
        return 0
    path = Path(output)
    write_whole(path, text, replace=args.force)
    if args.json:
        print_json({"file": str(path), "format": kind, "tasks": len(pairs)})
    else:
        print(f"wrote {len(pairs)} task{'' if len(pairs) == 1 else 's'} to {path}")
    return 0


def _warn(tasks: list[Task]) -> None:
    """What an import elsewhere would stumble over."""
    names = {task.identifier for task in tasks}
    missing = {
        name
        for task in tasks
        for name in (*task.depends, task.parent)
        if name and name not in names
    }
    if missing:
        some = ", ".join(sorted(missing)[:5]) + (" …" if len(missing) > 5 else "")
        print(
            f"axon: the file refers to tasks that are not in it: {some}; another ledger must have"
            " them before",
            file=sys.stderr,
        )
    if len(tasks) > MAX_TASKS:
        print(
            f"axon: {len(tasks):,} tasks are more than one import takes ({MAX_TASKS:,}); use"
            " --limit and --offset, or axon ledger backup",
            file=sys.stderr,
        )


ACTIONS = {"export": export}
