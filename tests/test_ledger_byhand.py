"""Moves by hand: only along the table, only when ready, and no lease that could run out."""

import pytest

from axon.errors import BadMove, NotFound
from axon.ledger import Ledger
from axon.tasks import MOVES, Claim, State
from tests.world import World, add, claim, idle

pytestmark = pytest.mark.promise


def test_a_task_is_moved_through_its_life(ledger: Ledger) -> None:
    add(ledger, "a")
    for state in (State.IN_PROGRESS, State.REVIEW, State.DONE, State.TODO, State.IN_PROGRESS):
        assert ledger.move("ENG-1", state, why="so", actor="mcp").state is state
    assert ledger.task("ENG-1").owner == "mcp"
    assert [e.action for e in ledger.events()] == [
        "add", "claim", "submit", "land", "reopen", "claim",
    ]  # fmt: skip
    assert {(e.actor, e.why) for e in ledger.events()[1:]} == {("mcp", "so")}


@pytest.mark.parametrize("before", State)
def test_no_state_is_reached_past_the_table(ledger: Ledger, before: State) -> None:
    add(ledger, "a")
    ways = {State.TODO: [], State.IN_PROGRESS: [State.IN_PROGRESS]}
    for state in (State.REVIEW, State.BLOCKED, State.FAILED, State.CANCELED):
        ways[state] = [State.IN_PROGRESS, state]
    ways[State.DONE] = [*ways[State.REVIEW], State.DONE]
    for state in ways[before]:
        ledger.move("ENG-1", state)
    reachable = {to for (state, _), to in MOVES.items() if state is before}
    for target in State:
        if target not in reachable:
            with pytest.raises(BadMove, match="ENG-1 cannot go from"):
                ledger.move("ENG-1", target)
    assert ledger.task("ENG-1").state is before


def test_only_what_is_ready_is_started(ledger: Ledger, world: World) -> None:
    add(ledger, "a", paths=("src/**",))
    add(ledger, "b", depends=("ENG-1",))
    add(ledger, "c", paths=("src/x.py",))
    add(ledger, "d", not_before=world.wall + 100)
    ledger.move("ENG-1", State.IN_PROGRESS)
    for identifier, reason in {
        "ENG-1": "from In Progress to In Progress",
        "ENG-2": r"it waits for ENG-1 \(In Progress\)",
        "ENG-3": "same files",
        "ENG-4": "not to be started before",
    }.items():
        with pytest.raises(BadMove, match=reason):
            ledger.move(identifier, State.IN_PROGRESS)
    add(ledger, "e")
    ledger.pause("lunch")
    with pytest.raises(BadMove, match="paused"):
        ledger.move("ENG-5", State.IN_PROGRESS)
    with pytest.raises(NotFound):
        ledger.move("ENG-9", State.TODO)


def test_what_was_taken_by_hand_is_kept_for_ever(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    ledger.move("ENG-1", State.IN_PROGRESS)
    world.sleep(1_000_000)
    assert world.reboot().expire() == [] and idle(ledger)
    assert ledger.task("ENG-1").state is State.IN_PROGRESS


def test_a_worker_loses_what_a_person_takes_from_it(ledger: Ledger) -> None:
    add(ledger, "a")
    held: Claim = claim(ledger)
    ledger.move("ENG-1", State.TODO)
    ledger.move("ENG-1", State.IN_PROGRESS)
    with pytest.raises(Exception, match="was lost"):
        ledger.submit(held, commit="c", verified=True)
