"""`axon mcp` with the official client, with Claude Code's CLI, and with callers who mean harm."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import claude_agent_sdk
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from axon.errors import AxonError, BadMove, UsageError
from axon.mcp import door
from axon.mcp.answers import Caller
from axon.mcp.tools import TOOLS, call
from tests.drive import Axon, wait_for
from tests.world import World, add, claim

ROOT = Path(__file__).resolve().parent.parent
CLI = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"
KEY = "k-0123456789-loopback"
NAMES = {
    "Task_WhoAmI", "Task_ListTeams", "Task_CreateIssue", "Task_ListIssues", "Task_GetIssue",
    "Task_UpdateIssue", "Task_TransitionIssueState", "Task_AddComment",
    "Task_ListWorkflowStates", "Task_GetStaleIssues", "Task_GetProjectStats",
    "Task_GetSessionReport",
}  # fmt: skip
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def project(axon: Axon) -> Axon:
    axon.make_repository()
    axon.ok("init")
    return axon


def serve(axon: Axon, *words: str) -> str:
    """Start the server on a free port; its address."""
    process = axon.start("mcp", *words)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:"), process.communicate()
    return url


def converse(
    axon: Axon, way: str, mode: str, talk: Callable[[Ask, Client], Awaitable[None]]
) -> None:
    """Have the official client talk to `axon mcp` over one of its transports."""

    async def session(transport: Any) -> None:
        async with Client(transport, mode=mode) as client:

            async def ask(name: str, **arguments: Any) -> Any:
                result = await client.call_tool(f"Task_{name}", arguments)
                (block,) = result.content
                assert block.type == "text"
                if result.is_error:
                    raise PermissionError(block.text)
                return json.loads(block.text)

            await talk(ask, client)

    if way == "stdio":
        command, *words = axon.command("mcp")
        server = StdioServerParameters(
            command=command, args=words, env=axon.environment, cwd=axon.root
        )
        asyncio.run(session(stdio_client(server)))
        return
    axon.variables["MCP_API_KEY"] = KEY
    url = serve(axon, f"--{way}", "0")
    headers = {"Authorization": f"Bearer {KEY}"}

    async def over_http() -> None:
        if way == "sse":
            await session(sse_client(url, headers=headers))
            return
        async with httpx2.AsyncClient(headers=headers) as http:
            await session(streamable_http_client(url, http_client=http))

    asyncio.run(over_http())


@pytest.mark.parametrize(
    ("way", "mode"),
    [
        ("stdio", "legacy"),
        ("stdio", "auto"),
        ("http", "legacy"),
        ("http", "auto"),
        ("sse", "legacy"),
    ],
)
def test_the_official_client_works_a_task(project: Axon, way: str, mode: str) -> None:
    async def talk(ask: Ask, client: Client) -> None:
        assert {tool.name for tool in (await client.list_tools()).tools} == NAMES
        assert (await ask("ListTeams"))["teams"][0]["key"] == "ENG"
        made = await ask(
            "CreateIssue", team="ENG", title="Mend “it”", priority="high", check="true"
        )
        assert (made["identifier"], made["state"], made["check"]) == ("ENG-1", "Todo", "true")
        await ask("CreateIssue", title="then", depends=["ENG-1"], description="x" * 9000)
        (first, second) = await ask("ListIssues", team="ENG", state="Todo", limit=10)
        assert (first["title"], second["blocked_by"]) == ("Mend “it”", 1)
        assert len(second["description"]) == 500
        assert len((await ask("GetIssue", issue_id="ENG-2"))["description"]) == 9000
        await ask("AddComment", issue="eng-1", body="I take it")
        moved = await ask("TransitionIssueState", issue_id="ENG-1", target_state="In Progress")
        assert moved["state"] == "In Progress" and moved["owner"] == "mcp:mcp"
        for identifier, reason in (("ENG-1", "is In Progress already"), ("ENG-2", "it waits")):
            with pytest.raises(PermissionError, match=reason):
                await ask("TransitionIssueState", issue_id=identifier, target_state="In Progress")
        for state in ("Review", "Done"):
            await ask("TransitionIssueState", issue_id="ENG-1", target_state=state)
        whole = await ask("GetIssue", issue_id="ENG-1")
        assert [c["body"] for c in whole["comments"]] == ["I take it"]
        assert whole["comments"][0]["created_at"].endswith("+00:00")
        stats = await ask("GetProjectStats", team="ENG")
        assert (stats["by_state"]["Done"], stats["done_in_7_days"], stats["total"]) == (1, 1, 2)
        assert (await ask("GetSessionReport"))["sessions"] == []

    converse(project, way, mode, talk)
    events = project.json("task", "show", "ENG-1")["events"]
    assert [e["action"] for e in events] == ["add", "comment", "claim", "submit", "land"]
    assert {e["actor"] for e in events} == {"mcp:mcp"}


def test_of_many_who_start_an_issue_one_has_it(project: Axon) -> None:
    project.ok("task", "add", "wanted")
    url = serve(project, "--http", "0")

    async def grab() -> bool:
        async with Client(url) as client:
            words = {"issue_id": "ENG-1", "target_state": "In Progress"}
            return not (await client.call_tool("Task_TransitionIssueState", words)).is_error

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(grab() for _ in range(8)))

    assert sum(asyncio.run(all_at_once())) == 1


# ── the CLI as client ──


def test_claude_code_uses_it_after_one_line(project: Axon, tmp_path: Path) -> None:
    project.ok("task", "add", "Mend the roof")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("ListIssues", {"team": "ENG", "state": "Todo"}),
        ("TransitionIssueState", {"issue_id": "ENG-1", "target_state": "In Progress"}),
        ("TransitionIssueState", {"issue_id": "ENG-1", "target_state": "Done"}),
        ("AddComment", {"issue": "ENG-1", "body": "mended"}),
    ]
    turns: list[dict[str, Any]] = [
        {"text": name, "tools": [{"name": f"mcp__axon__Task_{name}", "input": words}]}
        for name, words in calls
    ]
    script = tmp_path / "played.json"
    played = {"title": "the roof", "turns": [*turns, {"text": "That was all."}]}
    script.write_text(json.dumps({"tasks": [played]}))
    model = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "fake_model.py"), "--script", str(script)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert model.stdout is not None
    project.variables |= {
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model.stdout.readline().strip()}",
        "ANTHROPIC_API_KEY": "sk-ant-loopback-0123456789",
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "IS_SANDBOX": "1",
    }

    def claude(*words: str) -> str:
        done = subprocess.run(
            [CLI, *words],
            cwd=project.root,
            env=project.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        claude("mcp", "add", "axon", "--", sys.executable, str(project.pyz), "mcp")
        said = claude(
            "-p", "Work on the roof", "--model", "haiku", "--permission-mode", "bypassPermissions",
            "--output-format", "stream-json", "--verbose",
        )  # fmt: skip
    finally:
        model.kill()
        model.communicate()
    results = [
        block
        for line in said.splitlines()
        if (message := json.loads(line)).get("type") == "user"
        for block in message["message"]["content"]
        if block["type"] == "tool_result"
    ]
    texts = [json.dumps(result["content"]) for result in results]
    assert "Mend the roof" in texts[0] and "In Progress" in texts[1]
    assert "cannot go from In Progress to Done" in texts[2] and results[2]["is_error"]
    shown = project.json("task", "show", "ENG-1")
    assert shown["state"] == "in_progress" and shown["owner"].startswith("mcp:claude-code")
    assert [comment["body"] for comment in shown["comments"]] == ["mended"]


# ── what goes wrong ──


def post(
    url: str, body: bytes, headers: dict[str, str] | None = None, path: str = "/mcp"
) -> tuple[int, str]:
    address = url.removeprefix("http://").partition("/")[0]
    sent = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {KEY}",
        **(headers or {}),
    }
    with closing(HTTPConnection(address, timeout=20)) as connection:
        connection.request("POST", path, body, {k: v for k, v in sent.items() if v})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")


HELLO = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
).encode()


@pytest.fixture
def guarded(project: Axon) -> Iterator[tuple[Axon, str]]:
    project.variables["MCP_API_KEY"] = KEY
    yield project, serve(project, "--http", "0")


def test_strangers_pages_and_nonsense_are_refused(guarded: tuple[Axon, str]) -> None:
    axon, url = guarded
    port = url.removeprefix("http://").partition("/")[0].rpartition(":")[2]
    assert post(url, HELLO)[0] == 200
    assert post(url, HELLO, {"Host": f"localhost:{port}"})[0] == 200
    assert post(url, HELLO, {"Origin": f"http://127.0.0.1:{port}"})[0] == 200
    for headers, status in (
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {KEY}x"}, 401),
        ({"Authorization": f"Bearer {KEY[:-1]}"}, 401),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"Authorization": KEY}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Host": f"127.0.0.1.evil.example:{port}"}, 421),
        ({"Host": "[::2]:80"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"http://127.0.0.1:{int(port) ^ 1}"}, 403),
    ):
        assert post(url, HELLO, headers)[0] == status, headers
    assert post(url, HELLO, {"Authorization": ""}, path="/elsewhere")[0] == 401
    assert post(url, HELLO, path="/elsewhere")[0] == 404
    assert post(url, HELLO, path=f"/mcp?key={KEY}", headers={"Authorization": ""})[0] == 401
    for body, status in (
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe{}", 400),
        (b"[" * 100_000, 400),
        (b" " * (17 << 20), 413),
        (HELLO.replace(b"initialize", b"tools/call"), 400),
    ):
        assert post(url, body)[0] == status, body[:20]
    assert post(url, HELLO, {"Content-Type": "text/plain"})[0] in (400, 415)
    assert post(url, HELLO)[0] == 200, "it still serves"
    assert KEY not in "".join(p.read_text() for p in (axon.root / ".axon").glob("*.log*"))


def test_the_older_transport_asks_for_the_key_too(project: Axon) -> None:
    project.variables["MCP_API_KEY"] = KEY
    url = serve(project, "--sse", "0")
    for path in ("/sse", "/messages/?session_id=" + "0" * 32):
        assert post(url, HELLO, {"Authorization": ""}, path=path)[0] == 401
        assert post(url, HELLO, {"Host": "evil.example"}, path=path)[0] == 421
    assert post(url, HELLO, path="/messages/?session_id=" + "0" * 32)[0] == 404


@pytest.mark.parametrize(
    ("words", "key", "code", "reason"),
    [
        (("--http", "0", "--host", "0.0.0.0"), KEY, 2, "add --allow-remote"),
        (("--http", "0", "--host", "0.0.0.0", "--allow-remote"), "", 2, "needs a key"),
        (("--http", "0", "--sse", "0"), "", 2, "not allowed with"),
        (("--http", "70000"), "", 2, "invalid"),
        (("--http", "$TAKEN"), "", 1, "cannot listen on 127.0.0.1"),
        (("--http", "0", "--host", "192.0.2.1", "--allow-remote"), KEY, 1, "cannot listen on"),
        (("--ledger", "file:nowhere.db"), "", 6, "no ledger at"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    project: Axon, words: tuple[str, ...], key: str, code: int, reason: str
) -> None:
    project.variables["MCP_API_KEY"] = key
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = project("mcp", *(port if word == "$TAKEN" else word for word in words))
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if "unpacking" not in line]
    assert len(lines) == 1 and reason in lines[0]


def test_others_may_be_let_in_with_a_key(project: Axon) -> None:
    project.variables["MCP_API_KEY"] = KEY
    process = project.start("mcp", "--http", "0", "--host", "0.0.0.0", "--allow-remote")
    assert process.stdout is not None
    url = process.stdout.readline().strip().replace("0.0.0.0", "127.0.0.1")
    assert post(url, HELLO, {"Host": "tasks.example:443"})[0] == 200
    assert post(url, HELLO, {"Authorization": ""})[0] == 401
    assert post(url, HELLO, {"Origin": "https://evil.example"})[0] == 403


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told_to(project: Axon, number: signal.Signals) -> None:
    url = serve(project, "--http", "0")
    assert post(url, HELLO, {"Authorization": ""})[0] == 200
    process = project.started[-1]
    process.send_signal(number)
    assert process.wait(10) in (130, -signal.SIGTERM)
    assert "Traceback" not in process.communicate()[1]


def test_on_stdio_it_ends_with_its_client(project: Axon) -> None:
    done = project("mcp", text=HELLO.decode() + "\nnonsense\n", seconds=30)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0]["result"]["serverInfo"]["name"] == "axon"
    reading, writing = os.pipe()
    process = subprocess.Popen(
        project.command("mcp"),
        cwd=project.root,
        env=project.environment,
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(writing, HELLO + b"\n")
    assert process.stdout is not None and "axon" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130, "though its client still holds the pipe"
    assert "Traceback" not in process.communicate()[1]
    os.close(writing)
    os.close(reading)


def test_the_slow_are_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PATIENCE_SECONDS", 0.3)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while scope["type"] == "http" and (await receive()).get("more_body"):
            pass

    listener = door.bind("127.0.0.1", 0)
    address = listener.getsockname()
    threading.Thread(
        target=door.serve, args=(door.Door(app, key="", local=True), listener), daemon=True
    ).start()
    head = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    for sent in (b"", head, head + b"\r\n{"):
        with socket.create_connection(address, timeout=20) as slow:
            slow.sendall(sent)
            assert wait_for(lambda s=slow: s.recv(1) == b""), "the connection is closed"  # type: ignore[misc]


# ── arguments ──


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("Nothing", {}, "no tool Task_Nothing; use one of Task_WhoAmI"),
        ("ListIssues", {"assignee": "me"}, "unknown argument 'assignee'; use team, state"),
        ("WhoAmI", {"x": 1}, "unknown argument 'x'; this tool takes none"),
        ("GetIssue", {}, "the argument issue_id is missing"),
        ("GetIssue", {"issue_id": None}, "the argument issue_id is missing"),
        ("GetIssue", {"issue_id": 7}, "issue_id must be a text"),
        ("GetIssue", {"issue_id": "ENG-9"}, "no task ENG-9"),
        ("ListIssues", {"state": "Doing"}, "unknown state 'Doing'; use one of Todo, In Progress"),
        ("ListIssues", {"limit": "5"}, "limit must be a whole number"),
        ("ListIssues", {"limit": 0}, "limit must be at least 1"),
        ("ListIssues", {"limit": True}, "limit must be a whole number"),
        ("CreateIssue", {"title": " "}, "has no title"),
        ("CreateIssue", {"title": "a", "priority": "now"}, "unknown priority 'now'"),
        ("CreateIssue", {"title": "a", "labels": "x"}, "labels must be a list of texts"),
        ("CreateIssue", {"title": "a", "labels": [1]}, "labels must be a list of texts"),
        ("CreateIssue", {"title": "a", "depends": ["ENG-9"]}, "ENG-9, which does not exist"),
        ("CreateIssue", {"title": "a", "team": "e n g"}, "must be capital letters"),
        ("CreateIssue", {"title": "a", "max_usd": -1}, "max_usd must be at least 0"),
        ("CreateIssue", {"title": "a", "not_before": "soon"}, "cannot read the time 'soon'"),
        ("AddComment", {"issue": "ENG-1", "body": "  "}, "the comment is empty"),
        ("UpdateIssue", {"issue_id": "ENG-1"}, "nothing to change"),
        ("UpdateIssue", {"issue_id": "ENG-1", "title": ""}, "without a title"),
        ("UpdateIssue", {"issue_id": "ENG-1", "state": "Done"}, "unknown argument 'state'"),
        ("UpdateIssue", {"issue_id": "ENG-1", "depends": ["ENG-1"]}, "ENG-1"),
    ],
)
def test_bad_arguments_are_explained(
    world: World, name: str, arguments: dict[str, Any], problem: str
) -> None:
    ledger = world.open(create=True)
    add(ledger, "a")
    with pytest.raises(AxonError, match=problem):
        call(Caller(ledger=ledger, actor="mcp", team="ENG"), f"Task_{name}", arguments)
    assert len(ledger.events()) == 1, "nothing was changed"


def test_states_and_names_are_taken_as_people_write_them(world: World) -> None:
    ledger = world.open(create=True)
    add(ledger, "a", "b", "c")
    caller = Caller(ledger=ledger, actor="mcp", team="ENG")
    for state in ("In Progress", "in_progress", "IN-PROGRESS"):
        assert call(caller, "Task_ListIssues", {"state": state, "team": "eng"}) == "[]"
    third = json.loads(call(caller, "Task_ListIssues", {"limit": 1, "offset": 2}))
    assert [issue["identifier"] for issue in third] == ["ENG-3"]
    states = json.loads(call(caller, "Task_ListWorkflowStates", {}))["states"]
    assert states[0]["next"] == ["In Progress", "Canceled"]
    with pytest.raises(UsageError):
        call(caller, "Task_GetStaleIssues", {"threshold_hours": -1})


def test_an_issue_is_changed_and_an_agents_question_answered(world: World) -> None:
    ledger = world.open(create=True)
    add(ledger, "a", "b", "c", depends=())
    caller = Caller(ledger=ledger, actor="mcp", team="ENG")

    def ask(name: str, **words: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(call(caller, f"Task_{name}", words))
        return answer

    changed = ask("UpdateIssue", issue_id="eng-2", priority="low", depends=["ENG-3", "ENG-1"])
    assert (changed["priority"], changed["depends"]) == ("low", ["ENG-3", "ENG-1"])
    changed = ask("UpdateIssue", issue_id="ENG-2", title="B", depends=["ENG-1"])
    assert (changed["title"], changed["depends"], changed["priority"]) == ("B", ["ENG-1"], "low")
    held = claim(ledger)
    with pytest.raises(BadMove, match="hands it in itself"):
        ask("TransitionIssueState", issue_id="ENG-1", target_state="Review")
    ledger.ask(held, "red or blue?")
    assert ask("GetIssue", issue_id="ENG-1")["question"] == "red or blue?"
    with pytest.raises(BadMove, match="asks a question"):
        ask("TransitionIssueState", issue_id="ENG-1", target_state="Todo")
    moved = ask("TransitionIssueState", issue_id="ENG-1", target_state="Todo", why="blue")
    assert moved["state"] == "Todo" and "blue" in ledger.task("ENG-1").answers


def test_what_has_not_moved_for_long_is_stale(world: World) -> None:
    ledger = world.open(create=True)
    add(ledger, "a", "b")
    caller = Caller(ledger=ledger, actor="mcp", team="ENG")
    words = {"issue_id": "ENG-1", "target_state": "In Progress"}
    world.wall = 1000.0  # long ago
    call(caller, "Task_TransitionIssueState", words)
    stale = json.loads(call(caller, "Task_GetStaleIssues", {"threshold_hours": 1}))
    assert [issue["identifier"] for issue in stale["issues"]] == ["ENG-1"]
    assert stale["count"] == 1 and stale["issues"][0]["hours"] > 1000


def test_each_tool_describes_its_arguments() -> None:
    assert {tool.name for tool in TOOLS} == NAMES
    for tool in TOOLS:
        assert tool.description and set(tool.schema["required"]) <= set(tool.schema["properties"])
