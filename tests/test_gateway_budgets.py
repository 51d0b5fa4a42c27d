"""Budgets of tasks, runs and days: kept before a request is sent, whoever asks, whatever died."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from axon.config import Config
from axon.errors import UsageError
from axon.gateway.allowances import tomorrow
from axon.gateway.budgets import Account, Asked, Budgets, Overdraft, Reservation, asked_of
from axon.gateway.prices import Price, Tokens, cost_usd, prices_of
from axon.gateway.wire import Hangup
from axon.ledger import Flight, Ledger, Run, Used, open_ledger
from tests.gateway_stand import bench, fake_model, logged, request, usage

SONNET = "claude-sonnet-4-5"
TURN: dict[str, Any] = {"text": "Done.", "usage": {"input_tokens": 1000, "output_tokens": 200}}
TURN_USD = (1000 * 3 + 200 * 15) / 1e6


def account(limit: int | None = None, used: int = 0, usd: float | None = None) -> Account:
    return Account(
        scope="run", key="run-1", used=Used(usd=0.0, tokens=used), max_tokens=limit, max_usd=usd
    )


def asked(who: str = "s", size: int = 400, output: int = 100, model: str = SONNET) -> Asked:
    return Asked(who=who, model=model, size=size, images=0, max_output=output)


def reserve(budgets: Budgets, one: Asked, known: Account, seconds: float = 0.0) -> Any:
    return budgets.reserve(one, lambda _: [known], time.monotonic() + seconds, Hangup())


# ── what is set aside ──


def test_a_request_that_would_pass_a_budget_is_refused() -> None:
    budgets = Budgets({})
    found = reserve(budgets, asked(size=400), account(limit=1000, used=901))
    assert isinstance(found, Overdraft)
    assert str(found) == "the run's budget of 1000 tokens is all but spent (901 tokens)"
    assert isinstance(reserve(budgets, asked(size=392), account(limit=1000, used=901)), Reservation)


def test_prompts_on_their_way_are_set_aside_and_given_back() -> None:
    budgets = Budgets({})
    first = reserve(budgets, asked("a"), account(limit=150))
    assert isinstance(first, Reservation)
    assert isinstance(reserve(budgets, asked("b"), account(limit=150)), Overdraft)
    budgets.settle(first, Tokens())
    assert isinstance(reserve(budgets, asked("b"), account(limit=150)), Reservation)


def test_the_end_of_a_budget_lets_one_through_after_the_other() -> None:
    budgets = Budgets({})
    first = reserve(budgets, asked("a", output=1000), account(limit=900))
    waiting = threading.Thread(target=lambda: found.append(second()))
    found: list[Any] = []

    def second() -> Any:
        return reserve(budgets, asked("b"), account(limit=900), seconds=20)

    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive(), "the first one's answer may take all that is left"
    budgets.settle(first, Tokens())
    waiting.join(5)
    assert isinstance(found[0], Reservation)


@dataclass
class Gateway:
    """The books of a run's gateway, as far as budgets ask them."""

    ledger: Ledger
    run: str

    def fly(self, flight: Flight) -> Flight:
        return self.ledger.fly(self.run, flight)

    def landed(self, flight: Flight) -> None:
        self.ledger.fly(self.run, flight)


def test_a_day_counts_what_other_runs_have_on_their_way(tmp_path: Path) -> None:
    ledger = open_ledger(f"file:{tmp_path / 'ledger.db'}", create=True)
    for name in ("run-1", "run-2"):
        run = Run(id=name, pid=1, host="here", target="main", engine="claude", workers=1)
        ledger.start_run(run, 600)
    one, other = (Budgets({}, Gateway(ledger, name)) for name in ("run-1", "run-2"))
    day = Account(scope="day", key="2026-11-24", used=Used(), max_tokens=1150)

    first = reserve(one, asked("a", output=1000), day)
    assert isinstance(first, Reservation)
    assert isinstance(reserve(other, asked("b", size=4400), day), Overdraft), "with that prompt"
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(reserve(other, asked("b"), day, 60)))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive(), "the other run's answer may take all that is left"
    ledger.end_run("run-1")  # its gateway was killed, and never says that it has landed
    waiting.join(30)
    assert isinstance(found[0], Reservation)
    told = ledger.fly("run-3", Flight())
    assert (told.tokens, told.most_tokens) == (100, 200)
    assert (told.usd, told.most_usd) == pytest.approx((3e-4, 1.8e-3))
    assert ledger.check() == []
    ledger.close()


