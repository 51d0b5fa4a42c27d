"""The words of `axon task`: every action with its options."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter

from axon.commands import add_json, add_ledger

FORMATS = """\
FILE holds JSON, JSON lines, CSV or a Markdown check list (- for standard input); its name or
its content tells which. So are files of Symphony (WORKFLOW.md), beads (issues.jsonl), task-master
(tasks.json), vibe-kanban, Linear and GitHub. Everything in it is imported, or nothing.

A task that is there already, by its identifier, or where the file names none by its title (from
another tool by its label, as linear:ENG-12), is
  --conflict skip       left as it is (the default: importing a file twice adds nothing twice)
  --conflict update     given the fields that the file names; its state stays as it is
  --conflict duplicate  added once more, under a new identifier
New tasks keep their identifier where it is free, their state, comments and figures, so that an
export moves a ledger; work in progress or review becomes todo. Events and recordings stay.

JSON: an object per line, or one list, with keys as axon task list --json prints them; `key` or
`id` is a name by which `depends` and `parent` refer to a task within the file.

CSV: a column per key, the first row names them; commas, semicolons or tabs.

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
EDITING = """\
A running attempt goes on with what it was given: new values hold from the next one. Its landing
is judged by the check the task has then. Refused: paths of a task in progress (they keep other
tasks off its files); check, paths and limits of one that is done (reopen it first).
"""
UNDOING = """\
Takes back the last edit, move, answer, dependency, deletion or import that was made by a person,
whole, however many tasks it changed; said again, the one before it. Comments stay. Refused when
workers, or anybody else, have moved or changed one of the tasks since.
"""
FIELDS = (
    ("description", "TEXT", "all the agent must know"),
    ("priority", "P", "urgent, high, medium or low (medium)"),
    ("paths", "GLOB", "what it may change; repeat it"),
    ("check", "CMD", "its own gate: exit code 0 is good work"),
    ("label", "L", "repeat it"),
    ("parent", "ID", "the task it is a part of"),
    ("type", "T", "task, bug, feature … (task)"),
    ("project", "NAME", None),
    ("max-attempts", "N", "failed attempts before it fails"),
    ("max-usd", "X", "USD it may spend"),
    ("max-turns", "N", "model turns of one attempt"),
    ("max-minutes", "X", "time limit of one attempt"),
    ("not-before", "ISO", "as 2026-03-01T09:00"),
)
LISTS = ("paths", "label")


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, summary: str, epilog: str = "") -> ArgumentParser:
        return actions.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=epilog,
            formatter_class=RawDescriptionHelpFormatter,
        )

    _add(action("add", "add one task"))
    _list(action("list", "list tasks, the oldest first"))
    _show(action("show", "show all that is known of a task"))
    _edit(action("edit", "change fields of tasks", EDITING))
    _move(action("move", "move tasks to another state, along the table of moves"))
    _comment(action("comment", "say something about a task"))
    _answer(action("answer", "answer what the agent of a blocked task asks"))
    _depend(action("depend", "let a task wait for others, or no longer"))
    for name, summary in (
        ("retry", "put failed tasks back on the list"),
        ("cancel", "give tasks up; running work on them is stopped"),
        ("reopen", "put done or canceled tasks back on the list"),
        ("delete", "take tasks out of the ledger; their history stays"),
    ):
        _ids(action(name, summary))
    _undo(action("undo", "take back the last change", UNDOING))
    _export(action("export", "write tasks to a file, or to standard output"))
    _import(action("import", "add the tasks in a file", FORMATS))


def _end(parser: ArgumentParser) -> None:
    add_ledger(parser)
    add_json(parser)


def _fields(parser: ArgumentParser) -> None:
    for name, kind, told in FIELDS:
        lists = {"action": "append"} if name in LISTS else {}
        dest = "labels" if name == "label" else name.replace("-", "_")
        parser.add_argument(f"--{name}", dest=dest, metavar=kind, help=told, **lists)  # type: ignore[arg-type]


