"""Check that everything a run needs is there and works; or pack what a bug report needs."""

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axon import __version__
from axon.commands import add_json, add_ledger, add_trust, add_unsafe, print_json
from axon.config import Config
from axon.core.terminal import one_line
from axon.errors import AxonError, EngineError, UsageError
from axon.monitoring.health.books import ledger_here
from axon.monitoring.health.check import Check, CheckState, look_all
from axon.security.trust import allowed_only

if TYPE_CHECKING:
    from axon.security.sandbox import Containment

UNUSABLE = EngineError.exit_code
SIGNS = {
    CheckState.OK: "ok  ",
    CheckState.WARN: "warn",
    CheckState.FAIL: "FAIL",
    CheckState.SKIPPED: "-   ",
}


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--deep", action="store_true", help="also ask the model for one word, as a run would"
    )
    parser.add_argument(
        "--fast", action="store_true", help="only what takes no time: what comes before each run"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 when there are warnings")
    parser.add_argument(
        "--repair", action="store_true", help="give back what dead runs and ended leases hold"
    )
    parser.add_argument(
        "--bundle", metavar="FILE", help="write an archive for a bug report, without secrets"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE when it is there")
    add_ledger(parser)
    add_unsafe(parser)
    add_trust(parser)
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    from axon.team.health import all_probes
    from axon.team.processes import become_subreaper, end_descendants

    if args.deep and args.fast:
        raise UsageError("--deep and --fast exclude each other; leave one out")
    _refuse_taken(args)
    effective, ignored = allowed_only(config)
    effective = replace(effective, workers=effective.workers or 1)
    if args.repair:
        _repair(effective)
    for notice in ignored:
        _say(notice)
    shown = _silent if args.json else _show
    _convert_ledger(effective)
    kept: list[Containment] = []
    probes = all_probes(effective, _say, kept, deep=args.deep, fast=args.fast)
    become_subreaper()
    try:
        checks = look_all(probes, shown)
    except KeyboardInterrupt:  # at once: checks that still run would start more programs
        end_descendants(os.getpid())
        os._exit(130)
    end_descendants(os.getpid())  # of those that took too long
    view = health_view(checks, kept[0] if kept else None)
    if args.json:
        print_json(view)
    else:
        _show_sum(checks, view)
    if args.bundle:
        _pack(args, effective, view)
    return _code(checks, strict=args.strict)


def _convert_ledger(config: Config) -> None:
    """One of an older axon is converted by whoever opens it first, who must be alone with it."""
    with suppress(AxonError):  # a check will say so
        if (ledger := ledger_here(config)) is not None:
            ledger.close()


def health_view(checks: list[Check], contained: "Containment | None") -> dict[str, Any]:
    """The stable JSON form."""
    return {
        "ok": all(check.state is not CheckState.FAIL for check in checks),
        "checks": [check.view for check in checks],
        "containment": asdict(contained) if contained else None,
        "version": __version__,
        "at": time.time(),
    }


def _code(checks: list[Check], *, strict: bool) -> int:
    states = {check.state for check in checks}
    if CheckState.FAIL in states:
        return UNUSABLE
    return 1 if strict and CheckState.WARN in states else 0


def _show(check: Check) -> None:
    print(f"{SIGNS[check.state]} {check.name:<12} {one_line(check.reason)}", flush=True)
    if check.fix:
        print(f"{'':17} {one_line(check.fix)}", flush=True)


def _silent(check: Check) -> None:
    pass


def _show_sum(checks: list[Check], view: dict[str, Any]) -> None:
    if view["containment"]:
        for word, key in (("contained", "contains"), ("not contained", "does_not_contain")):
            for text in view["containment"][key]:
                print(f"  {word}: {text}")
    failures = sum(check.state is CheckState.FAIL for check in checks)
    warnings = sum(check.state is CheckState.WARN for check in checks)
    words = "a run would not work" if failures else "a run would work"
    print(f"{words}; failures: {failures}, warnings: {warnings}")


def _say(line: str) -> None:
    print(f"axon: {line}", file=sys.stderr, flush=True)


def _repair(config: Config) -> None:
    """One beat of what a run does by itself."""
    from functools import partial

    from axon.monitoring.heartbeat import Heartbeat
    from axon.team.recovery import exists, recover

    ledger = ledger_here(config)
    if ledger is None:
        return
    with closing(ledger):
        mend = partial(recover, seconds=0.0)
        for concern in Heartbeat.of(config, ledger, exists, mend).beat(time.time()):
            if concern.mended:
                _say(f"mended: {concern.what}")


def _refuse_taken(args: Namespace) -> None:
    """Before anything that takes time."""
    if args.bundle and not args.force and Path(args.bundle).exists():
        raise UsageError(f"{args.bundle} is there already; choose another name, or say --force")


def _pack(args: Namespace, config: Config, view: dict[str, Any]) -> None:
    from axon.commands import write_bytes
    from axon.monitoring.diagnostics import packed

    path = Path(args.bundle)
    data = packed(config, view, time.time())
    write_bytes(path, [data], replace=args.force, mode=0o600)
    say: Callable[[str], None] = _say if args.json else print
    say(f"wrote {path} ({max(1, len(data) >> 10)} KiB); look into it before you send it")
