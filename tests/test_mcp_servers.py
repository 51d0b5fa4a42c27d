"""Other MCP servers from axon.toml: read, refused, tried at the start, lent to agents."""

import json
import os
import re
import sys
from argparse import Namespace
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.config import load_config
from axon.errors import EngineError, UsageError
from axon.mcp.config import resolved, secrets_in, servers_of
from axon.mcp.spec import Server
from axon.monitoring.servers import read_servers, try_servers
from tests.drive import Axon
from tests.test_claude import Stage, bash, says, stage
from tests.test_mcp_server import serve

__all__ = ["stage"]

REMOTE = str(Path(__file__).with_name("remote_server.py"))
HUSH = "hush-4711-0815"


def servers(tmp_path: Path, text: str) -> Any:
    (tmp_path / "axon.toml").write_text(text)
    return servers_of(load_config(Namespace(), tmp_path))


def test_a_server_is_read_and_its_references_filled_in(tmp_path: Path) -> None:
    (web, far) = servers(
        tmp_path,
        '[mcp.web]\ncommand = "npx"\nargs = ["-y", "web@1", "$$HOME", "--key=${KEY}"]\n'
        'env = {TOKEN = "$KEY"}\nagents = ["testing"]\n'
        '[mcp.far]\nurl = "https://mcp.example/mcp"\nheaders = {Authorization = "Bearer $KEY"}\n',
    )
    environ = {"KEY": HUSH, "OTHER": "x"}
    filled = resolved(web, environ, {"PATH": "/bin"})
    assert filled.args == ("-y", "web@1", "$HOME", f"--key={HUSH}")
    assert filled.env == {"PATH": "/bin", "TOKEN": HUSH}
    assert filled.open_to("testing") and not filled.open_to("worker")
    assert resolved(far, environ, {"PATH": "/bin"}).headers == {"Authorization": f"Bearer {HUSH}"}
    assert set(secrets_in(web, environ)) == {HUSH} == set(secrets_in(far, environ))
    assert HUSH not in repr(filled.env) + repr(filled) or HUSH not in repr(far)
    with pytest.raises(UsageError, match=r"mcp\.far\.headers\.Authorization refers to \$KEY"):
        resolved(far, {}, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mcp]\nx = 1", "must be a table of tables"),
        ("[mcp.x]\ncomand = 'a'", "unknown key mcp.x.comand; use command"),
        ("[mcp.x]", "needs either command or url"),
        ("[mcp.x]\ncommand = 'a'\nurl = 'http://b'", "needs either command or url"),
        ("[mcp.x]\nurl = 'ftp://b'", "must begin with http"),
        ("[mcp.x]\nurl = 'http://b'\nargs = ['c']", "go with command"),
        ("[mcp.x]\ncommand = 'a'\nheaders = {B = 'c'}", "go with url"),
        ("[mcp.x]\ncommand = 'a'\nargs = 'b'", "mcp.x.args must be a list of texts"),
        ("[mcp.x]\ncommand = 'a'\nenv = {B = 1}", "mcp.x.env.B must be a text"),
        ("[mcp.x]\nurl = 'http://b'\nheaders = {authorization = 'Bearer abc'}", "holds a secret"),
        ("[mcp.axon]\ncommand = 'a'", "needs a name"),
        ("[mcp.a_b]\ncommand = 'a'", "needs a name"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        servers(tmp_path, text)


def test_an_unknown_agent_is_named(tmp_path: Path) -> None:
    (tmp_path / "axon.toml").write_text("[mcp.x]\ncommand = 'a'\nagents = ['tester']\n")
    with pytest.raises(UsageError, match="has 'tester'; there are testing, worker"):
        read_servers(load_config(Namespace(), tmp_path), {}, {"worker", "testing"})


def lend(axon: Axon, name: str = "other", **facts: Any) -> None:
    table = {"command": sys.executable, "args": [REMOTE], **facts}
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]
    lines = [re.sub(r'"(\w+)": ', r"\1 = ", line) for line in lines]
    with (axon.root / "axon.toml").open("a") as file:
        file.write(f"\n[mcp.{name}]\n" + "\n".join(lines) + "\n")
    axon.git("commit", "-qam", f"lend {name}")


