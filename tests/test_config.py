"""Settings: which source wins, where each value came from, and what is refused."""

import os
import tomllib
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from axon.commands.init import template
from axon.config import Config, find_root, load_config, settings
from axon.config.values import chat_ids, weekday
from axon.errors import UsageError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the tester's own."""
    for name in os.environ:
        if name.startswith(
            ("AXON_", "ANTHROPIC_", "CLAUDE_", "TASK_MCP", "MCP_", "GITHUB_", "TELEGRAM_")
        ):
            monkeypatch.delenv(name)


def load(root: Path, toml: str = "", dotenv: str = "", **flags: Any) -> Config:
    (root / "axon.toml").write_text(toml)
    (root / ".env").write_text(dotenv)
    return load_config(Namespace(**flags), root)


def refused(root: Path, toml: str = "", **flags: Any) -> str:
    with pytest.raises(UsageError) as caught:
        load(root, toml, **flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_project_without_any_file_has_defaults(tmp_path: Path) -> None:
    config = load_config(Namespace(), tmp_path)
    assert set(config.origins.values()) == {"default"}
    assert config.origins.keys() == {setting.metadata["key"] for setting in settings()}
    assert config.ledger_url == f"file:{tmp_path}/.axon/ledger.db"
    assert (config.team, config.workers, config.max_tasks) == ("ENG", 2, None)


def test_the_later_source_wins_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def value(toml: str = "", dotenv: str = "", **flags: Any) -> tuple[str, str]:
        config = load(tmp_path, toml, dotenv, **flags)
        return config.ledger, config.origins["ledger.url"]

    toml, dotenv = '[ledger]\nurl = "file:toml"', "export AXON_LEDGER='file:dotenv'"
    assert value() == ("", "default")
    assert value(toml) == ("file:toml", "axon.toml")
    assert value(toml, dotenv) == ("file:dotenv", ".env")
    monkeypatch.setenv("AXON_LEDGER", "file:environment")
    assert value(toml, dotenv) == ("file:environment", "AXON_LEDGER")
    assert value(toml, dotenv, ledger="file:flag") == ("file:flag", "--ledger")
    assert load(tmp_path, ledger="file:flag").ledger_url == "file:flag"
    monkeypatch.setenv("AXON_LEDGER", "")
    assert value(toml) == ("file:toml", "axon.toml"), "set but empty is as good as not set"


def test_where_the_way_to_the_model_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotenv = "ANTHROPIC_API_KEY=k2\nANTHROPIC_BASE_URL='http://x'\n# no\nbad\nPATH=/evil\n"
    config = load(tmp_path, dotenv=dotenv)
    assert config.environ["ANTHROPIC_BASE_URL"] == "http://x"
    assert config.origins["ANTHROPIC_API_KEY"] == config.origins["ANTHROPIC_BASE_URL"] == ".env"
    assert "ANTHROPIC_AUTH_TOKEN" not in config.origins
    assert config.environ["PATH"] == os.environ["PATH"]
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k1")
    config = load(tmp_path, dotenv="ANTHROPIC_API_KEY=k2\n")
    assert config.environ["ANTHROPIC_API_KEY"] == "k1"
    assert config.origins["ANTHROPIC_API_KEY"] == "environment"
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY comes from the environment and would"):
        load(tmp_path, dotenv=dotenv)


def test_a_task_server_is_told_apart_by_its_address_and_kept_from_others_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(tmp_path, dotenv="TASK_MCP_URL=https://tasks.example/mcp\nMCP_API_KEY=k-12345678")
    url, _, more = config.ledger_url.partition("#")
    assert url == "mcp+https://tasks.example/mcp" and config.mcp_key == "k-12345678"
    assert more.startswith("team=ENG&file=%2F") and "k-12345678" not in repr(config)
    other = load(tmp_path, ledger="mcp+https://other.example/mcp", team="OPS").ledger_url
    assert other.partition("file=")[2] != more.partition("file=")[2] and "#team=OPS&" in other
    assert load(tmp_path, ledger="file:x", dotenv="TASK_MCP_URL=http://x").ledger_url == "file:x"
    assert "unknown key mcp_api_key" in refused(tmp_path, 'mcp_api_key = "k"')
    monkeypatch.setenv("MCP_API_KEY", "mine-12345678")
    for toml, dotenv in (
        ('[ledger]\nurl = "mcp+https://evil.example/mcp"', ""),
        ('[ledger]\ntask_mcp_url = "https://evil.example/mcp"', ""),
        ("", "TASK_MCP_URL=https://evil.example/mcp\nMCP_API_KEY=theirs"),
    ):
        with pytest.raises(UsageError, match="MCP_API_KEY comes from the environment and would"):
            load(tmp_path, toml, dotenv)
    mine = load(tmp_path, toml, ledger="mcp+https://tasks.example/mcp")
    assert mine.mcp_key == "mine-12345678"


def test_a_repository_has_no_say_in_what_is_the_persons_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [s for s in settings() if s.metadata["own"] and not s.metadata["secret"]]
    assert own
    for setting in own:
        key, env = setting.metadata["key"], setting.metadata["env"]
        table, _, name = key.partition(".")
        assert f"unknown key {key}" in refused(tmp_path, f"[{table}]\n{name} = 'x'")
        if not env:  # a flag alone
            flags: dict[str, Any] = {setting.metadata["flag"]: True}
            config = load(tmp_path, **flags)
            flag = setting.metadata["flag"].replace("_", "-")
            assert config.origins[key] == f"--{flag}"
            continue
        assert load(tmp_path, dotenv=f"{env}=/x").origins[key] == "default"
        value = {"sandbox.tier": "landlock", "github.actors": "7"}.get(key, "/x")
        monkeypatch.setenv(env, value)
        config = load(tmp_path)
        found = (7,) if key == "github.actors" else value
        assert (getattr(config, setting.name), config.origins[key]) == (found, env)


def test_what_to_do_on_github_is_said_by_whose_token_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "GITHUB_REPO=o/n\nGITHUB_ISSUES_SYNC=true\nGITHUB_ACTORS=6, 7\n"
    told += "GITHUB_REVIEWERS=a, org/team\nGITHUB_BASE_BRANCH=next\n"

    mine = load(tmp_path, dotenv=f"{told}GITHUB_TOKEN=its-own-token")
    assert (mine.github_repo, mine.github_issues, mine.github_actors) == ("o/n", True, (6, 7))
    assert mine.github_reviewers == ("a", "org/team")

    monkeypatch.setenv("GITHUB_TOKEN", "a-persons-token")
    theirs = load(tmp_path, dotenv=f"{told}GITHUB_TOKEN=its-own-token")
    assert theirs.github_token == "a-persons-token"
    assert (theirs.github_repo, theirs.github_issues, theirs.github_actors) == ("", False, ())
    assert (theirs.github_reviewers, theirs.github_base) == ((), "next")
    monkeypatch.setenv("GITHUB_ISSUES_SYNC", "perhaps")
    with pytest.raises(UsageError, match="github.issues_sync .* must be true or false"):
        load(tmp_path)


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        [team]
        workers = 3
        max_tasks = 7
        [budget]
        usd = 2
        [workspace]
        copy = ["a", "b"]
        environment = { X = "1" }
        [limits]
        backoff_seconds = 0.5
        """,
        workers="5",
    )
    assert (config.workers, config.max_tasks, config.budget_usd) == (5, 7, 2.0)
    assert (config.copy, config.variables) == (("a", "b"), {"X": "1"})
    assert config.backoff_seconds == 0.5
    assert config.origins["team.workers"] == "--workers"


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (
            "[gate]\ncomand = 'x'",
            "unknown key gate.comand in axon.toml; did you mean gate.command?",
        ),
        ("zzzzqqqq = 1", "unknown key zzzzqqqq in axon.toml; see axon config"),
        ("gate = 'x'", "unknown key gate in axon.toml"),
        ("[team", "is not valid TOML"),
        ("[team]\nworkers = 'two'", "team.workers (axon.toml) is 'two'; it must be a whole number"),
        ("[team]\nworkers = 2.5", "it must be a whole number"),
        ("[team]\nworkers = true", "it must be a whole number"),
        ("[team]\nworkers = -1", "workers must be at least 0"),
        ("[team]\nworkers = 65", "workers must be at most 64"),
        (f"[team]\nmax_tasks = {10**30}", "it must be a whole number"),
        ("[team]\nmax_tasks = 0", "max tasks must be at least 1"),
        ("[team]\nmax_tasks = -1", "max tasks must be at least 1"),
        ("[budget]\nusd = nan", "it must be a number"),
        ("[budget]\nusd = inf", "it must be a number"),
        ("[budget]\nusd = 0", "budget usd must be more than 0"),
        ("[budget]\ntask_usd = -1", "max usd must be more than 0"),
        ("[limits]\nbackoff_seconds = -1", "backoff seconds must not be negative"),
        ("[gate]\nminutes = 0", "gate minutes must be more than 0"),
        ("[gate]\ncommand = 5", "gate.command (axon.toml) is 5; it must be a text"),
        ("[workspace]\ncopy = 'a'", "it must be a list of texts"),
        ("[workspace]\nenvironment = { X = 1 }", "it must be a table of texts"),
        ("[engine]\nname = 'gpt'", "unknown engine 'gpt'; use claude or command"),
        ("[engine]\nmodel = 'gpt'", "unknown model 'gpt'; use haiku, sonnet, opus"),
        ("[agents.coding]\nmodle = 'opus'", "did you mean agents.coding.model?"),
        ("[agents.cooking]\nmodel = 'opus'", "did you mean agents.coding.model?"),
        (
            "[agents.coding]\nmodel = 'gpt'",
            "unknown model 'gpt' for agents.coding.model (or inherit); use haiku, sonnet, opus",
        ),
        ("[project]\nteam = 'eng'", "must be capital letters and digits"),
    ],
)
def test_what_no_part_could_work_with_is_refused(tmp_path: Path, toml: str, problem: str) -> None:
    assert problem in refused(tmp_path, toml)


def test_flags_are_checked_alike(tmp_path: Path) -> None:
    assert "team.workers (--workers) is 'x'" in refused(tmp_path, workers="x")
    assert "unknown model" in refused(tmp_path, model="best")


@pytest.mark.parametrize(
    "model", ["haiku", "opus", "claude-sonnet-4-5-20250929", "us.anthropic.claude-x:1", "qwen3:8b"]
)
def test_models_are_aliases_or_full_ids(tmp_path: Path, model: str) -> None:
    assert load(tmp_path, model=model).model == model


def test_each_agent_has_a_model_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_of = {s.name: s.metadata for s in settings() if s.name.endswith("_model")}
    assert len(settings_of) == 10
    for name, meta in settings_of.items():
        table, _, key = meta["key"].rpartition(".")
        assert getattr(load(tmp_path), name) == "inherit"
        config = load(tmp_path, f'[{table}]\n{key} = "haiku"')
        assert (getattr(config, name), config.origins[meta["key"]]) == ("haiku", "axon.toml")
        config = load(tmp_path, dotenv=f"{meta['env']}=claude-opus-4-1")
        assert (getattr(config, name), config.origins[meta["key"]]) == ("claude-opus-4-1", ".env")
        monkeypatch.setenv(meta["env"], "inherit")
        assert load(tmp_path, f'[{table}]\n{key} = "haiku"').origins[meta["key"]] == meta["env"]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "axon.toml").write_bytes(b"[gate]\ncommand = '\xff'\n")
    with pytest.raises(UsageError, match=r"axon\.toml is not valid TOML"):
        load_config(Namespace(), tmp_path)
    (tmp_path / "axon.toml").unlink()
    (tmp_path / "axon.toml").mkdir()
    with pytest.raises(UsageError, match=r"cannot read .*axon\.toml: Is a directory"):
        load_config(Namespace(), tmp_path)


def test_the_project_is_the_checkout_around_the_folder(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_root(deep) == deep
    (tmp_path / ".git").mkdir()
    assert find_root(deep) == tmp_path
    (tmp_path / "a" / ".git").write_text("gitdir: elsewhere")  # a worktree
    assert find_root(deep) == tmp_path / "a"


def test_the_template_says_what_the_defaults_are(tmp_path: Path) -> None:
    text = template()
    defaults = load_config(Namespace(), tmp_path)
    assert load(tmp_path, text) == defaults
    lines = [line.removeprefix("# ") for line in text.splitlines()[2:]]
    active = "\n".join(line for line in lines if not line.startswith("("))
    tomllib.loads(active)
    config = load(tmp_path, active)
    for setting in settings():
        assert getattr(config, setting.name) == getattr(defaults, setting.name), setting.name
        assert setting.metadata["own"] or setting.metadata["doc"] in text


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TELEGRAM_CHAT_ID", "@somebody", "is a number"),
        ("TELEGRAM_CHAT_ID", "12;13", "is a number"),
        ("TELEGRAM_CHAT_ID", "1e5", "is a number"),
        ("AXON_TELEGRAM_SENDERS", "me", "is a number"),
        ("DAILY_DIGEST_HOUR", "24", "0 to 23"),
        ("DAILY_DIGEST_HOUR", "noon", "whole number"),
        ("WEEKLY_SUMMARY_DAY", "0", "monday to sunday"),
        ("WEEKLY_SUMMARY_DAY", "t", "monday to sunday"),
        ("WEEKLY_SUMMARY_DAY", "someday", "monday to sunday"),
    ],
)
def test_reports_and_chats_are_checked_when_they_are_read(
    tmp_path: Path, variable: str, value: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        load_config(Namespace(), tmp_path, {variable: value})


def test_days_and_chats_as_people_write_them() -> None:
    known = {"Monday": 0, " sun ": 6, "1": 0, "7": 6, "never": None, "off": None, "we": 2}
    assert {name: weekday(name) for name in known} == known
    assert chat_ids(" 12, -1003 12 ", "x") == (12, -1003)


def test_a_project_says_no_chat_for_the_bot_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TELEGRAM_CHAT_ID=666\n")
    with pytest.raises(UsageError, match="both in the same place"):
        load_config(Namespace(), tmp_path, {"TELEGRAM_BOT_TOKEN": "1:x"})
    (tmp_path / ".env").write_text("TELEGRAM_CHAT_ID=666\nTELEGRAM_BOT_TOKEN=2:y\n")
    assert load_config(Namespace(), tmp_path, {}).telegram_chats == "666"
    (tmp_path / ".env").write_text("AXON_TELEGRAM_URL=http://evil.example\n")
    config = load_config(Namespace(), tmp_path, {"TELEGRAM_BOT_TOKEN": "1:x"})
    assert config.telegram_url == "https://api.telegram.org"
