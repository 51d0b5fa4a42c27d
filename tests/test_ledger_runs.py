"""What every ledger promises about runs, sessions, spending and history."""

from dataclasses import replace

import pytest

from axon.errors import NotFound, UsageError
from axon.ledger import Ledger, Usage, WorkerStatus
from tests.world import World, add, claim, finish, session, started

pytestmark = pytest.mark.promise

# ── runs ──


def test_a_run_is_alive_while_it_says_so(ledger: Ledger, world: World) -> None:
    run = started(ledger, max_usd=3.0)
    assert ledger.run(run).alive
    assert ledger.run(run).max_usd == 3.0
    world.sleep(19)
    ledger.renew_run(run, 20)
    world.sleep(19)
    assert ledger.run(run).alive
    world.sleep(2)
    assert not ledger.run(run).alive
    started(ledger, "run-2")
    assert [(r.id, r.alive) for r in ledger.runs()] == [("run-2", True), (run, False)]
    assert [r.id for r in ledger.runs(1)] == ["run-2"]
    ledger.end_run("run-2")
    ended = ledger.run("run-2")
    assert (ended.alive, ended.ended_at) == (False, world.wall)
    with pytest.raises(NotFound, match="no run nobody"):
        ledger.run("nobody")
    with pytest.raises(NotFound, match="no run nobody"):
        ledger.renew_run("nobody", 1)


def test_the_first_halt_is_the_reason(ledger: Ledger) -> None:
    run = started(ledger)
    ledger.halt_run(run, "auth", "wrong key")
    ledger.halt_run(run, "quota", "no money")
    ledger.request_stop(run)
    found = ledger.run(run)
    assert (found.halt, found.halt_reason, found.stop_requested) == ("auth", "wrong key", True)
    assert [e.action for e in ledger.events(run=run)] == [
        "run_started", "run_halted", "stop_requested",
    ]  # fmt: skip


def test_workers_say_what_they_do(ledger: Ledger, world: World) -> None:
    run = started(ledger)
    one = WorkerStatus(name="w1", run=run, pid=7, identifier="ENG-1", attempt=1, doing="Edit x")
    ledger.set_worker(one)
    ledger.set_worker(WorkerStatus(name="w2", run=run, pid=8, updated_at=5.0))
    assert ledger.workers(run)[0] == replace(one, updated_at=world.wall)
    ledger.set_worker(replace(one, doing="x" * 1000, turns=3, cost_usd=0.1))
    assert [(w.name, w.turns, len(w.doing)) for w in ledger.workers(run)] == [
        ("w1", 3, 300), ("w2", 0, 0),
    ]  # fmt: skip
    ledger.drop_worker(run, "w2")
    assert len(ledger.workers(run)) == 1
    ledger.end_run(run)
    assert ledger.workers(run) == []


# ── sessions and spending ──


