"""Messages and what agents write: each once, and only under a claim that holds."""

from dataclasses import replace

import pytest

from axon.errors import Forbidden, NotFound, StaleClaim, UsageError
from axon.ledger import Ledger
from axon.ledger.messages.posting import MAX_FOLLOW_UPS, MAX_UNREAD
from axon.tasks import Draft, State
from tests.world import World, add, claim, finish

pytestmark = pytest.mark.promise


def bodies(ledger: Ledger, identifier: str) -> list[str]:
    return [message.body for message in ledger.unread(identifier)]


def test_a_message_is_unread_until_it_is_acknowledged(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    first = ledger.send("ENG-1", "  use tabs  ")
    held = claim(ledger)
    second = ledger.send("ENG-1", "and \0no\nspaces", sender="ENG-2")
    assert [(m.id, m.sender, m.body) for m in world.open().unread("ENG-1")] == [
        (first.id, "person", "use tabs"),
        (second.id, "ENG-2", "and no\nspaces"),
    ]
    ledger.acknowledge([first.id, 99], held)
    assert bodies(ledger, "ENG-1") == ["and no\nspaces"]
    assert [m.read_at is not None for m in ledger.messages("ENG-1")] == [True, False]
    told = [e for e in ledger.events(identifier="ENG-1") if e.action == "message"]
    assert [(e.actor, e.why) for e in told] == [("person", "use tabs"), ("ENG-2", "and no")]


def test_messages_survive_attempts(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    held = claim(ledger)
    message = ledger.send("ENG-1", "hear me")
    ledger.release(held, "its worker died")
    ledger.acknowledge([message.id], held)  # its agent had it: nobody else has the task
    assert bodies(ledger, "ENG-1") == []
    late = ledger.send("ENG-1", "and me")
    again = claim(ledger)
    with pytest.raises(StaleClaim):
        ledger.acknowledge([late.id], held)
    assert bodies(ledger, "ENG-1") == ["and me"]
    ledger.acknowledge([late.id], again)
    assert bodies(ledger, "ENG-1") == []


def test_only_its_own_messages_can_be_acknowledged(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    held = claim(ledger)
    other = ledger.send("ENG-2", "for b")
    ledger.acknowledge([other.id], held)
    assert bodies(ledger, "ENG-2") == ["for b"]


def test_what_cannot_be_sent_is_said(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    with pytest.raises(NotFound):
        ledger.send("ENG-9", "x")
    with pytest.raises(UsageError, match="empty"):
        ledger.send("ENG-1", " \n ")
    with pytest.raises(UsageError, match="limit"):
        ledger.send("ENG-1", "x" * 20_000)
    finish(ledger, claim(ledger))
    with pytest.raises(Forbidden, match="Done"):
        ledger.send("ENG-1", "too late")
    for number in range(MAX_UNREAD):
        ledger.send("ENG-2", str(number))
    with pytest.raises(Forbidden, match="unread"):
        ledger.send("ENG-2", "one more")


def test_an_agent_writes_only_while_its_claim_holds(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    held = claim(ledger)
    ledger.remark(held, "of its own")
    ledger.remark(held, "of another's", on="ENG-2")
    ledger.report(held, "progress", "half done", percent=50)
    ledger.send("ENG-2", "hello", sender="ENG-1", claim=held)
    found = ledger.follow_up(held, Draft(title="Tidy up"))
    assert (found.identifier, found.labels, found.state) == ("ENG-3", ("follow-up",), State.TODO)
    assert [c.body for c in ledger.comments("ENG-2")] == ["of another's"]
    count = len(ledger.events())

    for stale in (held, replace(held, token=held.token - 1)):
        if stale is held:
            ledger.release(held, "stopped")
            count += 1
        for write in (
            lambda c: ledger.remark(c, "late"),
            lambda c: ledger.report(c, "progress", "late"),
            lambda c: ledger.send("ENG-2", "late", claim=c),
            lambda c: ledger.follow_up(c, Draft(title="late")),
        ):
            with pytest.raises(StaleClaim):
                write(stale)
    assert len(ledger.events()) == count, "nothing was written"


def test_agents_cannot_keep_each_other_busy_for_ever(ledger: Ledger) -> None:
    add(ledger, "a")
    held = claim(ledger)
    for number in range(MAX_FOLLOW_UPS):
        ledger.follow_up(held, Draft(title=f"more {number}"))
    with pytest.raises(Forbidden, match="wait already"):
        ledger.follow_up(held, Draft(title="and more"))


def test_a_task_with_new_parts_waits_for_them(ledger: Ledger) -> None:
    add(ledger, "a")
    held = claim(ledger)
    ledger.follow_up(held, Draft(title="part", parent="ENG-1"))
    assert ledger.task("ENG-1").blocked == 1
    ledger.release(held, "waits for its parts")
    part = claim(ledger)
    assert part.identifier == "ENG-2"
    finish(ledger, part)
    assert claim(ledger).identifier == "ENG-1"
