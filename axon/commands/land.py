"""Bring over what has landed beside the target because its checkout was in use."""

from argparse import ArgumentParser, Namespace

from axon.commands import add_json, print_json
from axon.config import Config
from axon.errors import Forbidden
from axon.team.landing import bring_over, recover
from axon.team.project import hold, open_project

WAIT_SECONDS = 10.0  # for a landing that is just moving the branch


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--target", help="branch to bring the work to (default: as configured)")
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    """0: it is there, or there was nothing to bring; 4: the checkout or the work forbids it."""
    project = open_project(config)
    with hold(project, "landing", wait_seconds=WAIT_SECONDS):
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


def _commits(count: int) -> str:
    return "1 commit" if count == 1 else f"{count} commits"
