"""The page as files: small, readable, nothing minified, markup only where it is escaped."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "static"
FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]


def test_the_whole_page_is_light() -> None:
    weight = sum(len(gzip.compress(path.read_bytes(), 6)) for path in FILES)
    assert weight < 100 * 1024, f"{weight} bytes"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(STATIC)))
def test_a_file_is_short(path: Path) -> None:
    if path.suffix != ".png":
        assert len(path.read_text().splitlines()) <= 150


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(STATIC)))
def test_a_script_keeps_to_the_rules(path: Path) -> None:
    text = path.read_text()
    name = str(path.relative_to(STATIC))
    if name not in ("boot.js", "sw.js"):
        assert text.startswith("// @ts-check\n// "), "each file says what it is for"
    if name != "lib/patch.js":
        assert not re.search(r"(inner|outer)HTML|insertAdjacentHTML|document\.write", text)
    if name not in ("lib/api.js", "sw.js"):
        assert not re.search(r"\bfetch\(|new EventSource|XMLHttpRequest", text)
    assert not re.search(
        r"\beval\(|new Function|(?<!data-)style=\"|\bon\w+=\"|https?://(?!\")", text
    ) or (name == "lib/markdown.js")
    for wanted in re.findall(r"(?:from|import) \"(\.[^\"]+)\"", text):
        assert (path.parent / wanted).resolve().is_file(), wanted
    if name.startswith("components/"):
        assert f'customElements.define("{path.stem}"' in text, "one element a file, of its name"


def test_what_the_page_names_is_there() -> None:
    index = (STATIC / "index.html").read_text()
    for name in re.findall(r"(?:src|href)=\"([^\"]+)\"", index):
        assert (STATIC / name).is_file(), name
    for sheet in (STATIC / "css").iterdir():
        assert f'href="css/{sheet.name}"' in index


def test_the_pure_parts() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: apt-get install nodejs")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    old = int(version.stdout[1:].partition(".")[0]) < 22  # does not see by itself what is a module
    words = ["--experimental-default-type=module"] if old else []
    tests = sorted(str(path) for path in (ROOT / "tests" / "ui").glob("*.test.js"))
    done = subprocess.run(
        [node, *words, "--test", *tests], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