def test_a_session_is_known_by_its_token_while_its_claim_holds(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    run = started(ledger)
    held, other = claim(ledger, run=run), claim(ledger, run=run)
    ledger.start_session(session(held), token_hash="h1", claim=held)
    ledger.start_session(session(other, "s2"), token_hash="h2", claim=other)
    found = ledger.session_of("h1")
    assert found is not None
    assert (found.id, found.identifier, found.max_usd) == ("s1", "ENG-1", 2.0)
    assert ledger.session_of("h3") is None
    ledger.end_session("s1", outcome="finished", engine_session="e", turns=4)
    assert ledger.session_of("h1") is None
    assert ledger.task("ENG-1").turns == 4
    ledger.release(other, "killed", lost=True)
    assert ledger.session_of("h2") is None, "its key must not outlive the claim"
    one, two = ledger.sessions()
    assert (one.outcome, one.turns, one.engine_session) == ("finished", 4, "e")
    assert (two.outcome, two.ended_at is None) == ("crashed", False)
    assert [s.id for s in ledger.sessions("ENG-2")] == ["s2"]
    assert [s.id for s in ledger.sessions(limit=1)] == ["s2"], "the newest are kept"


def test_spending_adds_up_everywhere_and_unknown_prices_stay_unknown(ledger: Ledger) -> None:
    add(ledger, "a")
    run = started(ledger)
    held = claim(ledger, run=run)
    ledger.start_session(session(held), token_hash="h", claim=held)

    def costs() -> tuple[float | None, ...]:
        return (
            ledger.task("ENG-1").cost_usd,
            ledger.run(run).cost_usd,
            ledger.sessions()[0].cost_usd,
        )

    ledger.spend(Usage(session="s1", model="local", status=200, input_tokens=10, output_tokens=1))
    assert costs() == (None, None, None)
    assert ledger.spent(run=run) == 0
    ledger.submit(held, commit="c", verified=True)
    ledger.spend(  # metered when it was over
        Usage(session="s1", model="haiku", status=200, cache_read_tokens=5, cost_usd=0.25)
    )
    ledger.spend(Usage(session="s1", model="haiku", status=200, cache_write_tokens=4, cost_usd=0.5))
    ledger.spend(Usage(session="s1", model="local", status=529))
    assert costs() == (0.75, 0.75, 0.75)
    assert ledger.task("ENG-1").tokens == ledger.sessions()[0].tokens == 20
    for key in ({"session": "s1"}, {"identifier": "ENG-1"}, {"run": run}):
        assert ledger.spent(**key) == 0.75
    assert ledger.spent(run="nobody") == ledger.spent() == 0
    with pytest.raises(NotFound, match="no session s9"):
        ledger.spend(Usage(session="s9", model="m", status=200))


def test_figures_that_make_no_sense_do_no_harm(ledger: Ledger) -> None:
    add(ledger, "a")
    held = claim(ledger)
    ledger.start_session(session(held), token_hash="h", claim=held)
    for cost in (float("nan"), float("inf"), -1.0):
        ledger.spend(
            Usage(session="s1", model="m", status=200, input_tokens=10**30, output_tokens=-5,
                  cost_usd=cost)
        )  # fmt: skip
    task = ledger.task("ENG-1")
    assert (task.cost_usd, task.tokens) == (None, 3 * 10**12)


# ── history ──


def test_history_is_read_by_task_by_run_and_as_a_tail(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    run = started(ledger)
    claim(ledger, run=run)
    seen = ledger.last_seq()
    ledger.record(
        "gate", actor="w1", identifier="ENG-1", run=run, why="red\udcff", data={"code": 1}
    )
    ledger.comment("ENG-2", " first line\nsecond ")
    tail = ledger.events(after=seen)
    assert [(e.action, e.identifier, e.why, e.data) for e in tail] == [
        ("gate", "ENG-1", "red\ufffd", {"code": 1}),
        ("comment", "ENG-2", "first line", {}),
    ]
    assert ledger.last_seq() == tail[-1].seq
    assert [e.action for e in ledger.events(identifier="ENG-1")] == ["add", "claim", "gate"]
    assert [e.action for e in ledger.events(run=run)] == ["run_started", "claim", "gate"]
    assert [e.action for e in ledger.events(run=run, limit=1)] == ["run_started"]
    ledger.record("long", actor="x", why="y" * 100_000)
    assert len(ledger.events(after=tail[-1].seq)[0].why) == 4000


def test_comments_are_kept_whole(ledger: Ledger) -> None:
    add(ledger, "a")
    ledger.comment("ENG-1", "one\ntwo")
    ledger.comment("ENG-1", "three", actor="w1")
    assert [(c.actor, c.body) for c in ledger.comments("ENG-1")] == [
        ("person", "one\ntwo"), ("w1", "three"),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        ledger.comments("ENG-9")
    with pytest.raises(NotFound):
        ledger.comment("ENG-9", "x")
    with pytest.raises(UsageError, match="empty"):
        ledger.comment("ENG-1", " \0")


def test_the_state_of_every_task_follows_from_its_events(ledger: Ledger, world: World) -> None:
    add(ledger, "a", "b", "c", "d")
    ledger.release(claim(ledger), "stopped")
    finish(ledger, claim(ledger))
    ledger.fail(claim(ledger), "red")
    ledger.change("ENG-4", "cancel")
    claim(ledger, "w3")
    world.sleep(31)
    ledger.expire()
    for task in ledger.tasks():
        after = [e for e in ledger.events(identifier=task.identifier) if e.after]
        assert after[-1].after == task.state
        for earlier, later in zip(after, after[1:], strict=False):
            assert later.before == earlier.after
