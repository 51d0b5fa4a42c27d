"""README shows `axon --help` as it is; run as a program (make docs) this writes it there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
START = "<!-- axon --help, written by make docs -->\n```text\n"
END = "```\n<!-- end of axon --help -->"


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


def test_readme_shows_the_help_as_it_is() -> None:
    if not README.exists():
        pytest.skip("there is no README here")
    readme = README.read_text("utf-8")
    assert readme == with_help(readme), "run make docs"


if __name__ == "__main__":
    README.write_text(with_help(README.read_text("utf-8")), "utf-8")
