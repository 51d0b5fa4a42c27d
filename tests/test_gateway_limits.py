"""The upstream's limits are kept by all sessions together, fairly; what is awaited is said."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from axon.gateway.limits import OVERLOAD, Limits, Waiting
from axon.gateway.pace import Pace
from axon.gateway.prices import Tokens
from axon.gateway.prompts import Prompts
from axon.gateway.wire import Hangup, Request
from axon.team.status import team_view
from tests.drive import wait_for
from tests.gateway_stand import bench, fake_model, logged, request

MODEL = "claude-sonnet-4-5"


def told(kind: str, limit: int, left: int) -> tuple[tuple[str, str], ...]:
    prefix = f"anthropic-ratelimit-{kind}"
    return ((f"{prefix}-limit", str(limit)), (f"{prefix}-remaining", str(left)))


# ── pace ──


def test_what_is_left_lasts_until_it_fills_again() -> None:
    pace = Pace()
    pace.learn(MODEL, told("requests", 60, 2), pace.take(MODEL, 10, 0.0), 0.0)
    assert pace.seconds(MODEL, 10, 0.0) == 0
    pace.take(MODEL, 10, 0.0)
    pace.take(MODEL, 10, 0.0)
    assert pace.seconds(MODEL, 10, 0.0) == pytest.approx(1.0)
    assert pace.seconds(MODEL, 10, 1.0) == 0
    assert pace.seconds("another-model", 10, 0.0) == 0


def test_a_prompt_waits_for_as_many_tokens_as_it_takes() -> None:
    pace = Pace()
    pace.learn(MODEL, told("input-tokens", 60_000, 500), pace.take(MODEL, 10, 0.0), 0.0)
    assert pace.seconds(MODEL, 500, 0.0) == 0
    assert pace.seconds(MODEL, 2500, 0.0) == pytest.approx(2.0)
    # one that is larger than the limit goes when the bucket is full
    assert pace.seconds(MODEL, 900_000, 0.0) == pytest.approx(59.5)


def test_what_was_sent_meanwhile_is_taken_off() -> None:
    pace = Pace()
    first = pace.take(MODEL, 10, 0.0)
    pace.take(MODEL, 10, 0.0)
    pace.learn(MODEL, told("requests", 60, 1), first, 0.0)
    assert pace.seconds(MODEL, 10, 0.0) == pytest.approx(1.0)


def test_limits_that_were_told_long_ago_hold_nobody() -> None:
    pace = Pace()
    pace.learn(MODEL, told("requests", 1, 0), pace.take(MODEL, 10, 0.0), 0.0)
    assert pace.seconds(MODEL, 10, 1.0) > 50
    assert pace.seconds(MODEL, 10, 301.0) == 0
    nonsense = (("anthropic-ratelimit-requests-limit", "many"),)
    pace.learn(MODEL, nonsense, pace.take(MODEL, 10, 400.0), 400.0)
    assert pace.seconds(MODEL, 10, 400.0) == 0


def test_a_cached_prompt_takes_little() -> None:
    prompts, body = (
        Prompts(),
        Request(method="POST", target="/v1/messages", headers=(), body=b"x" * 4000),
    )
    assert prompts.expected("s", body) == 1000
    prompts.saw("s", body, Tokens(input=10, cache_read=900, cache_write=20))
    longer = Request(method="POST", target="/v1/messages", headers=(), body=b"x" * 4400)
    assert prompts.expected("s", longer) == 130


# ── turns ──


def test_sessions_take_turns_when_they_have_waited() -> None:
    """One that asks for much does not keep the others out."""
    limits, order, lock = Limits(), [], threading.Lock()
    limits.wait("greedy", MODEL, 0, time.monotonic() + 9, Hangup())
    limits.hold(0.4)

    def ask(session: str) -> None:
        limits.wait(session, MODEL, 0, time.monotonic() + 9, Hangup())
        with lock:
            order.append(session)

    threads = [threading.Thread(target=ask, args=(name,)) for name in ["greedy"] * 4 + ["modest"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert order[0] == "modest"


def test_what_is_waited_for_is_told_once_and_taken_back() -> None:
    said: list[Waiting | None] = []
    limits = Limits(said.append)
    limits.hold(0.8, OVERLOAD)
    limits.wait("s", MODEL, 0, time.monotonic() + 9, Hangup())
    assert [one.reason if one else None for one in said] == [OVERLOAD, None]


# ── through the gateway ──


def limited(**fault: Any) -> dict[str, Any]:
    return {"text": "Done.", "usage": {"input_tokens": 10, "output_tokens": 5}, "fault": fault}


def test_status_and_page_say_what_is_waited_for_and_until_when(tmp_path: Path) -> None:
    turn = limited(status=429, retry_after=2)
    with fake_model(tmp_path, [turn]) as (url, log), bench(tmp_path, base_url=url) as made:
        made.start()
        statuses: list[int] = []
        asking = threading.Thread(target=lambda: statuses.append(made.ask().status))
        asking.start()
        holding = wait_for(lambda: team_view(made.ledger, tmp_path, time.time())["holding"])
        assert holding["reason"].startswith("rate limit: a request waits until ")
        assert 0 < holding["until"] - time.time() < 2.5
        asking.join()
        assert statuses == [200]
        assert made.ledger.workers(made.run) == []
        assert [entry["status"] for entry in logged(log)] == [429, 200]


def test_retries_are_counted_and_subagents_are_named(tmp_path: Path) -> None:
    """By what the model sent them off with; the CLI tells only a number."""
    call = {"name": "Agent", "input": {"subagent_type": "coding", "prompt": "Write the parser"}}
    turn = {"text": "I delegate.", "tools": [call], **limited(status=500, times=2)}
    with fake_model(tmp_path, [turn]) as (url, _), bench(tmp_path, base_url=url) as made:
        made.start()
        made.ask()
        made.ask(request("Write the parser"), headers={"x-claude-code-agent-id": "a1"})
        made.ask(request("go on"), headers={"x-claude-code-agent-id": "a1"})
        made.ask(request("Something"), headers={"x-claude-code-agent-id": "a2"})
        assert [one.agent for one in made.ledger.spending()] == [
            "lead", "coding", "coding", "subagent",
        ]  # fmt: skip
        assert made.sql("SELECT retries, first_token_seconds > 0 FROM usage")[0] == (2, 1)
