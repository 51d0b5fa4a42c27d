"""What every ledger promises: claims are exclusive, fenced and limited, and end one way."""

from collections.abc import Callable
from typing import Any

import pytest

from axon.errors import BadMove, NotFound, StaleClaim, UsageError
from axon.ledger import Ledger, Limits
from axon.tasks import Claim, State
from tests.world import DAY, World, add, claim, idle, landing, session, started

pytestmark = pytest.mark.promise

# ── claims and how they end ──


def test_a_task_goes_its_whole_way(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    run = started(ledger)
    held = claim(ledger, run=run)
    assert held.token == 1
    assert ledger.claims(run) == [held]
    ledger.note(held, branch="agent/eng-1", target="main", result="did it\0", engine_session="e")
    world.sleep(7)
    task = ledger.submit(held, commit="c1", verified=True)
    assert (task.state, task.commit, task.verified, task.owner) == (State.REVIEW, "c1", True, "")
    assert task.seconds == 7
    assert ledger.claims(run) == []
    done = ledger.landed(landing(ledger), "ENG-1", commit="m1", target="main", verified=True)
    assert (done.state, done.landed_commit, done.target) == (State.DONE, "m1", "main")
    assert (done.branch, done.result, done.attempts) == ("agent/eng-1", "did it", 1)
    assert ledger.task("ENG-1") == done
    moves = [
        (e.action, e.before, e.after, e.attempt, e.run) for e in ledger.events(identifier="ENG-1")
    ]
    assert moves == [
        ("add", None, State.TODO, 0, ""),
        ("claim", State.TODO, State.IN_PROGRESS, 1, run),
        ("submit", State.IN_PROGRESS, State.REVIEW, 1, run),
        ("land", State.REVIEW, State.DONE, 1, run),
    ]


def test_submitting_and_claiming_the_next_is_one_step(ledger: Ledger, world: World) -> None:
    add(ledger, "a", "b")
    run = started(ledger)
    following = ledger.submit_and_claim(
        claim(ledger, run=run), commit="c", verified=False, lease_seconds=30
    )
    task = ledger.task("ENG-1")
    assert (task.state, task.verified) == (State.REVIEW, False)
    assert following is not None
    assert (following.identifier, following.owner, following.token) == ("ENG-2", "w1", 1)
    held = ledger.claims(run)[0]
    world.open().change("ENG-2", "cancel")
    with pytest.raises(StaleClaim):
        ledger.submit_and_claim(held, commit="c", verified=True, lease_seconds=30)
    add(ledger, "c")
    last = ledger.submit_and_claim(
        claim(ledger, run=run), commit="c", verified=True, lease_seconds=30
    )
    assert last is None


def test_of_several_the_first_that_is_ready_can_be_asked_for(ledger: Ledger) -> None:
    add(ledger, "a", "b", "c")
    run = started(ledger)
    ask: Any = {"worker": "w1", "run": run, "lease_seconds": 30.0}
    for named, given in ((["ENG-3", "ENG-2"], "ENG-3"), (["ENG-9", "ENG-3", "ENG-2"], "ENG-2")):
        task = ledger.claim(among=named, **ask)
        assert task is not None
        assert (task.identifier, task.owner, task.attempts) == (given, "w1", 1)
    assert ledger.claim(among=["ENG-2", "ENG-3"], **ask) is None
    assert ledger.claim(among=[], **ask) is None


def test_a_failure_is_tried_again_after_a_growing_pause(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    for attempt, pause in ((1, 2), (2, 4)):
        task = ledger.fail(claim(ledger), "gate: exit 1", feedback=f"output {attempt}")
        assert (task.state, task.failures, task.error) == (State.TODO, attempt, "gate: exit 1")
        assert task.feedback == f"output {attempt}"
        assert idle(ledger)
        assert ledger.ready_in() == pause
        world.wall += DAY  # the wall clock has no say in it
        assert idle(ledger)
        world.boot += pause
    task = ledger.fail(claim(ledger), "crashed", data={"session": "s"})
    assert (task.state, task.failures, task.attempts) == (State.FAILED, 3, 3)
    assert task.feedback == "output 2", "what is still to be told is kept"
    assert ledger.events(identifier="ENG-1")[-1].data == {"session": "s"}
    assert idle(ledger)
    assert ledger.ready_in() is None


def test_the_pause_after_a_failure_is_bounded(world: World) -> None:
    world.limits = Limits(max_attempts=100, backoff_seconds=2)
    ledger = world.open(create=True)
    add(ledger, "a")
    for _ in range(60):
        ledger.fail(claim(ledger), "red")
        world.boot += 300
    assert ledger.task("ENG-1").failures == 60


def test_a_task_may_have_a_cap_of_its_own_and_a_failure_may_be_final(ledger: Ledger) -> None:
    add(ledger, "a", max_attempts=1)
    add(ledger, "b")
    assert ledger.fail(claim(ledger), "red").state is State.FAILED
    assert ledger.fail(claim(ledger), "over budget", final=True).state is State.FAILED


def test_a_reboot_ends_the_pause_after_a_failure(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    ledger.fail(claim(ledger), "red")
    assert claim(world.reboot()).token == 2


def test_giving_back_is_no_failure(ledger: Ledger) -> None:
    add(ledger, "a")
    task = ledger.release(claim(ledger), "stopped")
    assert (task.state, task.attempts, task.failures, task.losses) == (State.TODO, 1, 0, 0)
    task = ledger.release(claim(ledger), "wrong key", worked=False)
    assert (task.attempts, task.token, task.error) == (1, 2, "")
    task = ledger.release(claim(ledger), "killed by signal 9", lost=True)
    assert (task.attempts, task.losses, task.error) == (2, 1, "killed by signal 9")


def test_a_task_that_kills_its_workers_is_given_up(world: World) -> None:
    world.limits = Limits(max_losses=2)
    ledger = world.open(create=True)
    add(ledger, "a")
    assert ledger.release(claim(ledger), "killed", lost=True).state is State.TODO
    assert ledger.release(claim(ledger), "killed", lost=True).state is State.FAILED


def test_retry_starts_anew_and_keeps_the_work(ledger: Ledger) -> None:
    add(ledger, "a", max_attempts=1)
    held = claim(ledger)
    ledger.note(held, branch="agent/eng-1", engine_session="e")
    ledger.fail(held, "red", feedback="output")
    task = ledger.change("ENG-1", "retry", why="now it will")
    assert (task.failures, task.losses, task.error) == (0, 0, "")
    assert (task.branch, task.engine_session, task.feedback) == ("agent/eng-1", "e", "output")
    assert claim(ledger).token == 2
    event = next(e for e in ledger.events() if e.action == "retry")
    assert (event.actor, event.why) == ("person", "now it will")


def test_a_person_is_told_which_moves_there_are(ledger: Ledger) -> None:
    add(ledger, "a")
    with pytest.raises(BadMove, match="cannot retry ENG-1: it is Todo"):
        ledger.change("ENG-1", "retry")
    with pytest.raises(UsageError, match="retry, cancel or reopen"):
        ledger.change("ENG-1", "claim")
    with pytest.raises(NotFound):
        ledger.change("ENG-2", "cancel")
    assert len(ledger.events()) == 1


STALE: dict[str, Callable[[Ledger, Claim], Any]] = {
    "renew": lambda ledger, held: ledger.renew(held, 30),
    "note": lambda ledger, held: ledger.note(held, branch="b"),
    "submit": lambda ledger, held: ledger.submit(held, commit="c", verified=True),
    "submit_and_claim": lambda ledger, held: ledger.submit_and_claim(
        held, commit="c", verified=True, lease_seconds=30
    ),
    "fail": lambda ledger, held: ledger.fail(held, "red"),
    "release": lambda ledger, held: ledger.release(held, "stopped"),
    "session": lambda ledger, held: ledger.start_session(session(held), token_hash="h", claim=held),
}


@pytest.mark.parametrize("write", STALE)
@pytest.mark.parametrize("how", ["expired", "claimed by another", "canceled", "submitted"])
def test_a_lost_claim_writes_nothing(ledger: Ledger, world: World, write: str, how: str) -> None:
    add(ledger, "a", "other")
    held = claim(ledger)
    if how == "canceled":
        ledger.change("ENG-1", "cancel")
    elif how == "submitted":
        ledger.submit(held, commit="c", verified=True)
    else:
        world.sleep(31)
        assert [task.identifier for task in ledger.expire()] == ["ENG-1"]
        if how == "claimed by another":
            assert claim(ledger, "w2").identifier == "ENG-1"
    before, seq = ledger.tasks(), ledger.last_seq()
    with pytest.raises(StaleClaim, match="was lost"):
        STALE[write](ledger, held)
    assert ledger.tasks() == before
    assert ledger.last_seq() == seq


def test_only_facts_can_be_noted(ledger: Ledger) -> None:
    add(ledger, "a")
    held = claim(ledger)
    with pytest.raises(TypeError, match="state"):
        ledger.note(held, state="done")


# ── leases ──


def test_a_lease_ends_by_itself_unless_renewed(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    held = claim(ledger, seconds=30)
    world.sleep(29)
    assert ledger.expire() == []
    ledger.renew(held, 30)
    world.sleep(29)
    assert ledger.expire() == []
    world.sleep(2)
    (task,) = ledger.expire()
    assert (task.state, task.attempts, task.losses) == (State.TODO, 1, 1)
    assert task.error == "w1 fell silent"
    assert ledger.expire() == []


def test_a_late_renewal_is_good_while_nobody_has_taken_it(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    held = claim(ledger, seconds=30)
    world.sleep(100)  # the machine was suspended
    ledger.renew(held, 30)
    assert ledger.expire() == []


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_jumps_of_the_wall_clock_end_no_lease(ledger: Ledger, world: World, jump: float) -> None:
    add(ledger, "a")
    run = started(ledger)
    held = claim(ledger, run=run)
    lease = landing(ledger)
    world.wall += jump
    assert ledger.expire() == []
    assert ledger.run(run).alive
    assert ledger.lease("landing", "somebody", 30) is None
    ledger.renew(held, 30)
    assert ledger.submit(held, commit="c", verified=True).seconds == 0
    ledger.landed(lease, "ENG-1", commit="m", target="main", verified=True)


def test_a_reboot_ends_all_leases(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    run = started(ledger)
    held = claim(ledger, run=run)
    landing(ledger)
    after = world.reboot()
    assert not after.run(run).alive
    assert after.lease("landing", "somebody", 30) is not None
    (task,) = after.expire()
    assert (task.state, task.losses) == (State.TODO, 0), "it is not the task's fault"
    with pytest.raises(StaleClaim):
        after.submit(held, commit="c", verified=True)


def test_a_duty_has_one_holder_at_a_time(ledger: Ledger, world: World) -> None:
    add(ledger, "a", "b", max_attempts=1)
    for held in (claim(ledger), claim(ledger)):
        ledger.submit(held, commit="c", verified=True)
    mine = ledger.lease("landing", "me", 30)
    assert mine is not None and mine.token == 1
    assert ledger.lease("landing", "you", 30) is None
    assert ledger.lease("other", "you", 30) is not None
    world.sleep(20)
    assert ledger.lease("landing", "me", 30) == mine, "prolonged, not taken anew"
    world.sleep(29)
    assert ledger.lease("landing", "you", 30) is None
    world.sleep(2)
    yours = ledger.lease("landing", "you", 30)
    assert yours is not None and yours.token == 2
    with pytest.raises(StaleClaim, match="landing"):
        ledger.landed(mine, "ENG-1", commit="m", target="main", verified=True)
    with pytest.raises(StaleClaim, match="landing"):
        ledger.reject(mine, "ENG-1", "conflict", feedback="f")
    ledger.drop_lease(mine)
    assert ledger.lease("landing", "me", 30) is None, "what was lost cannot be dropped"
    assert ledger.reject(yours, "ENG-1", "conflict", feedback="f").state is State.FAILED
    ledger.drop_lease(yours)
    again = ledger.lease("landing", "me", 30)
    assert again is not None and again.token == 3


def test_what_was_rejected_is_tried_again(ledger: Ledger) -> None:
    add(ledger, "a")
    ledger.submit(claim(ledger), commit="c", verified=True)
    task = ledger.reject(landing(ledger), "ENG-1", "conflict in x.py", feedback="markers")
    assert (task.state, task.failures, task.feedback) == (State.TODO, 1, "markers")
    assert ledger.ready_in() == 2
    with pytest.raises(BadMove):
        ledger.landed(landing(ledger), "ENG-1", commit="m", target="main", verified=True)
