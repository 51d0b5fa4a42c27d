"""Who is there for a session: the fewest tools, the right model, and what a project may change."""

import json
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from axon.agents.bundled import BUILT_IN, DELEGATE, SUBAGENTS, TALK, THE_ORCHESTRATOR, talk
from axon.agents.frontmatter import parse
from axon.agents.overrides import Overrides, candidates, load_overrides
from axon.agents.roster import agents_for, orchestrator, roster
from axon.cli import main
from axon.config import Config, load_config
from axon.errors import UsageError
from axon.mcp.config import resolved, servers_of

NAMES = [
    "task", "coding", "reviewer", "telegram", "devops", "testing", "security", "research",
    "planner",
]  # fmt: skip
TELEGRAM = '[mcp.telegram]\nurl = "https://telegram.example/mcp"\nagents = ["telegram"]\n'
DOCS = "---\nname: docs\ndescription: Writes the manual.\ntools: Read, Edit\n---\nWrite it.\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own folder, and nothing of the tester's."""
    for name in os.environ:
        if name.startswith(("AXON_", "ANTHROPIC_", "XDG_", "MCP_", "TELEGRAM_")) or name.endswith(
            "_MODEL"
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return root


def load(root: Path, **flags: Any) -> Config:
    return load_config(Namespace(**flags), root)


def put(root: Path, name: str, text: str | bytes) -> Path:
    path = root / ".axon" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# ── axon's own ──


def test_the_nine_and_their_orchestrator(project: Path) -> None:
    (project / "axon.toml").write_text(TELEGRAM)
    config = load(project)
    assert [agent.name for agent in agents_for(config)] == NAMES
    assert orchestrator(config).name == "orchestrator"
    for agent in (THE_ORCHESTRATOR, *SUBAGENTS):
        assert 40 < len(agent.description) < 300 and "\n" not in agent.description
        assert set(agent.tools) <= {*BUILT_IN, DELEGATE, *talk(*TALK)}
        assert len(set(agent.tools)) == len(agent.tools)


def test_each_has_the_fewest_tools() -> None:
    tools = {agent.name: set(agent.tools) for agent in (THE_ORCHESTRATOR, *SUBAGENTS)}
    pen, web = {"Write", "Edit", "NotebookEdit"}, {"WebFetch", "WebSearch"}
    assert {name for name in tools if pen & tools[name]} == {"coding", "devops", "testing"}
    assert {name for name in tools if "Bash" in tools[name]} == {
        "orchestrator", "coding", "devops", "testing", "security",
    }  # fmt: skip
    assert {name for name in tools if DELEGATE in tools[name]} == {"orchestrator"}
    for name, found in tools.items():
        assert not (found & web and found & {"Bash", *pen}), f"a web page could act through {name}"
        assert name == "orchestrator" or not set(talk("ask_person", "transition")) & found


def test_models_are_those_of_the_settings(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODING_AGENT_MODEL", "opus")
    monkeypatch.setenv("ORCHESTRATOR_MODEL", "claude-haiku-4-5")
    (project / "axon.toml").write_text('[agents.testing]\nmodel = "haiku"\n')
    config = load(project)
    models = {agent.name: agent.model for agent in agents_for(config)}
    assert (models["coding"], models["testing"], models["task"]) == ("opus", "haiku", "")
    assert orchestrator(config).model == "claude-haiku-4-5"
    assert orchestrator(load(project.parent)).model == "claude-haiku-4-5"


def test_who_has_no_service_is_left_out_and_that_is_said(project: Path) -> None:
    found = roster(load(project))
    assert [agent.name for agent in found.agents] == [n for n in NAMES if n != "telegram"]
    assert any("telegram is left out" in notice for notice in found.notices)
    assert "telegram" not in found.orchestrator.prompt


def test_a_person_may_name_the_server_for_telegram(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TELEGRAM_MCP_URL", "http://127.0.0.1:9/mcp")
    assert main(["agents", "--json"]) == 0
    tools = {a["name"]: a["tools"] for a in json.loads(capsys.readouterr().out)["agents"]}
    assert "mcp__telegram" in tools["telegram"]
    assert [name for name, found in tools.items() if "mcp__telegram" in found] == ["telegram"]
    (server,) = servers_of(load(project))
    assert (server.url, server.headers) == ("http://127.0.0.1:9/mcp", {})
    monkeypatch.setenv("MCP_API_KEY", "k-0123456789")
    (server,) = servers_of(load(project))
    assert resolved(server, os.environ, {}).headers == {"Authorization": "Bearer k-0123456789"}


# ── a project's own ──


def test_a_project_changes_and_adds_agents_when_it_may(project: Path) -> None:
    put(project, "agents/docs.md", DOCS)
    put(project, "agents/coding.md", '---\nname: coding\nmodel: "opus"\ncolor: red\n---\n')
    put(project, "agents/look.md", "---\nname: look\ndescription: Looks.\n---\nLook.")
    put(project, "prompts/testing.md", "Test it. $house_rules")
    refused = load_overrides(load(project))
    assert not refused.agents and not refused.prompts and len(refused.notices) == 4
    assert all("\n" not in n and "axon trust" in n for n in refused.notices)

    config = load(project, trust=True)
    found = roster(config, load_overrides(config))
    agents = {agent.name: agent for agent in found.agents}
    assert (agents["docs"].tools, agents["docs"].prompt) == (("Read", "Edit"), "Write it.")
    assert agents["look"].tools == ("Read", "Glob", "Grep"), "without a list it may look"
    ours = {agent.name: agent for agent in agents_for(config)}
    assert agents["coding"].model == "opus" and agents["coding"].prompt == ours["coding"].prompt
    assert agents["coding"].tools == ours["coding"].tools
    assert agents["testing"].prompt.startswith("Test it. - Claim only")
    assert "`docs`" in found.orchestrator.prompt
    assert [found.origins[name] for name in ("docs", "testing", "coding", "task")] == [
        ".axon/agents/docs.md", ".axon/prompts/testing.md", ".axon/agents/coding.md", "axon",
    ]  # fmt: skip


def test_the_orchestrator_and_telegram_may_be_a_projects_own(project: Path) -> None:
    texts = {
        "orchestrator": "---\nname: orchestrator\ntools: Agent, Read\n---\nLead.",
        "telegram": "---\nname: telegram\ntools: mcp__chat__send\n---\n",
    }
    own = {name: parse(text, name) for name, text in texts.items()}
    found = roster(load(project), Overrides(agents=own))
    assert (found.orchestrator.tools, found.orchestrator.prompt) == (("Agent", "Read"), "Lead.")
    assert [a.tools for a in found.agents if a.name == "telegram"] == [("mcp__chat__send",)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Just a prompt.", "must begin with front matter"),
        ("", "must begin with front matter"),
        ("---\nname: a\n", "does not end"),
        ("---\nname: b\n---\nx", "its name is 'b', so the file must be b.md"),
        ("---\ndescription: x\n---\nx", "it needs a name"),
        ("---\nname: A b\n---\nx", "it needs a name"),
        ("---\nname: a\ntols: Read\n---\nx", "line 3: unknown key 'tols'; did you mean tools?"),
        ("---\nname: a\nmcpServers: x\n---\nx", "unknown key 'mcpServers'; use name, description"),
        ("---\nname: a\nname: a\n---\nx", "line 3: name stands there twice"),
        ("---\nname: a\ndescription: >\n  long\n---\nx", "only plain values"),
        ("---\nname: a\n  nested: x\n---\nx", "line 3 is no `key: value`"),
        ("---\nname: a\ntools:\n- Read\n---\nx", "line 4 is no `key: value`"),
        ("---\nname: a\ntools: Reed\n---\nx", "unknown tool 'Reed'; did you mean Read?"),
        ("---\nname: a\ntools: Bash(git *)\n---\nx", r"unknown tool 'Bash\(git \*\)'"),
        ("---\nname: a\ntools: Read, Agent\n---\nx", "only the orchestrator has Agent"),
        ("---\nname: a\ntools: mcp__axon__land\n---\nx", "unknown tool 'mcp__axon__land'"),
        ("---\nname: a\nmodel: gpt\n---\nx", r"unknown model 'gpt' \(or inherit\)"),
        (f"---\nname: a\ndescription: {'x' * 300}\n---\nx", "has 300 characters; 299 are the most"),
        ("---\nname: a\ndescription: x\n---\n \n", "a new agent needs a description, and a prompt"),
        ("---\nname: a\n---\nx", "a new agent needs a description, and a prompt"),
        (b"---\nname: a\ndescription: \xff\n---\nx", "it is not UTF-8 text"),
        ("---\nname: a\ndescription: x\n---\n" + "é" * 40_000, "it has more than 64 KiB"),
    ],
)
def test_a_file_is_read_strictly(project: Path, text: str | bytes, problem: str) -> None:
    put(project, "agents/a.md", text)
    with pytest.raises(UsageError, match=problem) as caught:
        load_overrides(load(project, trust=True))
    assert str(caught.value).startswith(".axon/agents/a.md: ") and "\n" not in str(caught.value)
    assert load_overrides(load(project)).agents == {}, "what is not allowed cannot stop a run"


def test_front_matter_is_as_claude_code_writes_it() -> None:
    text = (
        "\ufeff---\r\n# ours\r\nname: a\r\ndescription: 'Use it: often'\r\n\r\n"
        'tools: [Read, "Grep", mcp__play-wright, mcp__x__do]\r\n'
        "model: inherit\r\n---\r\n\r\nDo.\r\n"
    )
    found = parse(text, "a")
    assert (found.description, found.prompt, found.model) == ("Use it: often", "Do.", "")
    assert found.tools == ("Read", "Grep", "mcp__play-wright", "mcp__x__do")
    assert parse("---\nname: a\ntools:\n---\nx", "a").tools == ()


def test_prompts_are_checked_too(project: Path) -> None:
    put(project, "prompts/coding.md", "Work on $nothing")
    with pytest.raises(UsageError, match=r"^\.axon/prompts/coding\.md: \$nothing is never filled"):
        load_overrides(load(project, trust=True))


def test_links_pipes_and_folders_are_said_and_ignored(project: Path) -> None:
    put(project, "agents/docs.md", DOCS)
    folder = project / ".axon" / "agents"
    (folder / "link.md").symlink_to(folder / "docs.md")
    os.mkfifo(folder / "pipe.md")
    (folder / "folder.md").mkdir()
    (folder / "notes.txt").write_text("no agent")
    (folder / ".hidden.md").write_text("no agent")
    items, problems = candidates(project)
    assert [item.name for item in items] == [".axon/agents/docs.md"]
    assert len(problems) == 3 and all("is ignored" in problem for problem in problems)
    config = load(project, trust=True)
    assert set(load_overrides(config).agents) == {"docs"}
    for number in range(201):
        put(project, f"prompts/p{number}.md", "x")
    with pytest.raises(UsageError, match="has 201 files; 200 are the most"):
        candidates(project)


# ── the command ──


def test_agents_are_listed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(project, "agents/docs.md", DOCS)
    assert main(["agents"]) == 0
    shown = capsys.readouterr()
    assert "coding  inherit  from axon\n" in shown.out and "docs" not in shown.out
    assert "axon: .axon/agents/docs.md is not allowed and ignored" in shown.err
    assert "axon: agent telegram is left out" in shown.err

    assert main(["agents", "--json", "--trust"]) == 0
    found = json.loads(capsys.readouterr().out)
    agents = {agent["name"]: agent for agent in found["agents"]}
    assert list(agents)[0] == "orchestrator" and agents["orchestrator"]["model"] == "sonnet"
    assert agents["docs"] == {
        "name": "docs",
        "model": "inherit",
        "tools": ["Read", "Edit"],
        "origin": ".axon/agents/docs.md",
        "description": "Writes the manual.",
    }
    assert all("docs" not in notice for notice in found["notices"])


def test_tools_of_servers_are_listed_with_who_may_use_them(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "axon.toml").write_text(TELEGRAM)
    assert main(["agents", "--json", "--trust"]) == 0
    tools = {a["name"]: a["tools"] for a in json.loads(capsys.readouterr().out)["agents"]}
    assert "mcp__telegram" in tools["telegram"] and "mcp__telegram" not in tools["coding"]
    assert main(["agents", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "telegram" not in {agent["name"] for agent in found["agents"]}
    assert any(notice.startswith("axon.toml [mcp] is not allowed") for notice in found["notices"])
