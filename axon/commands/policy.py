"""Ask what the command policy says of a command, and why."""

import json
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from axon.commands import add_json, harmless_json, print_json
from axon.config import Config
from axon.core.terminal import one_line, plain
from axon.errors import UsageError
from axon.security.paths import Places
from axon.security.policy import Policy, Profile, Verdict
from axon.security.trust import allowed_only

MAX_LINE = 1 << 20


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("check", "say whether agents may run a command; exit code 0 allowed, 1 denied"),
        ("explain", "show how a command is read, part by part, and what was decided on each"),
    ):
        action = actions.add_parser(name, help=summary, description=summary)
        action.add_argument("command_line", nargs="?", metavar="CMD", help="as bash would get it")
        action.add_argument(
            "--profile",
            choices=[str(profile) for profile in Profile],
            default=str(Profile.STRICT),
            help="strict: without a containment (default); contained: inside one",
        )
        action.add_argument(
            "--workspace", type=Path, metavar="DIR", help="where it would run; default: here"
        )
        add_json(action)
        if name == "check":
            action.add_argument(
                "--stdin",
                action="store_true",
                help='read one {"cmd": ...} per line, answer one {"verdict", "reason"} per line',
            )


def run(args: Namespace, config: Config) -> int:
    config, ignored = allowed_only(config)
    for notice in ignored:
        print(f"axon: {notice}", file=sys.stderr)
    policy = _policy(args, config)
    if getattr(args, "stdin", False):
        if args.command_line is not None:
            raise UsageError("--stdin takes its commands from standard input; leave CMD out")
        return _answer_lines(policy)
    if args.command_line is None:
        raise UsageError(f"which command? axon policy {args.action} 'git status'")
    verdict = policy.check(args.command_line)
    if args.json:
        print_json(_view(verdict, policy) | _details(args, verdict))
    elif args.action == "explain":
        _explain(verdict)
    else:
        print(f"{_word(verdict)}: {one_line(verdict.reason)}")
    return 0 if verdict.allowed or args.action == "explain" else 1


def _policy(args: Namespace, config: Config) -> Policy:
    folder = (args.workspace or Path.cwd()).absolute()
    home = config.environ.get("HOME") or "/nonexistent"
    return Policy(
        profile=Profile(args.profile),
        places=Places(
            workspace=folder,
            temporary=Path(config.environ.get("TMPDIR") or tempfile.gettempdir()),
            home=Path(home),
        ),
        commands=config.policy_commands,
    )


def _word(verdict: Verdict) -> str:
    return "allow" if verdict.allowed else "deny"


def _view(verdict: Verdict, policy: Policy) -> dict[str, Any]:
    return {
        "verdict": _word(verdict),
        "reason": verdict.reason,
        "command": verdict.command if verdict.allowed else None,
        "profile": str(policy.profile),
    }


def _details(args: Namespace, verdict: Verdict) -> dict[str, Any]:
    if args.action != "explain":
        return {}
    steps = [
        {
            "words": list(step.words),
            "redirects": list(step.redirects),
            "allowed": step.allowed,
            "why": step.why,
        }
        for step in verdict.steps
    ]
    return {"steps": steps}


def _explain(verdict: Verdict) -> None:
    for step in verdict.steps:
        print(" ".join(map(one_line, step.words)) or "(no program)")
        for redirect in step.redirects:
            print(f"    {one_line(redirect)}")
        print(f"    {'allowed' if step.allowed else 'denied'}: {one_line(step.why)}")
    print(f"{_word(verdict)}: {one_line(verdict.reason)}")
    if verdict.allowed:
        print("runs as:")
        print(plain(verdict.command))


def _answer_lines(policy: Policy) -> int:
    """Whatever a line holds, it gets an answer."""
    stream = sys.stdin.buffer
    while line := stream.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE + 1)
            answer = _denied("the line is longer than 1 MiB")
        else:
            answer = _answer(policy, line)
        text = harmless_json(json.dumps(answer, ensure_ascii=False))
        print(text, flush=True)
    return 0


def _answer(policy: Policy, line: bytes) -> dict[str, str]:
    try:
        asked = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return _denied('the line is no JSON object; send {"cmd": "..."}')
    command = asked.get("cmd") if isinstance(asked, dict) else None
    if not isinstance(command, str):
        return _denied('the object has no text "cmd"; send {"cmd": "..."}')
    verdict = policy.check(command)
    return {"verdict": _word(verdict), "reason": verdict.reason}


def _denied(reason: str) -> dict[str, str]:
    return {"verdict": "deny", "reason": reason}
