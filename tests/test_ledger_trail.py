"""What the ledger tells of its history to whoever adds it up, page by page."""

import pytest

from axon.errors import LedgerError, NotFound
from axon.ledger import Ledger, Step, Usage, open_ledger
from axon.ledger.file import FileLedger
from tests.world import World, add, claim, finish, session, started


def test_the_pulse_is_another_after_every_write_and_only_then(world: World, ledger: Ledger) -> None:
    other = world.open()
    before = ledger.pulse()
    assert ledger.pulse() == before
    ledger.tasks(), ledger.counts(), other.events()
    assert ledger.pulse() == before
    seen = {before}
    for write in (
        lambda: other.add([]),
        lambda: add(other, "a"),
        lambda: other.pause("lunch"),
        lambda: add(ledger, "b"),  # one's own counts too
        lambda: other.comment("ENG-1", "here"),
    ):
        write()
        seen.add(ledger.pulse())
    assert len(seen) >= 5


def test_steps_are_the_events_in_their_order(ledger: Ledger) -> None:
    add(ledger, "a", "b", "c")
    finish(ledger, claim(ledger))
    events, steps = ledger.events(), ledger.steps()
    assert [step.seq for step in steps] == [event.seq for event in events]
    assert [(s.action, s.before, s.after) for s in steps] == [
        (e.action, e.before, e.after) for e in events
    ]
    paged: list[Step] = []
    while page := ledger.steps(after=paged[-1].seq if paged else 0, limit=2):
        paged += page
    assert paged == steps


def test_a_missing_event_is_noticed(world: World, ledger: Ledger) -> None:
    add(ledger, "a", "b", "c")
    assert isinstance(ledger, FileLedger)
    ledger._store.db.execute("DELETE FROM event WHERE seq = 2")
    with pytest.raises(LedgerError, match="missing"):
        ledger.steps()


def test_the_latest_events_come_oldest_first_and_filtered(ledger: Ledger) -> None:
    names = add(ledger, *(f"t{n}" for n in range(5)))
    ledger.comment(names[0], "one", actor="Ann")
    ledger.comment(names[1], "two", actor="Bob")
    assert [event.seq for event in ledger.latest(limit=3)] == [5, 6, 7]
    assert [event.seq for event in ledger.latest(before=6, limit=2)] == [4, 5]
    assert [event.seq for event in ledger.latest(after=5)] == [6, 7]
    assert [event.actor for event in ledger.latest(action="comment")] == ["Ann", "Bob"]
    assert [event.seq for event in ledger.latest(actor="Bob")] == [7]
    assert [event.action for event in ledger.latest(identifier=names[0])] == ["add", "comment"]
    assert ledger.latest(identifier="ENG-99") == []


def test_spending_is_told_by_request_and_by_session(ledger: Ledger) -> None:
    add(ledger, "a")
    held = claim(ledger, "w1", started(ledger))
    ledger.start_session(session(held), token_hash="h", claim=held)
    for cost in (0.5, None):
        ledger.spend(Usage(session="s1", model="haiku", status=200, input_tokens=7, cost_usd=cost))
    rows = ledger.spending()
    assert [(row.identifier, row.agent, row.tokens, row.cost_usd) for row in rows] == [
        ("ENG-1", "w1", 7, 0.5),
        ("ENG-1", "w1", 7, None),
    ]
    assert ledger.spending(after=rows[0].id) == rows[1:]
    assert [row.id for row in ledger.session_spending("s1")] == [row.id for row in rows]
    assert ledger.session_spending("s2") == []
    assert (ledger.session_count(), ledger.session_count("ENG-1"), ledger.session_count("X-1")) == (
        1,
        1,
        0,
    )


def test_what_is_tied_to_a_task(ledger: Ledger) -> None:
    (first,) = add(ledger, "first")
    (second,) = add(ledger, "second", depends=(first,))
    (part,) = add(ledger, "part", parent=first)
    found = ledger.related(first)
    assert [task.identifier for task in found.children] == [part]
    assert [task.identifier for task in found.needed_by] == [second] and not found.needs
    assert [task.identifier for task in ledger.related(second).needs] == [first]
    assert ledger.related(part).needed_by == ()  # its parent is no dependent
    with pytest.raises(NotFound):
        ledger.related("ENG-99")


def test_another_process_is_noticed_too(world: World, ledger: Ledger) -> None:
    other = open_ledger(f"file:{world.path}")
    before = ledger.pulse()
    other.record("progress", actor="w1")
    assert ledger.pulse() != before
    other.close()