def _add(parser: ArgumentParser) -> None:
    parser.add_argument("title", metavar="TITLE", help="one line; - reads title and description")
    _fields(parser)
    parser.add_argument("--depends", action="append", metavar="ID", help="done first; repeat it")
    parser.add_argument("--team", metavar="KEY", help="capital letters, as ENG")
    _end(parser)


def _filters(parser: ArgumentParser) -> None:
    states = "todo, in_progress, review, blocked, done, failed, canceled; repeat it"
    parser.add_argument("--state", action="append", default=[], metavar="S", help=states)
    parser.add_argument("--priority", metavar="P", help="urgent, high, medium or low")
    parser.add_argument("--label", default="", metavar="L")
    parser.add_argument("--team", metavar="KEY", help="as ENG")
    parser.add_argument("--project", default="", metavar="NAME")
    parser.add_argument("--q", default="", metavar="TEXT", help="in id, title or description")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N")
    parser.add_argument("--offset", type=int, default=0, metavar="N", help="leave the first N out")
    parser.add_argument(
        "--sort", choices=("age", "priority", "updated"), default="age", help="what comes first"
    )


def _list(parser: ArgumentParser) -> None:
    _filters(parser)
    _end(parser)


def _show(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="as ENG-12")
    _end(parser)


def _edit(parser: ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", help="as ENG-12; many are one change")
    parser.add_argument("--title", metavar="TEXT", help="one line")
    _fields(parser)
    parser.add_argument(
        "--clear", action="append", default=[], metavar="FIELD", help="back to none; repeat it"
    )
    _version(parser)
    _end(parser)


def _version(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--if-version", type=int, metavar="N", help="only if nobody has changed it since version N"
    )


def _ids(parser: ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", help="as ENG-12; many are one change")
    parser.add_argument("--why", default="", metavar="TEXT", help="kept in the task's history")
    _end(parser)


def _move(parser: ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", help="as ENG-12; many are one change")
    parser.add_argument("state", metavar="STATE", help="as todo, canceled, In Progress")
    parser.add_argument(
        "--why", default="", metavar="TEXT", help="kept in the task's history; answers a question"
    )
    _end(parser)


def _comment(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")
    parser.add_argument("text", metavar="TEXT", help="- reads standard input")
    _end(parser)


def _answer(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")
    parser.add_argument("text", metavar="TEXT", help="the agent is told this; - reads stdin")
    _end(parser)


def _depend(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")
    parser.add_argument(
        "--on", action="append", default=[], metavar="ID", help="wait for this task; repeat it"
    )
    parser.add_argument(
        "--off", action="append", default=[], metavar="ID", help="wait no longer; repeat it"
    )
    _version(parser)
    _end(parser)


def _undo(parser: ArgumentParser) -> None:
    _end(parser)


def _export(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("json", "jsonl", "csv", "markdown"),
        help="told by the name of FILE, else json",
    )
    parser.add_argument("--output", metavar="FILE", help="written whole or not at all")
    parser.add_argument("--force", action="store_true", help="replace FILE when it is there")
    _filters(parser)
    _end(parser)


def _import(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help=".json, .jsonl, .csv, .md …; - reads stdin")
    kinds = "markdown, json, csv, symphony, beads, task-master, vibe-kanban, linear or github"
    parser.add_argument(
        "--from",
        dest="kind",
        choices=tuple(kinds.replace(" or ", ", ").split(", ")),
        metavar="NAME",
        help=f"what wrote it: {kinds}; told by the file itself where that leaves no doubt",
    )
    parser.add_argument("--team", metavar="KEY", help="of tasks that name none, as ENG")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument(
        "--conflict",
        choices=("skip", "update", "duplicate"),
        default="skip",
        help="what becomes of tasks that are there already",
    )
    _end(parser)
