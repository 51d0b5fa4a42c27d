"""Show every setting, its value in force, and where that came from."""

from argparse import ArgumentParser, Namespace
from typing import Any

from axon.commands import add_json, print_json
from axon.config import Config
from axon.core.terminal import one_line
from axon.security.masking import shown_settings


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--show-secrets", action="store_true", help="print credentials as they are")
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    entries = shown_settings(config, show_secrets=args.show_secrets)
    if args.json:
        print_json(entries)
        return 0
    wide = max(len(entry["key"]) for entry in entries)
    for entry in entries:
        said = one_line(_said(entry["value"]))
        print(f"{entry['key']:<{wide}}  {said}  ({entry['origin']})")
    return 0


def _said(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={said}" for name, said in value.items())
    return str(value)