def test_the_next_request_is_guessed_by_the_last_one() -> None:
    budgets = Budgets({})
    first = reserve(budgets, asked(size=1000), account())
    budgets.settle(first, Tokens(input=10, cache_read=90))
    second = reserve(budgets, asked(size=2000), account())
    assert second.need.tokens == 200
    assert second.need.usd == pytest.approx(2 * (10 * 3 + 90 * 0.3) / 1e6)


def test_images_are_not_taken_for_text() -> None:
    body = b'{"data": "' + b"A" * 400_000 + b'"}' + b" " * 400
    found = asked_of("s", body, SONNET, 64)
    assert (found.size, found.images, found.max_output) == (402, 1, 64)
    assert asked_of("s", b"{}", SONNET, "many").max_output > 0


def test_tomorrow_is_the_next_midnight_here() -> None:
    noon = time.mktime((2026, 11, 24, 12, 0, 0, 0, 0, -1))
    assert time.localtime(tomorrow(noon))[:5] == (2026, 11, 25, 0, 0)


# ── prices ──


def test_prices_of_ones_own_come_first_and_may_name_every_kind() -> None:
    own = prices_of(
        {
            "local-model-7b": {"input": 1, "output": 2},
            "claude-sonnet-4-5": {
                "input": 10, "output": 20, "cache_read": 3, "cache_write": 4, "cache_write_1h": 5,
            },
        }
    )  # fmt: skip
    tokens = Tokens(input=1, output=1, cache_read=1, cache_write=2, cache_write_1h=1)
    assert own["local-model-7b"] == Price(1, 2)
    assert cost_usd("local-model-7b", Tokens(input=10, output=10, cache_read=10), own) == (
        pytest.approx((10 + 20 + 1) / 1e6)
    )
    dated = "claude-sonnet-4-5-20250929"
    assert cost_usd(dated, tokens, own) == pytest.approx((10 + 20 + 3 + 4 + 5) / 1e6)
    assert cost_usd("another-7b", tokens, own) is None


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"input": 1}, "prices.m has no output"),
        ({"input": 1, "output": "2"}, "prices.m.output must be USD per million tokens"),
        ({"input": -1, "output": 2}, "prices.m.input must be"),
        ({"input": 1, "output": 2, "read": 1}, "unknown key prices.m.read"),
    ],
)
def test_prices_that_cannot_be_are_refused(table: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        prices_of({"m": table})


# ── through the gateway ──


def test_a_task_budget_refuses_before_sending(tmp_path: Path) -> None:
    with fake_model(tmp_path, [TURN]) as (url, log), bench(tmp_path, base_url=url) as made:
        made.open_session(max_usd=TURN_USD * 1.4)  # less than another prompt is left of it
        made.start()
        assert made.ask().status == 200

        refused = made.ask()

        assert refused.status == 400
        assert refused.headers["x-should-retry"] == "false"
        assert refused.json["error"]["type"] == "invalid_request_error"
        assert "the task's budget of $0.0084 is all but spent ($0.006)" in refused.error
        assert len(logged(log)) == 1
        assert made.faults() == ["budget"]
        assert [event["scope"] for event in made.events("budget")] == ["task"]
        made.ask()
        assert len(made.events("budget")) == 1
        assert made.ask(path="/v1/messages/count_tokens").status == 200
        assert made.ledger.run(made.run).halt == ""  # others go on


def test_a_spent_run_budget_stops_the_run(tmp_path: Path) -> None:
    with (
        fake_model(tmp_path, [TURN]) as (url, log),
        bench(tmp_path, base_url=url, max_usd=0.01) as made,
    ):
        made.ledger.spend(usage(cost_usd=0.01))
        other = made.open_session()
        made.start()
        assert made.ask(token=other).error == "axon: the run's budget of $0.01 is spent"
        assert [event["scope"] for event in made.events("budget")] == ["run"]
        assert made.ledger.run(made.run).halt == "budget"
        assert logged(log) == []


def test_tokens_count_where_no_price_is_known(tmp_path: Path) -> None:
    with (
        fake_model(tmp_path, [TURN]) as (url, log),
        bench(tmp_path, base_url=url, max_usd=0.000001, max_tokens=2000) as made,
    ):
        made.start()
        body = request() | {"model": "local-model-7b"}
        assert [made.ask(body).status for _ in range(2)] == [200, 400]
        assert len(logged(log)) == 1
        assert made.ledger.used(run=made.run) == Used(usd=0.0, tokens=1200)
        (told,) = made.events("price_unknown")
        assert told["why"].startswith("the price of local-model-7b is not known")
        assert made.events("budget")[0]["limit_tokens"] == 2000


def test_a_day_is_one_for_all_runs_and_all_gateways(tmp_path: Path) -> None:
    """What was spent before this gateway began, by another run, counts."""
    with (
        fake_model(tmp_path, [TURN]) as (url, log),
        bench(tmp_path, base_url=url, day_usd=TURN_USD, budget_then="pause") as made,
    ):
        made.start()
        assert made.ask().status == 200
        made.gateway.close()
        made.start()
        assert made.ask().status == 400
        assert len(logged(log)) == 1
        paused = made.ledger.paused()
        assert paused is not None and paused[1] == tomorrow(time.time())
        assert "the day's budget" in paused[0]
        assert made.ledger.run(made.run).halt == ""


def test_a_person_may_allow_as_much_again(tmp_path: Path) -> None:
    with (
        fake_model(tmp_path, [TURN]) as (url, log),
        bench(tmp_path, base_url=url, max_tokens=1500, budget_then="ask") as made,
    ):
        made.start()
        assert [made.ask().status for _ in range(3)] == [200, 400, 400]
        paused = made.ledger.paused()
        assert paused is not None and paused[1] is None and "axon resume" in paused[0]

        made.ledger.resume()
        assert made.ask().status == 200
        other = made.open_session()
        assert [made.ask(token=other).status for _ in range(2)] == [200, 400]
        assert len(logged(log)) == 3
        assert len(made.events("budget_asked")) == 2
        assert made.ledger.paused() is not None


def test_many_at_once_pass_a_budget_by_one_answer_at_most(tmp_path: Path) -> None:
    turn = {**TURN, "delay_seconds": 0.05}
    limit = 1200 * 5 + 100
    with (
        fake_model(tmp_path, [turn]) as (url, log),
        bench(tmp_path, base_url=url, max_tokens=limit) as made,
    ):
        made.start()
        tokens = [made.token] + [made.open_session() for _ in range(7)]
        statuses: list[int] = []

        def work(token: str) -> None:
            for _ in range(2):
                statuses.append(made.ask(token=token).status)

        threads = [threading.Thread(target=work, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        used = made.ledger.used(run=made.run).tokens
        assert limit - 1200 < used <= limit + 200 * 8
        assert used == 1200 * len(logged(log))
        assert 400 in statuses


def test_every_declared_budget_reaches_the_gateway(tmp_path: Path) -> None:
    from argparse import Namespace

    from axon.config import load_config
    from axon.gateway.settings import settings_from

    (tmp_path / ".git").mkdir()
    (tmp_path / "axon.toml").write_text(
        "[budget]\nusd = 1\ntokens = 2\ntask_usd = 3\ntask_tokens = 4\nday_usd = 5\n"
        'day_tokens = 6\nthen = "ask"\n[prices.local-7b]\ninput = 1\noutput = 2\n'
    )
    config: Config = load_config(Namespace(), tmp_path, {"ANTHROPIC_API_KEY": "k" * 20})
    assert (config.budget_usd, config.budget_tokens) == (1, 2)
    assert (config.max_usd, config.task_tokens) == (3, 4)
    settings = settings_from(config, run="run-1")
    assert (settings.day_usd, settings.day_tokens, settings.budget_then) == (5, 6, "ask")
    assert settings.prices == {"local-7b": Price(1, 2)}
    (tmp_path / "axon.toml").write_text('[budget]\nthen = "whatever"\n')
    with pytest.raises(UsageError, match="use stop, pause or ask"):
        load_config(Namespace(), tmp_path, {})
