"""Pull requests and issues by hand: bring work there, hear what is new, see how it stands."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from axon.commands import add_json, add_ledger, ledger_of, print_json
from axon.config import Config
from axon.core.terminal import one_line
from axon.errors import Forbidden
from axon.integrations.github.access import connect, myself
from axon.integrations.github.check import check
from axon.ledger import Ledger
from axon.security.trust import allowed_only
from axon.tasks import State
from axon.team.github.links import links
from axon.team.github.round import Round
from axon.team.github.standing import handed_in, standing_of
from axon.team.github.sync import (
    go_through_issues,
    hear_of_work,
    send_work,
    start_round,
    take_issues,
)
from axon.team.project import open_project

WAIT_SECONDS = 20.0  # for a run that is just busy with GitHub
PATIENCE_SECONDS = 60.0  # that a person waits for a rate limit to end


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    push = actions.add_parser("push", help="make pull requests of work that waits in Review")
    push.add_argument("tasks", nargs="*", metavar="ENG-1", help="tasks in Review (default: all)")
    pull = actions.add_parser("pull", help="move tasks as pull requests and issues have gone")
    pull.add_argument(
        "issues", nargs="*", type=int, metavar="ISSUE", help="numbers of issues to make tasks of"
    )
    for action in (push, pull):
        action.add_argument("--dry-run", action="store_true", help="say what would be done")
    status = actions.add_parser("status", help="show token, repository, pull requests and issues")
    for action in (push, pull, status):
        add_ledger(action)
        add_json(action)


def run(args: Namespace, config: Config) -> int:
    """0: done; 1: something could not be done, and is told."""
    config, _ = allowed_only(config)
    actions = {"push": _push, "pull": _pull, "status": _status}
    with closing(ledger_of(config, create=args.action == "pull")) as ledger:
        return actions[args.action](args, config, ledger)


def _push(args: Namespace, config: Config, ledger: Ledger) -> int:
    waiting = [ledger.task(name) for name in args.tasks] or handed_in(ledger)
    for task in waiting:
        if task.state is not State.REVIEW or not task.commit:
            raise Forbidden(
                f"{task.identifier} is {task.state.label}; only finished work in Review becomes a "
                "pull request"
            )
    with _round(args, config, ledger) as at:
        for error in send_work(at, waiting):
            raise error
        if config.github_issues:
            go_through_issues(at, listen=False)
    return _say(args, at, "nothing is to be told")


def _pull(args: Namespace, config: Config, ledger: Ledger) -> int:
    with _round(args, config, ledger) as at:
        if args.issues:
            take_issues(at, args.issues)
        else:
            hear_of_work(at)
            if config.github_issues:
                go_through_issues(at, speak=False)
    return _say(args, at, "nothing is new")


@contextmanager
def _round(args: Namespace, config: Config, ledger: Ledger) -> Iterator[Round]:
    github = connect(config, patience=PATIENCE_SECONDS)
    at = start_round(config, open_project(config), github, ledger, "", dry=args.dry_run)
    with at.on_duty(WAIT_SECONDS):
        yield at


def _say(args: Namespace, at: Round, nothing: str) -> int:
    told = at.told
    if args.json:
        print_json({"dry_run": told.dry, "done": told.entries})
    else:
        for line in told.lines or [nothing]:
            print(one_line(line))
    return 1 if any(entry.get("error") for entry in told.entries) else 0


def _status(args: Namespace, config: Config, ledger: Ledger) -> int:
    found = _facts(config, ledger)
    if args.json:
        print_json(found)
    else:
        for line in _lines(found):
            print(one_line(line))
    return 1 if any(one["state"] == "failed" for one in found["checks"]) else 0


def _facts(config: Config, ledger: Ledger) -> dict[str, Any]:
    github = connect(config)
    checks = [
        {"what": one.what, "state": one.state, "reason": one.reason, "fix": one.fix or None}
        for one in check(config)
    ]
    usable = not any(one["state"] == "failed" for one in checks)
    me = myself(github) if usable else None
    pulls = []
    for task in handed_in(ledger):
        known = standing_of(ledger, task)
        sent = known.commit == task.commit
        pulls.append(
            {
                "task": task.identifier,
                "number": known.number or None,
                "url": known.url or None,
                "sent": sent,
                "error": (known.refused[2] or None) if not sent else None,
            }
        )
    return {
        "repository": github.place.full,
        "site": github.place.site,
        "user": {"id": me.id, "login": me.login} if me and me.id else None,
        "base": config.github_base or open_project(config).target,
        "mode": config.land,
        "issues_sync": config.github_issues,
        "requests_left": github.remaining,
        "checks": checks,
        "pull_requests": pulls,
        "issues": {str(n): name for n, name in sorted(links(ledger, github).items())},
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['repository']} on {found['site']}, into {found['base']}"
    for one in found["checks"]:
        fix = f"; {one['fix']}" if one["fix"] else ""
        yield f"{one['what']}: {one['state']}, {one['reason']}{fix}"
    for one in found["pull_requests"]:
        where = f"#{one['number']} {one['url']}" if one["number"] else "no pull request"
        late = "" if one["sent"] else f", not as it is now: {one['error'] or 'axon github push'}"
        yield f"{one['task']}: {where}{late}"
    for number, name in found["issues"].items():
        yield f"issue #{number} is {name}"
    yield f"land.mode is {found['mode']}; issues are {'' if found['issues_sync'] else 'not '}synced"
