"""The policy where it holds: the real agent CLI asks before each tool, and is told why not."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.engines import Denial
from axon.engines.claude.engine import ClaudeEngine
from axon.engines.claude.hooks import policy_of
from axon.security.policy import Profile
from axon.security.sandbox import Place, Sandbox
from tests.test_engine_claude import Stage, bundled_cli, calls


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    found = Stage(tmp_path, ClaudeEngine(bundled_cli()))
    yield found
    for process in found.processes:
        process.kill()
        process.communicate()


def run(stage: Stage, *tools: tuple[str, dict[str, Any]], **more: Any) -> list[Denial]:
    """Play one turn per tool call; what was denied."""
    stage.play(*(calls(name, **given) for name, given in tools), {"text": "Done."})
    denials: list[Denial] = []
    result = stage.run(
        tools=("Bash", "Read", "Write", "Edit", "Glob", "Grep"), denied=denials.append, **more
    )
    assert result.fault is None, result
    return denials


def bash(command: str) -> tuple[str, dict[str, Any]]:
    return "Bash", {"command": command, "description": "work"}


def test_what_is_allowed_runs_as_it_was_judged(stage: Stage) -> None:
    denials = run(
        stage,
        bash("echo \"$(cat <<'EOF'\na 'b' $HOME\nEOF\n)\" > out.txt; cat out.txt"),
        bash("printf '%s|' a 'b  c' \\$x $'\\t' > words"),
    )
    assert denials == []
    work = stage.folder / "work"
    assert (work / "out.txt").read_text() == "a 'b' $HOME\n"
    assert (work / "words").read_text() == "a|b  c|$x|\t|"


def test_a_denial_reaches_the_model_with_its_reason_and_nothing_runs(stage: Stage) -> None:
    work = stage.folder / "work"
    denials = run(
        stage,
        bash("echo made > before; git push --force; echo made > after"),
        bash("echo made > ../outside"),
        bash('python -c \'open("x", "w")\''),
    )
    assert [denial.tool for denial in denials] == ["Bash"] * 3
    assert not list(work.iterdir()) and not (stage.folder / "outside").exists()
    told = stage.results()
    for reason in ("the runner's", "outside the workspace", "not on the list", "another way"):
        assert reason in told, told


def test_a_session_inside_a_containment_has_the_free_profile(stage: Stage) -> None:
    outside = stage.request()
    place = Place(workspace=outside.cwd, home=outside.home, temporary=outside.temporary)
    inside = replace(outside, contained=Sandbox(tier="landlock").at(place))
    assert policy_of(outside).profile is Profile.STRICT
    assert policy_of(inside).profile is Profile.CONTAINED


def test_every_file_tool_is_held_to_its_paths(stage: Stage) -> None:
    request = stage.request()
    work = request.cwd
    (work / ".env").write_text("TOKEN=the-secret-value")
    (work / "ok.txt").write_text("findme\n")
    (work / "link").symlink_to(stage.folder / "elsewhere")
    denials = run(
        stage,
        ("Read", {"file_path": str(work / ".env")}),
        ("Read", {"file_path": str(work / "ok.txt")}),
        ("Write", {"file_path": str(work / ".mcp.json"), "content": "{}"}),
        ("Write", {"file_path": str(work / "link"), "content": "{}"}),
        ("Write", {"file_path": str(stage.folder / "outside"), "content": "x"}),
        ("Write", {"file_path": str(work / ".CLAUDE/settings.json"), "content": "x"}),
        ("Edit", {"file_path": str(work / ".env"), "old_string": "T", "new_string": "U"}),
        ("Write", {"file_path": str(work / "new.txt"), "content": "written"}),
        ("Grep", {"pattern": "findme|the-secret", "path": str(work), "output_mode": "content"}),
        ("Grep", {"pattern": "the-secret", "path": str(work / ".env")}),
        ("Glob", {"pattern": "**/*.txt", "path": str(work)}),
    )
    assert [d.tool for d in denials] == ["Read", "Write", "Write", "Write", "Write", "Edit", "Grep"]
    assert (work / "new.txt").read_text() == "written"
    assert not (stage.folder / "elsewhere").exists()
    told = stage.results()
    assert "findme" in told and "ok.txt" in told
    assert "the-secret-value" not in told


def test_a_listener_that_fails_lets_nothing_through(stage: Stage) -> None:
    def fails(denial: Denial) -> None:
        raise OSError("no space left")

    stage.play(calls("Bash", command="echo x > ../outside", description="x"), {"text": "Done."})
    stage.run(denied=fails)
    assert not (stage.folder / "outside").exists()
    assert "outside the workspace" in json.dumps(stage.results())
