"""Keep the ledger well: prove it sound, copy it, put a copy back, give space back, count."""

import sys
from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from axon.commands import add_json, add_ledger, ledger_of, make_state_dir, print_json
from axon.config import Config
from axon.core.terminal import one_line
from axon.errors import Forbidden, LedgerError, UsageError
from axon.ledger import restore
from axon.ledger.schema import APPLICATION_ID

MEGABYTE = 2**20


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("check", "prove every task, event and count sound; exit code 6 and a line per fault"),
        ("backup", "write a verified copy while the team goes on"),
        ("restore", "put a backup in the ledger's place; the old ledger is kept beside it"),
        ("compact", "give unused space back to the disk"),
        ("stats", "show sizes and counts"),
    ):
        action = actions.add_parser(name, help=summary, description=summary)
        if name == "backup":
            action.add_argument("file", metavar="FILE", help="an older backup is replaced whole")
            action.add_argument("--force", action="store_true", help="replace any other file too")
        if name == "restore":
            action.add_argument("file", metavar="FILE", help="made by axon ledger backup")
            action.add_argument("--yes", action="store_true", help="do not ask")
        add_ledger(action)
        add_json(action)


def run(args: Namespace, config: Config) -> int:
    return ACTIONS[args.action](args, config)


def _check(args: Namespace, config: Config) -> int:
    with closing(ledger_of(config)) as ledger:
        found = ledger.check()
        sizes = ledger.stats()
    if args.json:
        print_json({"sound": not found, "findings": [asdict(finding) for finding in found]})
    for finding in [] if args.json else found:
        print(f"{one_line(finding.where)}: {one_line(finding.what)}")
    if found:
        raise LedgerError(
            f"the ledger has {len(found)} fault{'' if len(found) == 1 else 's'}; stop every team,"
            " then axon ledger restore FILE puts a backup in its place"
        )
    if not args.json:
        print(f"sound: {sizes['tasks']:,} tasks, {sizes['events']:,} events")
    return 0


def _backup(args: Namespace, config: Config) -> int:
    path = Path(args.file)
    # before the ledger is open: to read a file that has two names would drop its locks
    if path.is_file() and not args.force and not _is_ledger(path):
        raise UsageError(f"{path} is there and no backup; choose another name, or say --force")
    with closing(ledger_of(config)) as ledger:
        ledger.backup(path)
    size = path.stat().st_size
    if args.json:
        print_json({"file": str(path), "bytes": size})
    else:
        print(f"wrote {path}, {size / MEGABYTE:.1f} MB, and read it back: sound")
    return 0


def _is_ledger(path: Path) -> bool:
    """By the mark in the head of the file, where every SQLite file has its application's."""
    with open(path, "rb") as file:
        head = file.read(72)
    return not head or head[68:] == APPLICATION_ID.to_bytes(4, "big")


def _restore(args: Namespace, config: Config) -> int:
    source, target = Path(args.file), _path_of(config.ledger_url)
    _refuse_alive(config)
    if not args.yes:
        _ask(f"replace {target} by {source}? what it holds now is kept beside it")
    if not config.ledger:
        make_state_dir(config)
    kept = restore(source, target)
    if args.json:
        print_json({"ledger": str(target), "kept": str(kept) if kept else None})
        return 0
    print(f"restored {target}")
    if kept:
        print(f"the old ledger is {kept}")
    return 0


def _path_of(url: str) -> Path:
    scheme, _, path = url.partition(":")
    if scheme != "file" or not path.removeprefix("//"):
        raise UsageError("only a ledger in a file can be restored; say --ledger file:PATH")
    return Path(path.removeprefix("//"))


def _refuse_alive(config: Config) -> None:
    """A ledger that cannot be read any more has no say."""
    try:
        with closing(ledger_of(config)) as ledger:
            alive = [run.id for run in ledger.runs(limit=1000) if run.alive]
    except LedgerError:
        return
    if alive:
        raise Forbidden(f"run {alive[0]} works with this ledger; axon stop, then try again")


def _ask(question: str) -> None:
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError(f"{question}; say --yes, for nobody can be asked")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Forbidden("you did not say yes; nothing was changed")


def _compact(args: Namespace, config: Config) -> int:
    with closing(ledger_of(config)) as ledger:
        before = ledger.stats()
        ledger.compact()
        after = ledger.stats()
    sizes = [stats["bytes"] + stats["log_bytes"] for stats in (before, after)]
    if args.json:
        print_json({"before_bytes": sizes[0], "after_bytes": sizes[1]})
    else:
        print(f"{sizes[0] / MEGABYTE:.1f} MB before, {sizes[1] / MEGABYTE:.1f} MB now")
    return 0


def _stats(args: Namespace, config: Config) -> int:
    with closing(ledger_of(config)) as ledger:
        found = ledger.stats()
    if args.json:
        print_json(found)
        return 0
    for name, figure in found.items():
        shown = f"{figure:,}" if isinstance(figure, int) else one_line(str(figure))
        print(f"{name.replace('_', ' '):<16}{shown}")
    return 0


ACTIONS = {
    "check": _check,
    "backup": _backup,
    "restore": _restore,
    "compact": _compact,
    "stats": _stats,
}
