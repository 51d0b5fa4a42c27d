"""Add, list, show, import, retry, cancel, reopen or comment on tasks."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from contextlib import closing
from typing import TYPE_CHECKING

from axon.commands import add_json, add_ledger, ledger_of
from axon.config import Config

if TYPE_CHECKING:
    from axon.ledger import Ledger

FORMATS = """\
FILE holds JSON lines or a Markdown check list (- for standard input). Everything in it is
added, or nothing.

JSON: an object per line, or one list, with keys as `axon task list --json` prints them; `key`,
`id` or `identifier` is the name by which `depends` and `parent` refer to a task.

Markdown:
  - [ ] A task: its title
    id: api
    priority: high
    paths: src/api/**, tests/api/**
    check: python -m pytest tests/api
    Whatever else is indented below is the description.
    - [ ] A part of that task, done before it
  - [ ] Another
    depends: api, ENG-3
  - [x] Done: not added

Attributes: id, priority, type, labels, team, project, parent, depends, paths, check,
max_attempts, max_usd, max_turns, max_minutes, not_before.
"""


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _configure_add(actions.add_parser("add", help="add one task"))
    _configure_list(actions.add_parser("list", help="list tasks, the oldest first"))
    _configure_show(actions.add_parser("show", help="show all that is known of a task"))
    _configure_import(
        actions.add_parser(
            "import",
            help="add the tasks in a file",
            epilog=FORMATS,
            formatter_class=RawDescriptionHelpFormatter,
        )
    )
    for action, summary in (
        ("retry", "put failed tasks back on the list"),
        ("cancel", "give tasks up; running work on them is stopped"),
        ("reopen", "put done or canceled tasks back on the list"),
    ):
        move = actions.add_parser(action, help=summary, description=summary)
        move.add_argument("ids", nargs="+", metavar="ID", help="as ENG-12")
        move.add_argument("--why", default="", metavar="TEXT", help="kept in the task's history")
        _end(move)
    comment = actions.add_parser("comment", help="say something about a task")
    comment.add_argument("id", metavar="ID")
    comment.add_argument("text", metavar="TEXT", help="- reads standard input")
    _end(comment)


def run(args: Namespace, config: Config) -> int:
    from axon.commands.task import adding, moving, showing

    actions = {
        "add": adding.add,
        "import": adding.import_file,
        "list": showing.list_tasks,
        "show": showing.show,
        "comment": moving.comment,
    }
    work = actions.get(args.action, moving.move_all)
    with closing(_ledger(args, config)) as ledger:
        return work(args, config, ledger)


def _ledger(args: Namespace, config: Config) -> "Ledger":
    adds = args.action == "add" or (args.action == "import" and not args.dry_run)
    return ledger_of(config, create=adds)


def _end(parser: ArgumentParser) -> None:
    add_ledger(parser)
    add_json(parser)


def _configure_add(parser: ArgumentParser) -> None:
    parser.add_argument("title", metavar="TITLE", help="one line; - reads title and description")
    parser.add_argument("--description", default="", metavar="TEXT", help="all the agent must know")
    parser.add_argument("--priority", metavar="P", help="urgent, high, medium or low (medium)")
    parser.add_argument("--depends", action="append", metavar="ID", help="done first; repeat it")
    parser.add_argument(
        "--paths", action="append", metavar="GLOB", help="what it may change; repeat it"
    )
    parser.add_argument("--check", metavar="CMD", help="its own gate: exit code 0 is good work")
    parser.add_argument("--label", action="append", dest="labels", metavar="L", help="repeat it")
    parser.add_argument("--parent", metavar="ID", help="the task it is a part of")
    parser.add_argument("--type", metavar="T", help="task, bug, feature … (task)")
    parser.add_argument("--project", metavar="NAME")
    parser.add_argument("--team", metavar="KEY", help="capital letters, as ENG")
    parser.add_argument("--max-attempts", metavar="N", help="failed attempts before it fails")
    parser.add_argument("--max-usd", metavar="X", help="USD it may spend")
    parser.add_argument("--max-turns", metavar="N", help="model turns of one attempt")
    parser.add_argument("--max-minutes", metavar="X", help="time limit of one attempt")
    parser.add_argument("--not-before", metavar="ISO", help="as 2026-03-01T09:00")
    _end(parser)


def _configure_list(parser: ArgumentParser) -> None:
    parser.add_argument("--state", metavar="S", help="todo, in_progress, review, done, failed …")
    parser.add_argument("--priority", metavar="P", help="urgent, high, medium or low")
    parser.add_argument("--label", default="", metavar="L")
    parser.add_argument("--q", default="", metavar="TEXT", help="in id, title or description")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N")
    _end(parser)


def _configure_show(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="as ENG-12")
    _end(parser)


def _configure_import(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help=".jsonl, .json or .md; - reads standard input")
    parser.add_argument("--team", metavar="KEY", help="of tasks that name none, as ENG")
    parser.add_argument("--dry-run", action="store_true", help="say what would be added")
    _end(parser)
