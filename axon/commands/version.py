"""Show the versions of axon, of Python and of what the archive carries."""

import platform
from argparse import ArgumentParser, Namespace
from typing import Any

from axon import __version__, resources
from axon.commands import add_json, print_json

NEEDS_CONFIG = False  # must work where nothing else does


def configure(parser: ArgumentParser) -> None:
    add_json(parser)


def run(args: Namespace) -> int:
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
