"""Figures of the page are those of the history: worked out by hand here, by the tally there."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.dashboard.analytics import figures
from axon.dashboard.analytics.day import Calendar
from axon.dashboard.analytics.tally import Tally, reason_of
from axon.ledger import Ledger, Run, Usage
from axon.tasks import Claim
from tests.world import DAY, World, add, claim, finish, landing, session, started

HOUR = 3600.0


@pytest.fixture
def today(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Noon by the clock of the ledger, which is the tally's too, in Greenwich."""
    with monkeypatch.context() as context:
        context.setenv("TZ", "UTC")
        time.tzset()
        world.wall = 20_000 * DAY + 12 * HOUR
        yield world
    time.tzset()


def tally_of(ledger: Ledger, world: World) -> Tally:
    tally = Tally()
    tally.update(ledger)
    tally.today = lambda: world.wall  # the ledger's day, not that of this machine
    return tally


def work(ledger: Ledger, world: World, seconds: float) -> Claim:
    held = claim(ledger)
    world.sleep(seconds)
    return held


def test_with_nothing_it_says_that_there_is_nothing(today: World, ledger: Ledger) -> None:
    tally = tally_of(ledger, today)
    velocity = figures.velocity(tally, 7, "")
    assert velocity["empty"] and velocity["total"] == 0
    assert velocity["weekly_average"] is None and velocity["trend"] is None
    assert len(velocity["days"]) == 7
    efficiency = figures.efficiency(tally, 30)
    assert efficiency["empty"] and efficiency["count"] == 0
    unknown = ("success_rate", "first_pass_rate", "attempts_per_task", "parallel_efficiency")
    assert {efficiency[name] for name in unknown} == {None}
    assert efficiency["cycle_seconds"] == {"median": None, "p90": None, "mean": None}
    assert figures.spending(tally, 7)["total_usd"] is None
    assert figures.bottlenecks(tally, 7, today.wall)["empty"]


def test_tasks_are_counted_on_the_day_on_which_they_landed(today: World, ledger: Ledger) -> None:
    add(ledger, "a", "b", "c", team="ENG")
    add(ledger, "d", team="OPS")
    finish(ledger, claim(ledger))
    today.sleep(2 * DAY)
    finish(ledger, claim(ledger))
    finish(ledger, claim(ledger))
    today.sleep(DAY)
    finish(ledger, claim(ledger))
    found = figures.velocity(tally_of(ledger, today), 7, "")
    assert [day["landed"] for day in found["days"]] == [0, 0, 0, 1, 0, 2, 1]
    assert [day["created"] for day in found["days"]] == [0, 0, 0, 4, 0, 0, 0]
    assert found["days"][-1]["date"] == "2024-10-07" and found["total"] == 4
    assert found["weekly_average"] == 4 and found["trend"] > 0
    ops = figures.velocity(tally_of(ledger, today), 7, "OPS")
    assert ops["total"] == 1 and ops["days"][-1]["landed"] == 1