def test_a_worker_uses_it_and_its_secret_stays_hidden(stage: Stage) -> None:
    axon = stage.axon
    # the session's own token is a secret that the guard would ask about
    toml = axon.root / "axon.toml"
    toml.write_text(toml.read_text() + "\n[guard]\nblock = []\n")
    lend(axon, env={"TOLD": "$HUSH"})
    axon.variables["HUSH"] = HUSH
    use = {"text": "I use it.", "tools": [{"name": "mcp__other__echo", "input": {"text": "hi"}}]}
    stage.play({"First job": [use, bash("env > env.txt"), says("Done.")]})
    refused = axon("team", "--workers", "1")
    assert "axon.toml [mcp] is not allowed and ignored" in refused.stderr
    axon.ok("task", "add", "First job", "--description", "again")

    axon.ok("team", "--workers", "1", "--trust")

    logs = axon.ok("logs", "ENG-2", "--json")
    assert '"hi ' in logs and HUSH not in logs and "mcp__other__echo" in logs
    assert HUSH not in (axon.root / "env.txt").read_text()
    for path in (axon.root / ".axon").rglob("*"):
        if path.is_file() and "home" not in path.parts:
            assert HUSH.encode() not in path.read_bytes(), path


def test_a_server_that_does_not_work_is_named_before_anything_runs(stage: Stage) -> None:
    lend(stage.axon, command="/no/such/server")
    stage.play({"First job": [says("x")]})
    done = stage.axon("team", "--trust")
    assert done.returncode == 5, done.stderr
    (line,) = [x for x in done.stderr.splitlines() if "mcp." in x]
    assert "MCP server other: " in line and "No such file" in line
    assert stage.axon.task("ENG-1")["attempts"] == 0


def test_a_run_does_without_a_browser_and_telegram_that_are_not_there(stage: Stage) -> None:
    lend(stage.axon, "playwright", command="/no/such/npx", args=["@playwright/mcp"])
    stage.axon.variables["TELEGRAM_MCP_URL"] = "http://127.0.0.1:9/mcp"
    model = stage.play({"First job": [bash("echo a > NEW.md"), says("Done.")]})
    done = stage.axon("run", "--trust")
    assert done.returncode == 0, done.stderr
    left_out = [line for line in done.stderr.splitlines() if "the run does without it" in line]
    assert ["playwright" in line or "telegram" in line for line in left_out] == [True, True]
    (told,) = {r["system"] for r in model.requests() if "You lead the work" in r.get("system", "")}
    assert "There is no browser" in told and "`telegram`" not in told
    assert "notify: skipped: no server can send" in stage.axon.ok("logs", "ENG-1")


PATH = {"PATH": os.environ["PATH"]}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"args": (REMOTE, "--deaf")}, "no answer within 2 seconds"),
        ({"args": ("-c", "print('not json')")}, "MCP server x: "),
        ({"args": ("-c", "import sys; sys.exit('no licence')")}, "MCP server x: "),
        ({"command": "", "url": "http://127.0.0.1:9/SECRET/mcp"}, "MCP server x: "),
    ],
    ids=["deaf", "babbling", "leaving", "unreachable"],
)
def test_each_way_not_to_work_is_one_line(facts: dict[str, Any], said: str) -> None:
    good = Server(name="good", command=sys.executable, args=(REMOTE,), env=PATH)
    bad = replace(good, name="x", **facts)
    deaf = "2 seconds" in said
    with pytest.raises(EngineError) as found:
        try_servers([bad] if deaf else [good, bad], sys.path, seconds=2 if deaf else 15)
    line = str(found.value)
    assert said in line and "correct [mcp.x] in axon.toml" in line
    assert len(line) < 500 and "SECRET" not in line and "\n" not in line


def test_servers_that_work_are_left_as_they_were() -> None:
    good = Server(name="good", command=sys.executable, args=(REMOTE, "--tried"), env=PATH)
    try_servers([good, good], sys.path)
    assert not [line for line in commands() if "--tried" in line]


def commands() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return found


@pytest.fixture
def served(stage: Stage) -> str:
    """The ledger of the same project, over HTTP, behind a key."""
    stage.axon.ok("task", "add", "Ledger job")
    stage.axon.variables["MCP_API_KEY"] = HUSH
    return serve(stage.axon, "--http", "0")


def test_a_server_over_http_with_a_key(stage: Stage, served: str) -> None:
    lend(
        stage.axon,
        "ledger",
        command=None,
        args=None,
        url=served,
        headers={"Authorization": "Bearer $MCP_API_KEY"},
    )
    given = {"issue": "ENG-1", "body": "over http"}
    use = [{"name": "mcp__ledger__Task_AddComment", "input": given}]
    stage.play({"Ledger job": [{"text": "I use it.", "tools": use}, says("Done.")]})
    stage.axon.ok("task", "cancel", "ENG-2")
    done = stage.axon(
        "team", "--workers", "1", "--trust"
    )  # a task that changes nothing is asked about
    assert done.returncode == 1, done.stderr
    comments = stage.axon.json("task", "show", "ENG-1")["comments"]
    assert comments[0]["body"] == "over http"
