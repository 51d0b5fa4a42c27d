"""Prepare a repository: its ledger, and a configuration that says what can be set."""

import json
from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import MISSING
from typing import Any

from axon.commands import (
    add_json,
    add_ledger,
    check_repository,
    ledger_of,
    make_state_dir,
    print_json,
)
from axon.config import Config, settings
from axon.errors import UsageError

HEAD = """\
# Settings of axon for this project; what is commented out has the value shown.
# `axon config` shows what is in force, and from where.
"""


def configure(parser: ArgumentParser) -> None:
    add_ledger(parser)
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    check_repository(config)
    make_state_dir(config)
    with closing(ledger_of(config, create=True)):
        written = _write_template(config)
    shown = config.ledger_url.partition("#")[0]
    if args.json:
        print_json({"root": str(config.root), "ledger": shown, "config": written})
        return 0
    print(f"ledger   {shown}")
    print(f"settings {config.root / 'axon.toml'}{'' if written else ' (left as it was)'}")
    print("next: set [gate] command in axon.toml, then axon task add TITLE, then axon team")
    return 0


def _write_template(config: Config) -> bool:
    """False when the project has an axon.toml already."""
    path = config.root / "axon.toml"
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        return False
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; make it writable") from None
    return True


def template() -> str:
    """Every setting a project may make, commented out: valid TOML before and after."""
    tables: dict[str, list[str]] = {}
    named = ""
    for setting in settings():
        if setting.metadata["own"]:
            continue
        table, _, name = setting.metadata["key"].partition(".")
        if not name:  # tables of the project's own naming
            named += f"\n# ([{table}.NAME]: {setting.metadata['doc']})\n"
            continue
        default = setting.default if setting.default is not MISSING else {}
        value = f"{name} = {_toml(default)}" if default is not None else f"({name}: not set)"
        tables.setdefault(table, []).append(f"# {value}  # {setting.metadata['doc']}")
    shown = (f"\n[{table}]\n" + "\n".join(lines) + "\n" for table, lines in tables.items())
    return HEAD + "".join(shown) + named


def _toml(default: Any) -> str:
    return json.dumps(list(default) if isinstance(default, tuple) else default)