def test_success_first_pass_and_cycle_time(today: World, ledger: Ledger) -> None:
    today.limits = type(today.limits)(max_attempts=2, backoff_seconds=0.001)
    ledger = today.open()
    add(ledger, "easy", "twice", "never")
    finish(ledger, work(ledger, today, 100))  # at once
    ledger.fail(work(ledger, today, 50), "gate: exit 1: 3 of 17 failed")
    today.sleep(10)
    finish(ledger, work(ledger, today, 140))  # 200 s after its first claim
    for _ in range(2):
        ledger.fail(work(ledger, today, 30), "gate: exit 2: 5 of 17 failed")
        today.sleep(10)
    found = figures.efficiency(tally_of(ledger, today), 7)
    assert found["count"] == 2 and found["success_rate"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["first_pass_rate"] == 0.5
    assert found["cycle_seconds"] == {"median": 150, "p90": 190, "mean": 150}
    assert found["attempts_per_task"] == pytest.approx(5 / 3, abs=1e-4)
    assert found["retry_rate"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["parallel_efficiency"] == 1 and found["busy_seconds"] == 350
    stuck = figures.bottlenecks(tally_of(ledger, today), 7, today.wall)
    assert stuck["failures"] == [{"reason": "gate: exit …: … of … failed", "count": 3}]
    assert [(row["identifier"], row["failures"]) for row in stuck["retried"]] == [
        ("ENG-3", 2),
        ("ENG-2", 1),
    ]
    working = stuck["time_in_state"]["in_progress"]
    assert working["count"] == 5 and working["total"] == 350 and working["median"] == 50


def test_two_at_once_are_twice_as_busy(today: World, ledger: Ledger) -> None:
    add(ledger, "a", "b")
    first = claim(ledger, "w1")
    today.sleep(100)
    second = claim(ledger, "w2")
    today.sleep(100)
    finish(ledger, first)
    today.sleep(100)
    finish(ledger, second)
    found = figures.efficiency(tally_of(ledger, today), 7)
    assert (found["busy_seconds"], found["active_seconds"], found["most_at_once"]) == (400, 300, 2)
    assert found["parallel_efficiency"] == pytest.approx(400 / 600, abs=1e-4)


def test_what_stays_for_too_long_is_stuck(today: World, ledger: Ledger) -> None:
    add(ledger, "asks", "hangs", "waits")
    asking = claim(ledger, "w1")
    ledger.ask(asking, "which one?")
    claim(ledger, "w2", seconds=10 * DAY)
    today.sleep(5 * HOUR)
    found = figures.bottlenecks(tally_of(ledger, today), 7, today.wall)["stuck"]
    assert {(row["identifier"], row["state"]) for row in found} == {
        ("ENG-1", "blocked"),
        ("ENG-2", "in_progress"),
    }
    assert all(row["seconds"] == 5 * HOUR for row in found)


def test_activity_is_by_the_hour_of_the_week(today: World, ledger: Ledger) -> None:
    add(ledger, "a")  # noon
    today.sleep(DAY + HOUR)
    add(ledger, "b", "c")
    week = figures.activity(tally_of(ledger, today), 7)
    assert [len(day) for day in week] == [24] * 7 and sum(map(sum, week)) == 3
    first = next(n for n, day in enumerate(week) if day[12] == 1)
    assert week[(first + 1) % 7][13] == 2


def test_money_is_by_day_model_worker_and_task(today: World, ledger: Ledger) -> None:
    add(ledger, "a", "b")
    run = started(ledger)
    for number, (model, cost) in enumerate((("haiku", 1.5), ("opus", None))):
        held = claim(ledger, f"w{number}", run)
        ledger.start_session(session(held, f"s{number}"), token_hash=f"h{number}", claim=held)
        ledger.spend(
            Usage(session=f"s{number}", model=model, status=200, input_tokens=10, cost_usd=cost)
        )
        today.sleep(DAY)
    found = figures.spending(tally_of(ledger, today), 7)
    assert [day["usd"] for day in found["days"]][-3:] == [1.5, None, 0.0]
    assert found["total_usd"] == 1.5 and found["unknown_price_requests"] == 1
    assert found["models"] == [
        {"name": "haiku", "usd": 1.5, "tokens": 10, "requests": 1},
        {"name": "opus", "usd": None, "tokens": 10, "requests": 1},
    ]
    assert [row["identifier"] for row in found["tasks"]] == ["ENG-1", "ENG-2"]
    assert [row["name"] for row in found["agents"]] == ["w0", "w1"]


def test_what_comes_bit_by_bit_adds_up_to_the_same(today: World, ledger: Ledger) -> None:
    """Whatever happens in whatever order: kept up to date or read at once, it is the same."""
    rng = random.Random(7)
    kept = Tally()
    add(ledger, *(f"t{n}" for n in range(30)))
    held: list[Claim] = []
    for step in range(150):
        today.sleep(rng.uniform(1, 4 * HOUR))
        if held and rng.random() < 0.6:
            _end(ledger, held.pop(rng.randrange(len(held))), rng)
        else:
            task = ledger.claim(worker=f"w{step}", run="", lease_seconds=99 * DAY)
            if task:
                held.append(
                    Claim(identifier=task.identifier, token=task.token, worker=f"w{step}", run="")
                )
        if rng.random() < 0.1:
            done = [t.identifier for t in ledger.tasks() if t.state in ("done", "failed")]
            if done:
                name = rng.choice(done)
                ledger.change(name, "reopen" if ledger.task(name).state == "done" else "retry")
        if rng.random() < 0.3:
            kept.update(ledger)
    kept.update(ledger)
    kept.today = lambda: today.wall
    whole = tally_of(ledger, today)
    for ask in (figures.efficiency, figures.spending):
        assert ask(kept, 90) == ask(whole, 90)
    assert figures.velocity(kept, 90, "") == figures.velocity(whole, 90, "")
    assert figures.bottlenecks(kept, 90, today.wall) == figures.bottlenecks(whole, 90, today.wall)
    landed = sum(1 for event in ledger.events(limit=10_000) if event.action == "land")
    assert figures.velocity(whole, 90, "")["total"] == landed


def _end(ledger: Ledger, held: Claim, rng: random.Random) -> None:
    match rng.randrange(4):
        case 0:
            ledger.fail(held, "it failed")
        case 1:
            ledger.release(held, "stopped")
        case _:
            ledger.submit(held, commit="c", verified=True)
            ledger.landed(
                landing(ledger), held.identifier, commit="m", target="main", verified=True
            )


def test_another_ledger_in_its_place_is_read_anew(today: World, tmp_path: Path) -> None:
    first = today.open(create=True)
    add(first, "a", "b", "c")
    tally = tally_of(first, today)
    assert figures.velocity(tally, 7, "")["days"][-1]["created"] == 3
    other = World(tmp_path / "other.db", wall=today.wall)
    second = other.open(create=True)
    add(second, "a")
    tally.update(second)
    assert figures.velocity(tally, 7, "")["days"][-1]["created"] == 1
    other.close()


def test_a_run_without_tasks_is_no_trouble(today: World, ledger: Ledger) -> None:
    ledger.start_run(Run(id="r", pid=1, host="h", target="main", engine="command", workers=1), 20)
    ledger.end_run("r")
    tally = tally_of(ledger, today)
    assert sum(map(sum, figures.activity(tally, 7))) == 2
    assert figures.velocity(tally, 7, "")["empty"]


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("gate: exit 1", "gate: exit …"),
        ("conflict with a1b2c3d4e5f6 in x2.py", "conflict with … in x2.py"),
        ("", "no reason was given"),
        ("first\nsecond", "first"),
        ("x" * 500, "x" * 100),
    ],
)
def test_the_same_reason_reads_the_same(why: str, reason: str) -> None:
    assert reason_of(why) == reason


def test_days_end_at_midnight_and_clocks_may_be_far_off() -> None:
    calendar = Calendar()
    number, hour = calendar.place(20_000 * DAY + 23.5 * HOUR)
    parts = list(calendar.parts(20_000 * DAY + 12 * HOUR, 20_002 * DAY + 12 * HOUR))
    assert sum(seconds for _, seconds in parts) == pytest.approx(2 * DAY)
    assert 2 <= len(parts) <= 3 and 0 <= hour < 24 and number > 700_000
    assert calendar.place(1e30) == (1, 0)
