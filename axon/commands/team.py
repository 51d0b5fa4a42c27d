"""Run a team of agents on the ledger's tasks until nothing is left to do."""

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from axon.commands import add_json, add_ledger, add_trust, add_unsafe, ledger_of, read_task_file
from axon.config import Config, rereader
from axon.errors import UsageError
from axon.tasks import Draft
from axon.tasks.exchange import drafts_from
from axon.tasks.text import titled

if TYPE_CHECKING:
    from axon.team.roles import Beside

FILE_SUFFIXES = {".md", ".markdown", ".json", ".jsonl", ".txt"}


def configure(parser: ArgumentParser) -> None:
    add_options(parser)
    parser.add_argument(
        "--plan", metavar="PLAN.md", help="first let a planner make tasks of this file or goal"
    )
    parser.add_argument(
        "--workers", type=workers, metavar="N", help="agents at work at once (2), or auto"
    )
    parser.add_argument(
        "--land-batch",
        type=int,
        metavar="N",
        help="check and land up to N finished tasks at once; a red batch is halved",
    )
    parser.add_argument("--watch", action="store_true", help="stay, and wait for new tasks")
    parser.add_argument(
        "--resume", action="store_true", help="say first what is taken up where it was left"
    )
    add_json(parser)


def workers(text: str) -> int:
    """0 stands for auto."""
    return 0 if text == "auto" else int(text)


TASKS_HELP = (
    "files of tasks (Markdown check list or JSON lines), or the text of one task; "
    "what the ledger already has is not added again"
)


def add_options(parser: ArgumentParser, metavar: str = "TASKS.md", what: str = TASKS_HELP) -> None:
    """What all commands have in common that set agents to work."""
    parser.add_argument("tasks", nargs="*", metavar=metavar, help=what)
    parser.add_argument("--team", metavar="KEY", help="team key of new tasks (ENG)")
    parser.add_argument("--model", metavar="MODEL", help="haiku, sonnet, opus or a full model id")
    parser.add_argument("--max-tasks", type=int, metavar="N", help="take at most N tasks")
    parser.add_argument("--budget-usd", type=float, metavar="X", help="spend at most X USD")
    parser.add_argument("--budget-tokens", type=int, metavar="N", help="use at most N tokens")
    parser.add_argument("--engine", metavar="ENGINE", help="claude or command")
    parser.add_argument("--target", metavar="BRANCH", help="land on this branch")
    parser.add_argument(
        "--land",
        metavar="MODE",
        help="auto; manual: work waits in Review for axon land; pr: it becomes a pull request",
    )
    parser.add_argument(
        "--allow-red",
        action="store_true",
        default=None,
        help="start although the gate is red on the untouched target",
    )
    add_ledger(parser)
    parser.add_argument(
        "--model-upstream",
        metavar="SOURCE",
        help="script:FILE or cassette:FILE, not the real endpoint",
    )
    parser.add_argument(
        "--record", metavar="FILE", help="write a cassette of all answers of the model"
    )
    parser.add_argument(
        "--replay", metavar="MODE", help="of a cassette: strict, or lenient (the same turns)"
    )
    parser.add_argument(
        "--skip-preflight", action="store_true", help="do not try endpoint and agent CLI first"
    )
    parser.add_argument("--no-dashboard", action="store_true", help="serve no page")
    parser.add_argument(
        "--dashboard-port", type=int, default=8003, metavar="N", help="8003; 0: the next free one"
    )
    add_unsafe(parser)
    add_trust(parser)


def run(args: Namespace, config: Config) -> int:
    from axon.team.roles import Mode
    from axon.team.start import run_team

    mode = Mode(
        skip_preflight=args.skip_preflight,
        watch=args.watch,
        resume=args.resume,
        # the hang-up of a terminal is a person leaving
        reread=None if sys.stdout.isatty() else rereader(args, config),
    )
    if args.plan:
        _plan(args, config)
    return run_team(
        config,
        drafts_in(args, config),
        json=args.json,
        stream=sys.stdout,
        mode=mode,
        beside=page_beside(args),
    )


def page_beside(args: Namespace) -> "Beside | None":
    """The page's process, unless nobody wants it."""
    if args.no_dashboard:
        return None
    from axon.commands.dashboard import companion

    return lambda config: companion(config, args.dashboard_port)


def _plan(args: Namespace, config: Config) -> None:
    from axon.commands import plan
    from axon.core.plan import graph_lines

    ledger = ledger_of(config, create=True)
    goal, skip = plan.goal_of(args.plan), args.skip_preflight
    made, task = plan.make(config, ledger, goal, skip_preflight=skip, again=False)
    print("\n".join(graph_lines(made)), file=sys.stderr)
    plan.add(ledger, made, task, "", config)


def drafts_in(args: Namespace, config: Config) -> list[Draft]:
    """The tasks the person named on the command line."""
    return [
        replace(draft, team=draft.team or config.team)
        for word in args.tasks
        for draft in drafts_of(word)
    ]


def drafts_of(word: str) -> list[Draft]:
    """The tasks in the file `word`, or the task whose text it is."""
    path = Path(word)
    if len(word) < 4096 and "\n" not in word and path.is_file():
        return drafts_from(read_task_file(path), path.name)
    if path.suffix in FILE_SUFFIXES and not any(c.isspace() for c in word):
        raise UsageError(f"there is no file {word}; give a file of tasks or the text of a task")
    title, description = titled(word)
    return [Draft(title=title, description=description)]
