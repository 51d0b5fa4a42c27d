"""Whole teams from the built file: `axon mcp --http` on one host, teams on others."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.drive import Axon, wait_for
from tests.test_mcp_server import serve
from tests.test_team import shell

KEY = "k-0123456789-loopback"
Host = Callable[[str], Axon]


@pytest.fixture
def server(axon: Axon) -> Axon:
    """The project whose ledger is served."""
    axon.make_repository()
    axon.ok("init")
    axon.variables["MCP_API_KEY"] = KEY
    return axon


@pytest.fixture
def host(server: Axon, pyz: Path, engine_cache: Path, tmp_path: Path) -> Iterator[Host]:
    """Another host, with a clone of its own, that knows the server's address."""
    url = serve(server, "--http", "0")
    hosts: list[Axon] = []

    def host(name: str) -> Axon:
        driver = Axon(pyz=pyz, root=tmp_path / name, cache=engine_cache)
        driver.make_repository()
        shell(driver)
        driver.variables |= {"TASK_MCP_URL": url, "MCP_API_KEY": KEY}
        hosts.append(driver)
        return driver

    yield host
    for driver in hosts:
        driver.end()


def test_a_team_works_the_tasks_of_a_server(server: Axon, host: Host) -> None:
    server.ok("task", "add", "first", "--description", "echo 1 > one", "--check", "test -s one")
    server.ok("task", "add", "second", "--description", "cat one > two", "--depends", "ENG-1")
    server.ok("task", "add", "third", "--description", "echo; exit 1", "--max-attempts", "1")
    team = host("worker-host")
    team.ok("task", "add", "fourth", "--description", "echo 4 > four")

    done = team("team", "--workers", "2")

    assert done.returncode == 1, done.stderr
    told = {task["title"]: task for task in server.tasks()}
    assert {title: task["state"] for title, task in told.items()} == {
        "first": "done", "second": "done", "third": "failed", "fourth": "done",
    }  # fmt: skip
    assert [(team.root / name).exists() for name in ("one", "two", "four")] == [True] * 3
    own = {task["title"]: task for task in team.tasks()}
    assert own["first"]["verified"] and own["first"]["landed_commit"]
    for title, task in told.items():
        shown = server.json("task", "show", task["identifier"])
        assert own[title]["identifier"] == task["identifier"]
        said = " ".join(comment["body"] for comment in shown["comments"])
        assert "axon claim" in said and "@" in said
        assert ("failed" if title == "third" else own[title]["landed_commit"][:12]) in said
    for folder in (server.root, team.root):
        for path in folder.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    assert "sound" in server.ok("ledger", "check") and not team.processes()


def test_two_hosts_share_the_tasks_of_a_server(server: Axon, host: Host) -> None:
    for n in range(8):
        server.ok("task", "add", f"task {n}", "--description", f"echo {n} > file{n}")
    teams = [host("one"), host("two")]
    running = [team.start("team", "--workers", "2") for team in teams]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode in (0, 1) and "Traceback" not in err, out + err
    assert [task["state"] for task in server.tasks()] == ["done"] * 8
    made = [sorted(path.name for path in team.root.glob("file*")) for team in teams]
    assert sorted(made[0] + made[1]) == [f"file{n}" for n in range(8)], "each on one host only"


def test_a_killed_team_goes_on_where_it_was(server: Axon, host: Host) -> None:
    server.ok(
        "task", "add", "slow", "--description", "test -e ../../../go || sleep 300; echo x > x"
    )
    team = host("one")
    process = team.start("team", "--workers", "1")
    wait_for(lambda: (team.root / ".axon/work/ENG-1").exists())
    assert server.task("ENG-1")["state"] == "in_progress"
    process.kill()
    process.wait()
    wait_for(lambda: not team.processes(), 10)
    (team.root / "go").touch()
    team.ok("team", "--workers", "1")
    assert server.task("ENG-1")["state"] == "done"


def test_a_server_that_goes_away_ends_the_run_and_loses_nothing(server: Axon, host: Host) -> None:
    team = host("one")
    team.ok("task", "add", "a", "--description", "touch begun; sleep 1; echo x > x")
    team.ok("task", "list")
    process = team.start("team", "--workers", "1")
    wait_for(lambda: list(team.root.glob(".axon/work/*/begun")))
    os.killpg(server.started[-1].pid, signal.SIGKILL)
    wait_for(lambda: team.task("ENG-1")["state"] == "done", 60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in out + err
    assert server.task("ENG-1")["state"] == "in_progress", "it could not be told"
    done = team("team")
    assert done.returncode == 6 and "cannot reach http://127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr and KEY not in done.stderr
    port = team.variables["TASK_MCP_URL"].removesuffix("/mcp").rpartition(":")[2]
    serve(server, "--http", port)
    team.ok("task", "list")
    shown = server.json("task", "show", "ENG-1")
    assert shown["state"] == "done" and "landed on main" in shown["comments"][-2]["body"]


def test_a_wrong_key_or_address_is_one_line(server: Axon, host: Host) -> None:
    team = host("one")
    team.variables["MCP_API_KEY"] = "wrong"
    for words in (["team"], ["task", "add", "x"], ["init"]):
        done = team(*words)
        assert done.returncode == 6 and "set MCP_API_KEY" in done.stderr, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    team.variables["TASK_MCP_URL"] = "http://u:p@127.0.0.1:1/mcp"
    done = team("team")
    assert done.returncode == 6 and "must not hold a key" in done.stderr


def test_a_team_beside_the_server_leaves_alone_what_others_hand_in(server: Axon) -> None:
    shell(server)
    server.ok("task", "add", "theirs", "--description", "exit 1")
    server.ok("task", "move", "ENG-1", "in_progress")
    server.ok("task", "move", "ENG-1", "review")
    server.ok("task", "add", "ours", "--description", "echo x > x")
    server.ok("team", "--workers", "1")
    assert [task["state"] for task in server.tasks()] == ["review", "done"]
