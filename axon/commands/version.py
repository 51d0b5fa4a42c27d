"""Show the versions of axon, of Python and of what the archive carries."""

import hashlib
import platform
from argparse import ArgumentParser, Namespace
from typing import Any

from axon import __version__, resources
from axon.commands import add_json, print_json
from axon.core.terminal import one_line
from axon.errors import UsageError

NEEDS_CONFIG = False  # must work where nothing else does


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--verify",
        action="store_true",
        help="check the file, and the engine unpacked from it, against the sums of the build",
    )
    add_json(parser)


def run(args: Namespace) -> int:
    if args.verify:
        return _verify(args)
    facts = versions()
    if args.json:
        print_json(facts)
        return 0
    print(f"axon {facts['version']}")
    print(f"python {facts['python']} ({facts['target']})")
    if facts["flavour"]:
        print(f"archive {facts['archive']}: {facts['flavour']}, for {', '.join(facts['targets'])}")
    if facts["sdk_version"]:
        print(f"claude-agent-sdk {facts['sdk_version']}")
    if facts["cli_version"]:
        print(f"Claude Code {facts['cli_version']}")
    return 0


def _verify(args: Namespace) -> int:
    """Exit code 1 and a line for each thing that is not as it was built."""
    from axon.config import load_config
    from axon.engines import vendor

    archive = resources.archive_path()
    if archive is None:
        raise UsageError("this axon is no archive and carries no sums; run axon.pyz itself")
    config = load_config(args)
    roots = vendor.cache_roots(config.environ, config.cache_dir)
    faults = [*resources.damage(), *vendor.damage(roots)]
    with open(archive, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if args.json:
        facts = {"archive": str(archive), "sha256": sha256, "whole": not faults}
        print_json({**facts, "faults": faults})
        return 1 if faults else 0
    for fault in faults:
        print(one_line(fault))
    if not faults:
        print("whole: the file and what was unpacked are as they were built")
    print(f"sha256 {sha256}  {one_line(str(archive))}")
    return 1 if faults else 0


def versions() -> dict[str, Any]:
    """What `--json` prints; empty where this axon carries none."""
    info = resources.build_info()
    carries_sdk = info is not None and info.flavour != "core"
    return {
        "version": __version__,
        "python": platform.python_version(),
        "target": resources.this_target(),
        "archive": str(resources.archive_path() or ""),
        "flavour": info.flavour if info else "",
        "targets": sorted(info.targets) if info else [],
        "sdk_version": info.sdk_version if info and carries_sdk else "",
        "cli_version": info.cli_version if info else "",
    }
