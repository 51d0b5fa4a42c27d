"""Any agent CLI that speaks the Messages API, in a real run, behind the gateway."""

import json
from typing import Any

import pytest

from tests.drive import Axon

# What another agent CLI does, in short: ask the model so many times, then be done.
AGENT = """
import json, os, sys, urllib.request
url, key = os.environ["ANTHROPIC_BASE_URL"], os.environ["ANTHROPIC_API_KEY"]
prompt = sys.stdin.read()
for _ in range(int(os.environ.get("AXON_MARK_ASKS", "2"))):
    body = json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 100, "tools": [{"name": "x"}],
                       "messages": [{"role": "user", "content": prompt}]}).encode()
    request = urllib.request.Request(url + "/v1/messages", body, {"x-api-key": key})
    try:
        answer = json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        sys.exit(error.read().decode())
    print(answer["content"][0]["text"])
open("seen.json", "w").write(json.dumps({"url": url, "names": sorted(os.environ)}))
"""
TURN: dict[str, Any] = {"text": "Done.", "usage": {"input_tokens": 1000, "output_tokens": 200}}


@pytest.fixture
def shop(axon: Axon) -> Axon:
    """A project whose agent is AGENT and whose model is a script."""
    axon.make_repository({"README.md": "hello\n", "agent.py": AGENT})
    script = axon.root.parent / "script.json"
    script.write_text(json.dumps({"tasks": [{"title": "Make it", "turns": [TURN]}]}))
    return axon


def run(axon: Axon, *words: str, **budget: Any) -> Any:
    axon.configure(
        engine={"name": "command", "command": "python3 agent.py"},
        limits={"backoff_seconds": 0.1},
        budget=budget,
    )
    script = axon.root.parent / "script.json"
    return axon("team", "--workers", "1", "--model-upstream", f"script:{script}", *words)


def test_another_agent_cli_is_served_and_metered(shop: Axon) -> None:
    shop.ok("task", "add", "Make it")
    done = run(shop)
    assert done.returncode == 0, done.stderr
    task = shop.task("ENG-1")
    assert (task["state"], task["tokens"]) == ("done", 2400)
    assert task["cost_usd"] == pytest.approx(2 * (1000 * 3 + 200 * 15) / 1e6)
    seen = json.loads((shop.root / "seen.json").read_text())
    assert seen["url"].startswith("http://127.0.0.1:")
    assert "ANTHROPIC_AUTH_TOKEN" not in seen["names"]


def test_a_task_that_has_spent_its_budget_asks_a_person(shop: Axon) -> None:
    shop.ok("task", "add", "Make it")
    assert run(shop, task_tokens=1500, then="ask").returncode == 1
    task = shop.task("ENG-1")
    assert task["state"] == "blocked"
    assert "the task's budget of 1500 tokens is all but spent (1200 tokens)" in task["question"]

    shop.variables["AXON_MARK_ASKS"] = "1"
    shop.ok("task", "answer", "ENG-1", "go on")
    assert run(shop, task_tokens=1500, then="ask").returncode == 0
    assert shop.task("ENG-1")["tokens"] == 2400


def test_a_run_ends_with_its_budget_of_tokens(shop: Axon) -> None:
    for _ in range(2):
        shop.ok("task", "add", "Make it")
    done = run(shop, "--budget-tokens", "1500")
    assert done.returncode == 1, done.stderr
    tasks = shop.tasks()
    assert sum(task["tokens"] for task in tasks) == 1200
    assert {task["state"] for task in tasks} == {"todo"}, "nothing failed: others can go on"
    assert "budget of 1500 tokens" in done.stdout + done.stderr
