"""What may widen what agents do takes effect only as a person has seen and allowed it."""

import json
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from axon.cli import main
from axon.config import Config, load_config
from axon.errors import UsageError
from axon.security.trust import Item, Trust, allowed_only

ROOT = Path(__file__).resolve().parent.parent
DOCS = "---\nname: docs\ndescription: Writes the manual.\ntools: Read, Edit\n---\nWrite it.\n"
SERVER = '[mcp.web]\ncommand = "npx"\nargs = ["playwright"]\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ:
        if name.startswith(("AXON_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / ".axon" / "agents").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


def load(root: Path, **flags: Any) -> Config:
    return load_config(Namespace(**flags), root)


def item(text: str = "x", name: str = ".axon/agents/docs.md") -> Item:
    return Item(name=name, text=text)


def put(root: Path, text: str) -> None:
    (root / ".axon" / "agents" / "docs.md").write_text(text)


def state(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    assert main(["trust", "--list", "--json"]) == 0
    return {view["name"]: view["state"] for view in json.loads(capsys.readouterr().out)}


# ── the list ──


def test_only_this_text_in_this_project_is_allowed(project: Path) -> None:
    trust = Trust.of(load(project))
    assert not trust.is_trusted(item())
    trust.allow([item()], 1.0)
    assert trust.is_trusted(item())
    assert not trust.is_trusted(item("y")) and not trust.is_trusted(item(name="other.md"))
    assert trust.allowed_text(item().name) == "x" and trust.allowed_text("other.md") is None
    other = project.parent / "other"
    other.mkdir()
    assert not Trust.of(load(other)).is_trusted(item())
    trust.allow([item("y")], 2.0)
    assert trust.is_trusted(item("y")) and not trust.is_trusted(item()), "one text a name"
    trust.forget([item().name])
    assert not trust.is_trusted(item("y"))


def test_a_project_is_known_by_where_it_really_is(project: Path) -> None:
    Trust.of(load(project)).allow([item()], 1.0)
    (project.parent / "link").symlink_to(project)
    assert Trust.of(load(project.parent / "link")).is_trusted(item())


def test_the_list_is_the_persons_and_private(
    project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.umask(os.umask(0))  # whatever it is
    Trust.of(load(project)).allow([item()], 1.0)
    path = home / ".config" / "axon" / "trust.json"
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o077 == 0
    assert {entry.name for entry in path.parent.iterdir()} == {"trust.json", "trust.lock"}
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert Trust.of(load(project)).path == path
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    assert Trust.of(load(project)).path == home / "xdg" / "axon" / "trust.json"
    (project / ".env").write_text(f"XDG_CONFIG_HOME={project}\nHOME={project}\n")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert Trust.of(load(project)).path == path, "a project does not choose its judge"


def loose(path: Path) -> None:
    path.chmod(0o666)


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (loose, "can be written by others"),
        (link, "cannot read"),
        (lambda path: path.write_bytes(b"\xff{"), "is damaged; remove it"),
        (lambda path: path.write_bytes(b""), "is damaged; remove it"),
        (lambda path: path.write_text("[]"), "is damaged; remove it"),
        (lambda path: path.write_text('{"version": 1, "projects": {"x": 5}}'), "is damaged"),
        (lambda path: path.write_text('{"version": 2, "projects": {}}'), "is damaged"),
    ],
)
def test_a_list_that_cannot_be_relied_on_allows_nothing(
    project: Path, spoil: Callable[[Path], object], problem: str
) -> None:
    trust = Trust.of(load(project))
    trust.allow([item()], 1.0)
    spoil(trust.path)
    for use in (lambda: trust.is_trusted(item()), lambda: trust.allow([item("y")], 2.0)):
        with pytest.raises(UsageError, match=problem) as caught:
            use()
        assert "\n" not in str(caught.value)


def child(code: str, *words: str) -> "subprocess.Popen[str]":
    lines = (
        "import sys; from pathlib import Path; from axon.security.trust import *\n"
        "trust = Trust(path=Path(sys.argv[1]), project='/p')\n"
    )
    command = [sys.executable, "-c", lines + code, *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_two_at_once_forget_nothing(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    code = "for n in range(10): trust.allow([Item(name=f'{sys.argv[2]}{n}', text='x')], 1.0)"
    trust = Trust(path=path, project="/p")
    trust.allow([item()], 1.0)
    children = [child(code, str(path), name) for name in "abc"]
    while any(one.poll() is None for one in children):
        assert trust.is_trusted(item()), "a reader sees it whole"
    for one in children:
        one.communicate()
    assert [one.returncode for one in children] == [0, 0, 0]
    made = [f"{name}{n}" for name in "abc" for n in range(10)]
    assert trust.allowed_names() == tuple(sorted([item().name, *made]))


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    trust = Trust(path=tmp_path / "trust.json", project="/p")
    trust.allow([item("kept")], 1.0)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
        "try: trust.allow([Item(name='n', text='y' * 900)], 1.0)\n"
        "except UsageError as error: print(error)"
    )
    assert "nothing was allowed" in child(code, str(trust.path)).communicate()[0]
    assert trust.allowed_names() == (item().name,)
    trust.allow([item("more", name="m")], 2.0)
    assert trust.allowed_names() == (item().name, "m"), "what was left behind is in nobody's way"


# ── settings ──


def test_servers_of_the_project_wait_for_a_person(project: Path) -> None:
    (project / "axon.toml").write_text(f"[team]\nworkers = 3\n{SERVER}")
    config, notices = allowed_only(load(project))
    assert (config.servers, config.workers) == ({}, 3)
    assert [n.partition(" is not allowed")[0] for n in notices] == ["axon.toml [mcp]"]
    config, notices = allowed_only(load(project, trust=True))
    assert set(config.servers) == {"web"} and notices == ()

    assert main(["trust", "--yes"]) == 0
    config, notices = allowed_only(load(project))
    assert set(config.servers) == {"web"} and notices == ()
    (project / "axon.toml").write_text(f"[team]\nworkers = 4\n{SERVER}")
    assert allowed_only(load(project))[0].servers, "other settings are no matter of trust"
    (project / "axon.toml").write_text(SERVER.replace("playwright", "evil"))
    assert allowed_only(load(project))[0].servers == {}


# ── the command ──


def test_what_is_allowed_is_shown_and_asked_again_when_it_changes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, DOCS)
    assert state(capsys) == {".axon/agents/docs.md": "new"}
    assert main(["trust", "--yes"]) == 0
    shown = capsys.readouterr().out
    assert "new: .axon/agents/docs.md" in shown and "adds agent docs with tools Read" in shown
    assert "  | Write it." in shown and shown.endswith("1 allowed\n")
    assert state(capsys) == {".axon/agents/docs.md": "allowed"}
    assert main(["trust", "--yes"]) == 0
    assert capsys.readouterr().out == "nothing new to allow\n"

    put(project, DOCS.replace("Read, Edit", "Read, Edit, Bash"))
    assert state(capsys) == {".axon/agents/docs.md": "changed"}
    assert main(["trust", "--yes"]) == 0
    shown = capsys.readouterr().out
    assert "  -tools: Read, Edit\n  +tools: Read, Edit, Bash\n" in shown
    assert main(["trust", "--revoke", ".axon/agents/docs.md"]) == 0
    assert state(capsys) == {".axon/agents/docs.md": "new"}
    assert main(["trust", "--revoke", ".axon/agents/docs.md"]) == 3


def test_what_a_change_of_ours_widens_is_said(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project / ".axon"
    text = "---\nname: reviewer\ntools: Read, Bash\nmodel: opus\n---\nBe quick.\n"
    (folder / "agents" / "reviewer.md").write_text(text)
    (folder / "prompts").mkdir()
    (folder / "prompts" / "coding.md").write_text("Code.")
    (project / "axon.toml").write_text(SERVER)
    capsys.readouterr()
    assert main(["trust", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        "new      .axon/agents/reviewer.md  changes agent reviewer; adds Bash;"
    )
    assert "takes away Glob, Grep" in lines[0] and "own prompt; model opus" in lines[0]
    assert lines[1] == "new      .axon/prompts/coding.md  replaces the prompt coding"
    assert lines[2].startswith("new      axon.toml [mcp]  ")


def test_nobody_there_means_no(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(project, DOCS)
    assert main(["trust"]) == 2
    assert "nobody is there to ask" in capsys.readouterr().err
    assert state(capsys) == {".axon/agents/docs.md": "new"}


def test_only_the_named_files_are_allowed(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(project, DOCS)
    other = project / ".axon" / "agents" / "other.md"
    other.write_text(DOCS.replace("docs", "other"))
    monkeypatch.chdir(other.parent)
    (project / ".git").mkdir()
    assert main(["trust", "--yes", "other.md"]) == 0
    assert state(capsys) == {".axon/agents/docs.md": "new", ".axon/agents/other.md": "allowed"}
    assert main(["trust", "--yes", "none.md"]) == 3
    assert "none.md is nothing that needs to be allowed" in capsys.readouterr().err


def test_what_could_not_be_used_cannot_be_allowed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, "no front matter")
    assert main(["trust", "--yes"]) == 2
    assert ".axon/agents/docs.md: it must begin with front matter" in capsys.readouterr().err
    assert main(["trust", "--list"]) == 0
    assert "cannot be used: it must begin" in capsys.readouterr().out


def test_a_file_cannot_paint_over_what_it_says(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, DOCS + "evil\x1b[1A\x1b[2Kgood\rhidden\u202e")
    assert main(["trust", "--yes"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\r" not in shown and "\u202e" not in shown and "evil" in shown


def test_trust_is_no_setting_of_the_project(project: Path) -> None:
    (project / "axon.toml").write_text("[trust]\nall = true\n")
    with pytest.raises(UsageError, match=r"unknown key trust\.all"):
        load(project)
