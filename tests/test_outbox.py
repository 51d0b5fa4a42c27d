"""What is told outside: once for each key, in order, and nothing half when it is cut short."""

import pytest

from axon.errors import BadMove
from axon.ledger import Fate, Ledger, Note, Outcome
from axon.tasks import State
from tests.world import World, add

pytestmark = pytest.mark.promise


def note(key: str, text: str = "") -> Note:
    return Note(key=key, kind="landed", body={"text": text or key})


def test_a_key_is_told_once_on_its_channel_and_in_order(ledger: Ledger) -> None:
    assert ledger.post("telegram 1", [note("a"), note("b"), note("a", "again")]) == 2
    assert ledger.post("telegram 1", [note("b"), note("c")]) == 1
    assert ledger.post("telegram 2", [note("a")]) == 1

    assert [one.key for one in ledger.open_letters("telegram 1")] == ["a", "b", "c"]
    assert ledger.open_letters("telegram 1")[0].body == {"text": "a"}
    assert ledger.channels() == {"telegram 1": {"pending": 3}, "telegram 2": {"pending": 1}}


def test_a_letter_is_begun_by_one_and_ended_by_whoever_finds_it_begun(ledger: Ledger) -> None:
    ledger.post("t", [note("a")])
    (letter,) = ledger.open_letters("t")

    assert ledger.begin_sending(letter)
    assert not ledger.begin_sending(letter)
    ledger.end_sending(letter, Outcome(fate=Fate.PENDING, error="gone", next_at=5, doubtful=True))
    (again,) = ledger.open_letters("t")
    assert (again.fate, again.attempts, again.doubts, again.next_at, again.error) == (
        Fate.PENDING, 1, 1, 5.0, "gone",
    )  # fmt: skip
    ledger.end_sending(letter, Outcome(fate=Fate.SENT))  # it is not begun: nothing happens
    assert ledger.begin_sending(again)
    ledger.end_sending(again, Outcome(fate=Fate.SENT, receipt="77", counted=False))

    assert ledger.open_letters("t") == []
    (sent,) = ledger.letters("t", key="a")
    assert (sent.fate, sent.attempts, sent.receipt) == (Fate.SENT, 1, "77")
    assert sent.sent_at is not None
    assert ledger.post("t", [note("a")]) == 0


def test_what_is_settled_is_forgotten_after_a_while_and_no_number_comes_twice(
    ledger: Ledger, world: World
) -> None:
    ledger.post("t", [note("a"), note("b")])
    first, second = ledger.open_letters("t")
    ledger.begin_sending(first)
    ledger.end_sending(first, Outcome(fate=Fate.SENT))
    world.sleep(100)

    assert ledger.tidy_outbox(world.wall - 50) == 1
    assert [one.key for one in ledger.letters("t")] == ["b"]
    ledger.begin_sending(second)
    ledger.end_sending(second, Outcome(fate=Fate.FAILED))
    assert ledger.tidy_outbox(world.wall + 50) == 1
    ledger.post("t", [note("c")])
    assert ledger.open_letters("t")[0].id == second.id + 1


def test_bookmarks_are_kept_replaced_and_taken_away(ledger: Ledger) -> None:
    assert ledger.bookmark("telegram offset") == ""
    ledger.set_bookmark("telegram offset", "7")
    ledger.set_bookmark("telegram offset", "8")
    ledger.set_bookmark("telegram confirm 1", "x")
    ledger.set_bookmark("other", "y")
    assert ledger.bookmarks("telegram ") == {"telegram confirm 1": "x", "telegram offset": "8"}
    ledger.set_bookmark("telegram confirm 1", "")
    assert ledger.bookmarks("telegram ") == {"telegram offset": "8"}


def test_what_is_done_together_is_done_whole_or_not_at_all(ledger: Ledger, world: World) -> None:
    (name,) = add(ledger, "one")

    def work() -> None:
        ledger.set_bookmark("at", "1")
        ledger.post("t", [note("a")])
        ledger.pause("by hand", actor="telegram 1")
        ledger.change(name, "retry")  # it is to do: BadMove

    with pytest.raises(BadMove):
        ledger.together(work)
    other = world.open()
    assert (other.bookmark("at"), other.letters(), other.paused()) == ("", [], None)
    before = ledger.last_seq()

    def good() -> str:
        ledger.set_bookmark("at", "2")
        ledger.post("t", [note("a")])
        ledger.pause("by hand", actor="telegram 1")
        ledger.change(name, "cancel")
        return ledger.task(name).state.value

    assert ledger.together(good) == "canceled"
    assert (other.bookmark("at"), len(other.letters())) == ("2", 1)
    assert other.paused() == ("by hand", None)
    assert other.task(name).state is State.CANCELED
    assert [e.action for e in other.events(after=before)] == ["pause", "cancel"]
    assert other.check() == []


def test_who_has_gone_holds_no_duty(ledger: Ledger) -> None:
    for name in ("tell a", "tell b"):
        assert ledger.lease(name, "courier of run-1", 100)
    assert ledger.lease("tell c", "courier of run-2", 100)
    ledger.drop_leases("courier of run-1")
    assert ledger.lease("tell a", "another", 100)
    assert ledger.lease("tell c", "another", 100) is None
    assert ledger.check() == []
