"""Show every setting, its value in force, and where that came from."""

import re
from argparse import ArgumentParser, Namespace
from typing import Any

from axon.commands import add_json, print_json
from axon.config import CREDENTIALS, MODEL_VARIABLES, Config, settings
from axon.core.terminal import one_line
from axon.security.secrets import SECRET_NAME

PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+@")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--show-secrets", action="store_true", help="print credentials as they are")
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    entries = [*_settings(config, args.show_secrets), *_credentials(config, args.show_secrets)]
    if args.json:
        print_json(entries)
        return 0
    wide = max(len(entry["key"]) for entry in entries)
    for entry in entries:
        said = one_line(_said(entry["value"]))
        print(f"{entry['key']:<{wide}}  {said}  ({entry['origin']})")
    return 0


def _settings(config: Config, show_secrets: bool) -> list[dict[str, Any]]:
    entries = []
    for setting in settings():
        key = setting.metadata["key"]
        value = getattr(config, setting.name)
        if not show_secrets:
            value = "set" if setting.metadata["secret"] and value else _masked(value)
        entries.append({"key": key, "value": value, "origin": config.origins[key]})
    return entries


def _masked(value: Any) -> Any:
    """Without passwords in addresses, and without variables that are named as secrets."""
    if isinstance(value, str):
        return PASSWORD.sub(r"\1:***@", value)
    if isinstance(value, dict):
        return {name: "***" if SECRET_NAME.search(name) else v for name, v in value.items()}
    return value


def _credentials(config: Config, show_secrets: bool) -> list[dict[str, Any]]:
    """How axon finds its way to the model; these are never in axon.toml."""
    entries: list[dict[str, Any]] = []
    for name in MODEL_VARIABLES:
        value: str | None = config.environ.get(name)
        if value and not show_secrets:
            value = "set" if name in CREDENTIALS else _masked(value)
        origin = config.origins.get(name, "default")
        entries.append({"key": name, "value": value or None, "origin": origin})
    return entries


def _said(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={said}" for name, said in value.items())
    return str(value)
