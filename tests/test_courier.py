"""The courier: errands side by side, each with its own failures, none of them the run's."""

from dataclasses import dataclass, field

from axon.integrations.errand import Outage
from axon.ledger import Ledger
from axon.team.courier.rounds import FIRST_PAUSE, LONGEST_PAUSE, Rounds
from tests.drive import wait_for
from tests.world import World


@dataclass
class Walk:
    """An errand that does as the test says."""

    name: str = "walk"
    final: bool = False
    faults: list[Exception | None] = field(default_factory=list)
    rounds: int = 0

    def once(self, ledger: Ledger, now: float) -> float:
        self.rounds += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            raise fault
        return 7.0


def told(ledger: Ledger) -> list[tuple[str, str]]:
    return [(event.action, event.why) for event in ledger.events()]


def test_a_failure_is_told_once_tried_later_and_later_and_told_when_it_is_over(
    ledger: Ledger, world: World
) -> None:
    walk = Walk(faults=[OSError("no route"), OSError("no route"), Outage("gone", seconds=99), None])
    rounds = Rounds(walk, world.open, "run-1")

    assert [rounds.turn(0.0) for _ in range(5)] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 99.0, 7.0, 7.0]

    assert told(ledger) == [
        ("errand_failed", "walk: OSError: no route"),
        ("errand_failed", "walk: gone"),
        ("errand_mended", "walk: works again"),
    ]


def test_the_pause_after_failures_has_an_end(world: World) -> None:
    world.open(create=True)
    rounds = Rounds(Walk(faults=[OSError("no")] * 20), world.open)
    assert max(rounds.turn(0.0) for _ in range(20)) == LONGEST_PAUSE


def test_an_errand_that_hangs_or_fails_holds_up_no_other(world: World) -> None:
    world.open(create=True)
    bad, good = Walk(faults=[RuntimeError("a bug")]), Walk(name="good", final=True)
    both = [Rounds(walk, world.open) for walk in (bad, good)]
    for one in both:
        one.start()
    wait_for(lambda: bad.rounds and good.rounds)
    for one in both:
        one.stop()
        one.join()
    assert (bad.rounds, good.rounds) == (1, 2)  # the last round of what is final
