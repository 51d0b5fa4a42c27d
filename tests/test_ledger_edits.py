"""What people change in a ledger: whole, refused with a reason, seen by others, taken back."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from axon.errors import AxonError, BadMove, Conflict, Forbidden, NotFound, StaleClaim, UsageError
from axon.ledger import Ledger
from axon.tasks import Draft, Priority, Record, State, Task
from tests.world import World, add, claim, finish, landing

pytestmark = pytest.mark.promise
in_a_file = pytest.mark.promise(
    but={
        "task_mcp": "a task server takes nothing back, deletes nothing, and imports only new tasks"
    }
)


@pytest.fixture(autouse=True)
def sound(ledger: Ledger) -> Any:
    """Whatever a test did, the ledger is as it must be."""
    yield
    assert ledger.check() == []


def as_it_was(task: Task) -> Task:
    """Without what never goes back."""
    return replace(task, version=0, updated_at=0.0)


# ── edit ──


@in_a_file
def test_every_field_a_person_may_set_is_set_and_taken_back(ledger: Ledger) -> None:
    add(ledger, "whole", "part")
    before = ledger.task("ENG-2")
    fields = {
        "title": "new  title", "description": "\nall\nof it \n", "priority": Priority.URGENT,
        "type": "bug", "labels": ("a", "b"), "project": "p", "parent": "eng-1",
        "paths": ("src/**",), "check": "true", "max_attempts": 2, "max_usd": 1.5, "max_turns": 3,
        "max_minutes": 4.5, "not_before": 5.0,
    }  # fmt: skip
    (task,) = ledger.edit(["eng-2"], fields)
    kept = fields | {"title": "new title", "description": "all\nof it", "parent": "ENG-1"}
    assert {name: getattr(task, name) for name in kept} == kept
    assert (task.version, ledger.task("ENG-2"), ledger.task("ENG-1").blocked) == (1, task, 1)
    event = ledger.events(identifier="ENG-2")[-1]
    assert (event.action, event.actor, event.before) == ("edit", "person", None)
    assert "priority: medium → urgent; type: task → bug; labels: none → a, b" in event.why
    undone = ledger.undo()
    assert (undone.action, undone.removed) == ("edit", ())
    assert as_it_was(undone.tasks[0]) == as_it_was(before)
    assert (undone.tasks[0].version, ledger.task("ENG-1").blocked) == (2, 0)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "nothing to change"),
        ({"state": State.DONE}, "no field 'state' can be changed; use one of title"),
        ({"title": " "}, "cannot be without a title"),
        ({"title": "a\nb"}, "one line"),
        ({"title": "x" * 201}, "one line of at most 200"),
        ({"description": "x" * (5 << 20)}, "the limit is"),
        ({"parent": "ENG-9"}, "is part of ENG-9, which does not exist"),
        ({"parent": "ENG-1"}, "wait for each other: ENG-1 → ENG-1"),
    ],
)
@in_a_file
def test_what_cannot_be_edited_is_refused_whole(
    ledger: Ledger, fields: dict[str, Any], problem: str
) -> None:
    add(ledger, "a", "b")
    before = ledger.tasks()
    with pytest.raises(UsageError, match=problem):
        ledger.edit(["ENG-2", "ENG-1"], {"type": "bug", **fields} if fields else {})
    assert ledger.tasks() == before
    with pytest.raises(NotFound):
        ledger.edit(["ENG-1", "ENG-9"], {"type": "bug"})
    assert ledger.tasks() == before
    with pytest.raises(Forbidden, match="no change to take back"):
        ledger.undo()


def test_what_changes_nothing_is_no_change(ledger: Ledger) -> None:
    add(ledger, "a")
    assert ledger.edit(["ENG-1"], {"title": " a ", "check": ""})[0].version == 0
    assert [event.action for event in ledger.events()] == ["add"]
    with pytest.raises(Forbidden):
        ledger.undo()


@in_a_file
def test_of_two_editors_the_second_is_told(ledger: Ledger, world: World) -> None:
    add(ledger, "a", "b")
    other = world.open()
    seen = ledger.task("ENG-1").version
    other.edit(["ENG-1"], {"title": "theirs"}, if_version=seen)
    with pytest.raises(Conflict, match="changed meanwhile: it is at version 1, you saw 0"):
        ledger.edit(["ENG-1"], {"description": "ours"}, if_version=seen)
    with pytest.raises(Conflict):
        ledger.depend("ENG-1", on=["ENG-2"], if_version=seen)
    assert ledger.task("ENG-1").description == ""
    other.undo()  # even then: what was seen is not what was there in between
    with pytest.raises(Conflict):
        ledger.edit(["ENG-1"], {"description": "ours"}, if_version=1)
    with pytest.raises(UsageError, match="a version is that of one task"):
        ledger.edit(["ENG-1", "ENG-2"], {"type": "x"}, if_version=2)


def test_a_worker_does_not_make_an_editor_stale(ledger: Ledger) -> None:
    add(ledger, "a")
    held = claim(ledger)
    ledger.note(held, branch="agent/eng-1")
    ledger.edit(["ENG-1"], {"description": "more"}, if_version=0)
    finish(ledger, held)
    assert ledger.task("ENG-1").description == "more"


def test_a_running_task_keeps_what_others_rely_on(ledger: Ledger) -> None:
    add(ledger, "a", "b", paths=("src/**",))
    held = claim(ledger)
    with pytest.raises(Forbidden, match="keep other tasks off the files it works on now"):
        ledger.edit(["ENG-2", "ENG-1"], {"paths": ("docs/**",)})
    with pytest.raises(BadMove, match="it is In Progress; cancel it first"):
        ledger.depend("ENG-1", on=["ENG-2"])
    assert ledger.edit(["ENG-1"], {"check": "make test", "max_usd": 3.0})[0].check == "make test"
    finish(ledger, held)
    with pytest.raises(Forbidden, match="is Done, and was worked by its check; reopen it"):
        ledger.edit(["ENG-1"], {"check": ""})
    assert ledger.edit(["ENG-1"], {"title": "typo mended"})[0].title == "typo mended"


@in_a_file
def test_a_new_time_holds_a_task_back_and_lets_it_go(ledger: Ledger, world: World) -> None:
    add(ledger, "a")
    ledger.edit(["ENG-1"], {"not_before": world.wall + 60})
    assert ledger.ready_in() == 60
    ledger.edit(["ENG-1"], {"not_before": None})
    assert ledger.ready_in() == 0
    ledger.undo()
    assert ledger.ready_in() == 60


# ── depend ──


def test_dependencies_come_and_go(ledger: Ledger) -> None:
    add(ledger, "a", "b", "c")
    assert ledger.depend("eng-3", on=["eng-1", "ENG-2", "ENG-1"]).depends == ("ENG-1", "ENG-2")
    assert ledger.task("ENG-3").blocked == 2
    assert ledger.depend("ENG-3", off=["ENG-1"]).depends == ("ENG-2",)
    assert claim(ledger).identifier == "ENG-1"
    with pytest.raises(UsageError, match="does not depend on ENG-1"):
        ledger.depend("ENG-3", off=["ENG-1"])
    with pytest.raises(UsageError, match="depends on ENG-9, which does not exist"):
        ledger.depend("ENG-3", on=["ENG-9"])
    with pytest.raises(UsageError, match="nothing to change"):
        ledger.depend("ENG-3")


def test_circles_are_refused_through_parents_too(ledger: Ledger) -> None:
    ledger.add([Draft(title="whole", key="w"), Draft(title="part", parent="w")])
    add(ledger, "c")
    ledger.depend("ENG-2", on=["ENG-3"])
    with pytest.raises(UsageError, match="ENG-3 → ENG-1 → ENG-2 → ENG-3"):
        ledger.depend("ENG-3", on=["ENG-1"])
    with pytest.raises(UsageError, match="ENG-2 → ENG-1 → ENG-2"):
        ledger.depend("ENG-2", on=["ENG-1"])
    assert ledger.task("ENG-3").depends == ()


# ── moves, questions ──


@in_a_file
def test_many_are_moved_or_none(ledger: Ledger) -> None:
    add(ledger, "a", "b", "c")
    held = claim(ledger)
    finish(ledger, held)
    with pytest.raises(BadMove, match="ENG-1 cannot go from Done to Canceled"):
        ledger.move_all(["ENG-2", "ENG-1"], State.CANCELED)
    assert ledger.task("ENG-2").state is State.TODO
    moved = ledger.move_all(["ENG-2", "ENG-3"], State.CANCELED, why="not now")
    assert [task.state for task in moved] == [State.CANCELED] * 2
    with pytest.raises(BadMove, match="ENG-2 is Canceled already"):
        ledger.move_all(["ENG-2"], State.CANCELED)
    assert [task.identifier for task in ledger.undo().tasks] == ["ENG-2", "ENG-3"]
    assert ledger.counts()["todo"] == 2


def test_work_of_an_agent_is_not_handed_in_by_others(ledger: Ledger) -> None:
    add(ledger, "a")
    claim(ledger)
    with pytest.raises(BadMove, match="w1 works on ENG-1 and hands it in itself"):
        ledger.move_all(["ENG-1"], State.REVIEW)


@in_a_file
def test_a_question_is_asked_and_answered(ledger: Ledger) -> None:
    add(ledger, "a")
    held = claim(ledger)
    ledger.note(held, engine_session="e1")
    asked = ledger.ask(held, "Which port?\n")
    assert (asked.state, asked.question, asked.owner) == (State.BLOCKED, "Which port?", "")
    with pytest.raises(StaleClaim):
        ledger.renew(held, 30)
    with pytest.raises(BadMove, match="answer it: axon task answer ENG-1 TEXT"):
        ledger.move_all(["ENG-1"], State.TODO)
    with pytest.raises(UsageError, match="the answer is empty"):
        ledger.answer("ENG-1", " \n")
    task = ledger.answer("eng-1", "8003\n")
    assert (task.state, task.engine_session) == (State.TODO, "e1")
    assert task.answers == "Question: Which port?\nAnswer: 8003"
    assert [(c.actor, c.body) for c in ledger.comments("ENG-1")] == [
        ("w1", "Which port?"), ("person", "8003"),
    ]  # fmt: skip
    assert [e.action for e in ledger.events()] == ["add", "claim", "ask", "answer"]
    with pytest.raises(BadMove, match="it is Todo and asks nothing"):
        ledger.answer("ENG-1", "again")
    ledger.ask(claim(ledger), "Sure?")
    ledger.answer("ENG-1", "Yes")
    assert ledger.task("ENG-1").answers.endswith("Answer: 8003\n\nQuestion: Sure?\nAnswer: Yes")
    ledger.undo()
    assert ledger.task("ENG-1").state is State.BLOCKED
    assert ledger.task("ENG-1").answers == "Question: Which port?\nAnswer: 8003"
    assert len(ledger.comments("ENG-1")) == 4, "what was said stays"


# ── delete ──


@in_a_file
def test_deleted_tasks_come_back_with_all_they_had(ledger: Ledger) -> None:
    ledger.add([Draft(title="whole", key="w"), Draft(title="part", parent="w", labels=("x",))])
    add(ledger, "c", depends=("ENG-1",))
    ledger.comment("ENG-1", "said")
    ledger.edit(["ENG-1"], {"parent": ""})  # nothing: it has none
    before = ledger.tasks()
    for names, problem in (
        (["ENG-1", "ENG-2"], "ENG-3 depends on ENG-1; delete both, or say axon task depend ENG-3"),
        (["ENG-1", "ENG-3"], "ENG-2 is a part of ENG-1; delete both, or say axon task edit ENG-2"),
    ):
        with pytest.raises(Forbidden, match=problem):
            ledger.delete(names)
    assert ledger.tasks() == before
    ledger.delete(["ENG-3", "ENG-2", "ENG-1"], why="never mind")
    assert ledger.tasks() == [] and ledger.check() == []
    assert add(ledger, "new") == ["ENG-4"], "no identifier comes twice"
    undone = ledger.undo()
    assert list(undone.tasks) == before
    assert [task.identifier for task in ledger.tasks()] == ["ENG-1", "ENG-2", "ENG-3", "ENG-4"]
    assert [c.body for c in ledger.comments("ENG-1")] == ["said"]


@in_a_file
def test_a_part_can_go_alone(ledger: Ledger) -> None:
    ledger.add([Draft(title="whole", key="w"), Draft(title="part", parent="w")])
    ledger.delete(["ENG-2"])
    assert ledger.task("ENG-1").blocked == 0
    ledger.undo()
    assert ledger.task("ENG-1").blocked == 1


@in_a_file
def test_what_is_at_work_is_not_deleted(ledger: Ledger) -> None:
    add(ledger, "a")
    held = claim(ledger)
    with pytest.raises(BadMove, match="cannot delete ENG-1: it is In Progress; cancel it first"):
        ledger.delete(["ENG-1"])
    ledger.submit(held, commit="c", verified=True)
    with pytest.raises(BadMove, match="it is Review"):
        ledger.delete(["ENG-1"])


# ── undo ──


@pytest.mark.parametrize("state", ["todo", "in_progress", "review", "blocked", "failed"])
@in_a_file
def test_a_canceled_task_is_again_what_it_was(ledger: Ledger, state: str) -> None:
    add(ledger, "a", max_attempts=1)
    steps: dict[str, Callable[[], Any]] = {
        "todo": lambda: None,
        "in_progress": lambda: claim(ledger),
        "review": lambda: ledger.submit(claim(ledger), commit="c", verified=True),
        "blocked": lambda: ledger.ask(claim(ledger), "what?"),
        "failed": lambda: ledger.fail(claim(ledger), "red", feedback="output"),
    }
    steps[state]()
    before = ledger.task("ENG-1")
    ledger.change("ENG-1", "cancel")
    (after,) = ledger.undo().tasks
    if state == "in_progress":  # its worker has lost it: somebody else will take it
        before = replace(before, state=State.TODO, owner="")
    assert as_it_was(after) == as_it_was(before)


@in_a_file
def test_done_work_is_done_again(ledger: Ledger) -> None:
    add(ledger, "a")
    add(ledger, "b", depends=("ENG-1",))
    finish(ledger, claim(ledger))
    before = ledger.task("ENG-1")
    ledger.change("ENG-1", "reopen")
    assert ledger.task("ENG-2").blocked == 1
    ledger.undo()
    assert as_it_was(ledger.task("ENG-1")) == as_it_was(before)
    assert ledger.task("ENG-2").blocked == 0


@in_a_file
def test_failures_come_back_with_an_undone_retry(ledger: Ledger) -> None:
    add(ledger, "a", max_attempts=1)
    ledger.fail(claim(ledger), "red", feedback="output")
    before = ledger.task("ENG-1")
    ledger.change("ENG-1", "retry")
    ledger.undo()
    assert as_it_was(ledger.task("ENG-1")) == as_it_was(before)


@in_a_file
def test_several_undos_go_further_back(ledger: Ledger) -> None:
    add(ledger, "a")
    seen = [as_it_was(ledger.task("ENG-1"))]
    for n in range(5):
        ledger.edit(["ENG-1"], {"title": f"title {n}"})
        ledger.comment("ENG-1", f"on title {n}")
        seen.append(as_it_was(ledger.task("ENG-1")))
    for expected in reversed(seen[:-1]):
        ledger.undo()
        assert as_it_was(ledger.task("ENG-1")) == expected
    assert len(ledger.comments("ENG-1")) == 5
    with pytest.raises(Forbidden, match="no change to take back"):
        ledger.undo()
    ledger.edit(["ENG-1"], {"title": "after that"})
    ledger.undo()
    assert ledger.task("ENG-1").title == "a"


@in_a_file
def test_what_workers_have_built_on_stays(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    ledger.edit(["ENG-1", "ENG-2"], {"priority": Priority.HIGH})
    held = claim(ledger)
    before = ledger.tasks()
    with pytest.raises(Forbidden, match="since then w1 has moved ENG-1 to In Progress; change"):
        ledger.undo()
    assert ledger.tasks() == before
    ledger.edit(["ENG-1"], {"title": "told while it ran"})
    ledger.undo()
    finish(ledger, held)
    with pytest.raises(Forbidden, match="landing has moved|w1 has moved"):
        ledger.undo()


@in_a_file
def test_moves_of_programs_are_no_changes_of_people(ledger: Ledger) -> None:
    add(ledger, "a")
    ledger.edit(["ENG-1"], {"title": "b"})
    ledger.move("ENG-1", State.IN_PROGRESS, actor="mcp")
    with pytest.raises(Forbidden, match="since then mcp has moved"):
        ledger.undo()


@in_a_file
def test_everybody_takes_back_what_is_their_own(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    ledger.edit(["ENG-1"], {"title": "mine"})
    ledger.edit(["ENG-2"], {"title": "its"}, actor="mcp")
    ledger.undo()
    assert [task.title for task in ledger.tasks()] == ["a", "its"]
    ledger.edit(["ENG-1"], {"title": "mine"})
    ledger.edit(["ENG-1"], {"check": "its"}, actor="mcp")
    with pytest.raises(Forbidden, match="since then mcp has changed ENG-1"):
        ledger.undo()
    ledger.undo(actor="mcp")
    ledger.undo()
    assert ledger.task("ENG-1").title == "a"


@in_a_file
def test_the_journal_is_bounded(ledger: Ledger) -> None:
    add(ledger, "a")
    for n in range(520):
        ledger.edit(["ENG-1"], {"title": f"title {n}"})
    undone = 0
    with pytest.raises(Forbidden, match="no change"):
        while ledger.undo():
            undone += 1
    assert 200 <= undone <= 500


# ── import ──


def record(title: str, identifier: str = "", **facts: Any) -> Record:
    given = frozenset({"title", *facts})
    return Record(title=title, identifier=identifier, key=identifier, given=given, **facts)


def taken(ledger: Ledger, *records: Record, **options: Any) -> tuple[list[str], ...]:
    found = ledger.take_in(records, **options)
    parts = (found.added, found.updated, found.skipped)
    return tuple([task.identifier for task in part] for part in parts)


@in_a_file
def test_identifiers_states_and_facts_are_kept_where_they_are_free(ledger: Ledger) -> None:
    facts = {"attempts": 2, "token": 2, "cost_usd": 0.5, "created_at": 7.0, "error": "red"}
    assert taken(
        ledger,
        record("a", "ENG-7", team="ENG", state=State.FAILED, facts=facts),
        record("b", "OPS-2", team="OPS", state=State.DONE, comments=((1.0, "me", "said"),)),
        record("c", depends=("ENG-7", "OPS-2")),
    ) == (["ENG-7", "OPS-2", "ENG-8"], [], [])
    task = ledger.task("ENG-7")
    assert {name: getattr(task, name) for name in facts} == facts
    assert (task.state, ledger.task("OPS-2").state) == (State.FAILED, State.DONE)
    assert ledger.task("ENG-8").blocked == 1
    assert [c.body for c in ledger.comments("OPS-2")] == ["said"]
    assert add(ledger, "next") == ["ENG-9"]
    assert ledger.counts()["failed"] == 1


@in_a_file
def test_conflicts_are_skipped_updated_or_doubled(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    ledger.edit(["ENG-1"], {"check": "true"})
    new = record("A", "ENG-1", team="ENG", priority=Priority.LOW)
    same = record("b", labels=("x",))
    third = record("c", depends=("ENG-1", "b key"))
    same = replace(same, key="b key")
    assert taken(ledger, new, same, third) == (["ENG-3"], [], ["ENG-1", "ENG-2"])
    assert ledger.task("ENG-3").depends == ("ENG-1", "ENG-2")
    assert taken(ledger, new, same, third, conflict="update") == (
        [], ["ENG-1", "ENG-2"], ["ENG-3"],
    )  # fmt: skip
    task = ledger.task("ENG-1")
    assert (task.title, task.priority, task.check) == ("A", Priority.LOW, "true")
    assert ledger.task("ENG-2").labels == ("x",)
    assert taken(ledger, new, same, third, conflict="duplicate")[0] == ["ENG-4", "ENG-5", "ENG-6"]
    assert ledger.task("ENG-6").depends == ("ENG-4", "ENG-5")


@in_a_file
def test_a_dry_import_answers_the_same_and_changes_nothing(ledger: Ledger) -> None:
    add(ledger, "a")
    before, seq = ledger.tasks(), ledger.last_seq()
    records = (record("a", labels=("x",)), record("b"))
    tried = taken(ledger, *records, conflict="update", dry_run=True)
    assert (ledger.tasks(), ledger.last_seq()) == (before, seq)
    assert taken(ledger, *records, conflict="update") == tried == (["ENG-2"], ["ENG-1"], [])


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ([record("new"), record("b", depends=("ENG-9",))], "depends on ENG-9, which does not"),
        ([record("new"), record("twice")], "“twice” is the title of ENG-2, ENG-3; name the"),
        ([record("new"), record("a"), record("A", "ENG-1", team="ENG")], "both stand for ENG-1"),
        ([record("a", depends=("ENG-2",)), record("x", "ENG-2", depends=("ENG-1",))], "each other"),
    ],
)
def test_an_import_is_all_or_nothing(ledger: Ledger, records: list[Record], problem: str) -> None:
    add(ledger, "a", "twice", "twice")
    before, seq = ledger.tasks(), ledger.last_seq()
    with pytest.raises(UsageError, match=problem):
        ledger.take_in(records, conflict="update")
    assert (ledger.tasks(), ledger.last_seq()) == (before, seq)


@in_a_file
def test_links_that_are_turned_round_are_no_circle(ledger: Ledger) -> None:
    add(ledger, "a")
    add(ledger, "b", depends=("ENG-1",))
    ledger.take_in(
        [record("a", "ENG-1", depends=("ENG-2",)), record("b", "ENG-2", depends=())],
        conflict="update",
    )
    assert (ledger.task("ENG-1").depends, ledger.task("ENG-2").depends) == (("ENG-2",), ())
    ledger.undo()
    assert (ledger.task("ENG-1").depends, ledger.task("ENG-2").depends) == ((), ("ENG-1",))


@in_a_file
def test_an_import_is_taken_back_unless_it_was_built_on(ledger: Ledger) -> None:
    add(ledger, "a")
    before = as_it_was(ledger.task("ENG-1"))
    ledger.take_in([record("a", labels=("x",)), record("b"), record("c")], conflict="update")
    undone = ledger.undo()
    assert undone.removed == ("ENG-2", "ENG-3")
    assert [as_it_was(task) for task in ledger.tasks()] == [before]
    ledger.take_in([record("b")])
    add(ledger, "on it", depends=("ENG-4",))
    with pytest.raises(Forbidden, match="ENG-5 depends on ENG-4"):
        ledger.undo()
    ledger.delete(["ENG-5"])
    assert [ledger.undo().action for _ in range(1)] == ["delete"]


# ── all of it, at random ──


@pytest.mark.parametrize("seed", range(8))
@in_a_file
def test_whatever_people_do_can_be_taken_back_step_by_step(ledger: Ledger, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    add(ledger, *(f"task {n}" for n in range(6)))
    stack = [_world(ledger)]
    for _ in range(60):
        if len(stack) > 1 and chance.random() < 0.25:
            ledger.undo()
            stack.pop()
        else:
            before = ledger.last_seq()
            try:
                _any_change(ledger, chance)
            except AxonError:
                assert ledger.last_seq() == before
                assert _world(ledger) == stack[-1]
            else:
                if ledger.last_seq() > before:
                    stack.append(_world(ledger))
        assert _world(ledger) == stack[-1]
        assert ledger.check() == []
    while len(stack) > 1:
        stack.pop()
        ledger.undo()
        assert _world(ledger) == stack[-1]


def _world(ledger: Ledger) -> dict[str, Task]:
    return {task.identifier: as_it_was(task) for task in ledger.tasks()}


def _any_change(ledger: Ledger, chance: random.Random) -> None:
    names = [task.identifier for task in ledger.tasks()] or ["ENG-1"]
    some = chance.sample(names, min(len(names), chance.randint(1, 3)))
    one, other = chance.choice(names), chance.choice(names)
    choice = chance.randrange(7)
    if choice == 0:
        ledger.edit(some, {"priority": chance.choice(list(Priority)), "check": chance.choice("ab")})
    elif choice == 1:
        ledger.edit([one], {"parent": chance.choice(["", other])})
    elif choice == 2:
        ledger.depend(one, on=[other])
    elif choice == 3:
        ledger.depend(one, off=[other])
    elif choice == 4:
        ledger.move_all(some, chance.choice([State.CANCELED, State.TODO]))
    elif choice == 5:
        ledger.delete(some)
    else:
        records = [
            record(f"new {chance.random()}", depends=(one,)),
            record("t", one, labels=("x",)),
        ]
        ledger.take_in(records, conflict=chance.choice(["skip", "update", "duplicate"]))


def test_landing_is_untouched_by_edits(ledger: Ledger) -> None:
    add(ledger, "a")
    ledger.submit(claim(ledger), commit="c", verified=True)
    ledger.edit(["ENG-1"], {"check": "make test"})
    done = ledger.landed(landing(ledger), "ENG-1", commit="m", target="main", verified=True)
    assert (done.state, done.check) == (State.DONE, "make test")
