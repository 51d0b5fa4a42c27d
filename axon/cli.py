"""Parse the command line, run one command, and turn any error into one line and an exit code."""

import errno
import gc
import importlib
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any, NoReturn

from axon import __version__
from axon.errors import AxonError, UsageError

COMMANDS: dict[str, str] = {
    "run": "work tasks one after another with an orchestrator and its subagents",
    "team": "run a team of agents on the ledger's tasks",
    "plan": "let a planner cut a goal into tasks",
    "task": "add, find, change, move, answer, import or export tasks",
    "tell": "tell the agent of a task something while it works",
    "land": "land finished work that was kept beside the branch",
    "status": "show the run, its workers and how many tasks are where",
    "logs": "show what an agent did",
    "health": "check that everything a run needs is there and works",
    "sessions": "list, show, replay or export recorded sessions",
    "pause": "hold the team before its next task",
    "resume": "let a paused team go on",
    "stop": "end the running team as Ctrl-C would",
    "report": "tell the day or the week in a few lines, here or to whoever is told",
    "dashboard": "serve the page: see everything, steer everything",
    "mcp": "serve the ledger to any MCP client",
    "github": "bring work to GitHub as pull requests, and hear what is new there",
    "init": "prepare this repository for axon",
    "agents": "list the agents of a session, their tools and models",
    "trust": "allow this project's own agents, prompts and servers",
    "policy": "say what agents may run, and why",
    "config": "show every setting and where it came from",
    "ledger": "check, back up, restore, compact or measure the ledger",
    "gc": "remove workspaces and recordings that are no longer needed",
    "cache": "list or clean the engine files unpacked from the archive",
    "demo": "watch a whole team at work, without key or network",
    "version": "show the versions of axon and what it carries",
}

FULL = (errno.ENOSPC, errno.EDQUOT)


class _Parser(ArgumentParser):
    """Errors of use are one line like any other."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: list[str] | None = None) -> int:
    """Run axon. The one place where errors become text (STYLE: error boundary)."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a title may hold what LANG=C cannot
    gc.disable()  # while modules are read there is no garbage, and looking for it takes a tenth
    try:
        code = _dispatch(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except AxonError as error:
        print(f"axon: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has gone
        _forget_output()
        return 0
    except OSError as error:
        if error.errno not in FULL:
            raise
        _forget_output()
        place = error.filename or "what is to be printed"
        print(f"axon: cannot write {place}: {error.strerror}; free some space", file=sys.stderr)
        return AxonError.exit_code
    finally:
        gc.enable()


def _open_streams() -> None:
    """Where the caller has closed one, the next file that is opened would take its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _forget_output() -> None:
    """So that the interpreter's own flush at exit is quiet too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(argv: list[str]) -> int:
    if argv[:1] == ["--version"]:
        print(f"axon {__version__}")
        return 0
    name = next((word for word in argv if not word.startswith("-")), "")
    parser = build_parser(name if name in COMMANDS else "")
    args = parser.parse_args(argv)
    if not args.command:
        parser.print_help()
        return 0
    command = importlib.import_module(f"axon.commands.{args.command}")
    if not getattr(command, "NEEDS_CONFIG", True):
        return _run(command.run, args)
    from axon.config import load_config

    return _run(command.run, args, load_config(args))


def _run(command: Callable[..., int], *args: Any) -> int:
    gc.freeze()  # what was read stays
    gc.enable()
    return int(command(*args))


def build_parser(loaded: str = "") -> ArgumentParser:
    """The parser of the command `loaded` alone, else of all: help needs no import of any."""
    parser = _Parser(
        prog="axon",
        description="Run a team of Claude agents whose work is judged by your own checks.",
        epilog="axon COMMAND --help tells more.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", prog=parser.prog
    )
    for name in (loaded,) if loaded else COMMANDS:  # each costs as much as some commands do
        command = commands.add_parser(name, help=COMMANDS[name], description=COMMANDS[name])
        if loaded:
            importlib.import_module(f"axon.commands.{name}").configure(command)
    return parser
