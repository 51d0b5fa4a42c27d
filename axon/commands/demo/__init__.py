"""Show a whole team at work on a small repository: everything is real but the model."""

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from string import Template

from axon.commands import add_json, add_unsafe
from axon.commands.demo.script import script
from axon.config import Config, load_config
from axon.errors import UsageError
from axon.resources import read_text
from axon.tasks.exchange import drafts_from

NEEDS_CONFIG = False

INTRODUCTION = """\
A team of two works six tasks on a small repository, textkit.
Only the model is scripted. The agent CLI, its tools, git, the checks and the merges are real:
one attempt fails its check and is repaired, two changes collide when they land and are merged.
No key is used and nothing leaves this machine; costs are what such a model would have cost.
"""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="agents at once (2)")
    parser.add_argument("--keep", metavar="DIR", help="make the repository in DIR and keep it")
    add_unsafe(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    if args.keep:
        folder = Path(args.keep).absolute()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is not an empty folder; name a new one with --keep")
        return _show(folder, args)
    folder = Path(tempfile.mkdtemp(prefix="axon-demo-"))
    try:
        return _show(folder / "textkit", args)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _show(folder: Path, args: Namespace) -> int:
    from axon.team.start import run_team

    if not args.json:
        print(INTRODUCTION, flush=True)
    _make_repository(folder)
    config = _config(folder, args)
    python = shlex.quote(sys.executable)
    tasks = Template(read_text("commands/demo/tasks.md")).substitute(python=python)
    drafts = drafts_from(tasks, "tasks.md")
    solutions = _files(read_text("commands/demo/solutions.txt"))
    lines = script(solutions, {draft.key: draft.title for draft in drafts}, python)
    config.state_dir.mkdir(mode=0o700, exist_ok=True)
    (config.state_dir / "script.json").write_text(json.dumps(lines, indent=1), "utf-8")
    code = run_team(config, drafts, json=args.json, stream=sys.stdout)
    green = _suite_is_green(folder)
    if not args.json:
        _conclude(folder, green=green, kept=bool(args.keep))
    return code if code or green else 1


def _config(folder: Path, args: Namespace) -> Config:
    """The person's environment stays out of it, but for the cache and the terminal."""
    flags = Namespace(
        ledger=f"file:{folder / '.axon' / 'ledger.db'}",
        model_upstream=f"script:{folder / '.axon' / 'script.json'}",
        engine="claude",
        model="haiku",
        team="ENG",
        workers=args.workers,
        unsafe_no_sandbox=args.unsafe_no_sandbox,
    )
    from axon.team.environment import without_secrets

    config = load_config(flags, folder)
    return without_secrets(config, dict(config.environ))  # nobody outside is told of a demo


def _make_repository(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _files(read_text("commands/demo/repository.txt")).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    author = ("-c", "user.name=textkit", "-c", "user.email=textkit@localhost")
    _git(folder, *author, "commit", "-q", "-m", "Tests for what is to come")


def _files(bundle: str) -> dict[str, str]:
    """`=== NAME` starts a file; the lines up to the next are its text."""
    parts = bundle.split("=== ")[1:]
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgsign=false", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"git {words[0]} failed: {done.stderr.strip()}; is git installed?")
    return done.stdout


def _suite_is_green(folder: Path) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-q"], cwd=folder, capture_output=True, text=True
    )
    return done.returncode == 0


def _conclude(folder: Path, *, green: bool, kept: bool) -> None:
    print("\nWhat stands on main now:\n")
    print(_git(folder, "log", "--first-parent", "--format=  %h  %s", "main"))
    print(f"The repository's whole test suite is {'green' if green else 'RED'} on main.")
    if kept:
        print(f"It is in {folder}: try git log there, axon status, axon logs ENG-1.")
