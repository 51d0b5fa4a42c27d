"""Land finished work that waits: tasks in Review, or what landed beside the target."""

import os
import threading
from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import replace

from axon.commands import add_json, add_ledger, add_unsafe, ledger_of, print_json
from axon.config import Config
from axon.errors import Forbidden, StaleClaim, UsageError
from axon.security.sandbox import choose
from axon.security.secrets import secrets_of
from axon.security.trust import allowed_only
from axon.tasks import State, Task, task_view
from axon.team.crew import Crew
from axon.team.environment import own_environment, without_secrets
from axon.team.landing import bring_over, recover
from axon.team.landing.lander import NAME, Lander, to_land
from axon.team.project import Project, hold, open_project

WAIT_SECONDS = 10.0  # for a landing that is just moving the branch


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("tasks", nargs="*", metavar="ENG-1", help="tasks in Review to land now")
    parser.add_argument("--all", action="store_true", help="land every task in Review")
    parser.add_argument("--target", help="branch to bring the work to (default: as configured)")
    add_ledger(parser)
    add_unsafe(parser)
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    """0: all is there; 1: a task was sent back; 4: the checkout or the work forbids it."""
    config, _ = allowed_only(config)
    project = open_project(config)
    project = replace(project, sandbox=choose(config, project.root, project.common_dir))
    if args.tasks or args.all:
        return _land(args, config, project)
    with hold(project, NAME, wait_seconds=WAIT_SECONDS):
        recover(project)
        brought = bring_over(project, again=True)
    if args.json:
        print_json(
            {
                "target": project.target,
                "beside": project.beside,
                "commit": brought.commit or None,
                "commits": brought.waiting,
                "waiting": bool(brought.why),
                "why": brought.why or None,
            }
        )
        return Forbidden.exit_code if brought.why else 0
    if brought.why:
        raise Forbidden(
            f"{brought.why}; {_commits(brought.waiting)} stay on {project.beside} until "
            f"{project.target} can be moved: commit or stash, then axon land"
        )
    if not brought.commit or not brought.waiting:
        print(f"nothing waits beside {project.target}")
    else:
        print(f"{project.target} is at {brought.commit[:7]}: {_commits(brought.waiting)} came over")
    return 0


def _land(args: Namespace, config: Config, project: Project) -> int:
    """The tasks in the order given, each on top of those before it."""
    if args.tasks and args.all:
        raise UsageError("tasks and --all exclude each other; give one of them")
    crew = Crew(
        run="",
        config=without_secrets(config, own_environment(config)),
        target=project.target,
        secrets=tuple(secrets_of(config.environ)),
    )
    with closing(ledger_of(config)) as ledger:
        waiting = to_land(ledger) if args.all else [ledger.task(name) for name in args.tasks]
        for task in waiting:
            if task.state is not State.REVIEW or not task.commit:
                raise Forbidden(
                    f"{task.identifier} is {task.state.label}; only finished work in Review lands"
                )
        lander = Lander(
            crew=crew,
            project=open_project(crew.config, project.sandbox),
            ledger=ledger,
            stopping=threading.Event(),
            holder=f"person {os.getpid()}",
        )
        try:
            landed = [_one(lander, task, quiet=args.json) for task in waiting]
        finally:
            lander.rest()
    if args.json:
        print_json({"tasks": [task_view(task) for task in landed]})
    elif not landed:
        print("no task waits in Review")
    return 0 if all(task.state is State.DONE for task in landed) else 1


def _one(lander: Lander, task: Task, *, quiet: bool) -> Task:
    try:
        after = lander.land_now(task)
    except StaleClaim:
        raise Forbidden("another run took the landing over; see axon status") from None
    if not quiet:
        print(_said(after))
    return after


def _said(task: Task) -> str:
    if task.state is State.DONE:
        proof = "verified" if task.verified else "unverified"
        return f"{task.identifier} landed on {task.target} as {task.landed_commit[:7]} ({proof})"
    return f"{task.identifier} did not land ({task.state.label}): {task.error or 'see axon logs'}"


def _commits(count: int) -> str:
    return "1 commit" if count == 1 else f"{count} commits"
