"""README shows the help and the settings as they are; as a program (make docs) this writes them."""

import os
import subprocess
import sys
from dataclasses import MISSING
from pathlib import Path

from axon.config import settings

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
START = "<!-- axon --help, written by make docs -->\n```text\n"
END = "```\n<!-- end of axon --help -->"
SETTINGS = ("<!-- settings, written by make docs -->\n", "<!-- end of settings -->")


def axon_help() -> str:
    environ = {"PATH": os.environ["PATH"], "COLUMNS": "88", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "axon", "--help"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=True)
    return done.stdout.decode()


def with_help(readme: str) -> str:
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise LookupError(f"README.md has no place for the help: {START}{END}")
    return f"{before}{START}{axon_help()}{END}{after}"


def settings_table() -> str:
    rows = ["| key | default | flag, variable | what |", "|---|---|---|---|"]
    for setting in settings():
        meta = setting.metadata
        default = setting.default if setting.default is not MISSING else {}
        shown = "" if default in (None, False, "", (), {}) else f"`{default}`"
        ways = [f"`--{meta['flag'].replace('_', '-')}`"] if meta["flag"] else []
        ways += [f"`{meta['env']}`"] if meta["env"] else []
        own = "(environment only)" if meta["env"] else "(command line only)"
        name = own if meta["own"] else f"`{meta['key']}`"
        rows.append(f"| {name} | {shown} | {' '.join(ways)} | {meta['doc']} |")
    return "\n".join(rows) + "\n"


def with_settings(readme: str) -> str:
    before, start, rest = readme.partition(SETTINGS[0])
    _, end, after = rest.partition(SETTINGS[1])
    assert start and end, f"README.md has no place for the settings: {SETTINGS}"
    return f"{before}{start}{settings_table()}{end}{after}"


def test_readme_shows_help_and_settings_as_they_are() -> None:
    readme = README.read_text("utf-8")
    assert readme == with_settings(with_help(readme)), "run make docs"


if __name__ == "__main__":
    README.write_text(with_settings(with_help(README.read_text("utf-8"))), "utf-8")
