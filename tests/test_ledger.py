"""What every ledger promises: tasks are added whole, found, and claimed when they are ready."""

from typing import Any

import pytest

from axon.errors import NotFound, UsageError
from axon.ledger import Ledger
from axon.tasks import Draft, Priority, State
from tests.world import World, add, claim, finish, idle, landing, started

pytestmark = pytest.mark.promise

# ── adding ──


def test_tasks_get_identifiers_in_order_and_keep_all_that_was_said(ledger: Ledger) -> None:
    said = Draft(
        title="mend it",
        description="all\nof it\n“quoted” \t",
        priority=Priority.HIGH,
        type="bug",
        labels=("a", "ü"),
        team="OPS",
        project="p",
        paths=("src/**",),
        check="true && 'x'",
        max_attempts=2,
        max_usd=1.5,
        max_turns=3,
        max_minutes=4.5,
        not_before=5.0,
    )
    added = ledger.add([said, Draft(title="two")])
    assert [task.identifier for task in added] == ["OPS-1", "ENG-1"]
    assert add(ledger, "three") == ["ENG-2"]
    task = ledger.task("OPS-1")
    assert task == added[0]
    for name in ("title", "priority", "type", "labels", "team", "project", "paths", "check"):
        assert getattr(task, name) == getattr(said, name)
    assert task.description == "all\nof it\n“quoted”"
    assert (task.max_attempts, task.max_usd, task.max_turns, task.max_minutes) == (2, 1.5, 3, 4.5)
    assert task.not_before == 5.0
    assert (task.state, task.created_at) == (State.TODO, 1_800_000_000.0)


@pytest.mark.parametrize(
    ("drafts", "problem"),
    [
        ([Draft(title="a"), Draft(title=" ")], "has no title"),
        ([Draft(title="a"), Draft(title="b", depends=("ENG-9",))], "“b” depends on ENG-9, which"),
        ([Draft(title="a"), Draft(title="b", parent="nobody")], "“b” is part of nobody, which"),
        ([Draft(title="a", key="k"), Draft(title="b", key="k")], "two tasks have the key 'k'"),
        ([Draft(title="a", key="k", depends=("k",))], "“a” → “a”"),
        (
            [Draft(title="a", key="a", depends=("b",)), Draft(title="b", key="b", depends=("a",))],
            "“a” → “b” → “a”",
        ),
        (  # a part cannot wait for the whole, which waits for it
            [Draft(title="a", key="a"), Draft(title="b", parent="a", depends=("a",))],
            "wait for each other",
        ),
        ([Draft(title="a", team="eng")], "team key 'eng' must be"),
        ([Draft(title="a", description="x" * (5 << 20))], "the limit is"),
    ],
)
def test_all_are_added_or_none(ledger: Ledger, drafts: list[Draft], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        ledger.add(drafts)
    assert ledger.tasks() == []
    assert ledger.events() == []
    assert add(ledger, "next") == ["ENG-1"], "no number was used up"


def test_a_part_of_what_it_depends_on_is_refused_later_too(ledger: Ledger) -> None:
    add(ledger, "whole")
    ledger.add([Draft(title="between", depends=("ENG-1",))])
    with pytest.raises(UsageError, match="ENG-1 would wait for its own part ENG-3"):
        ledger.add([Draft(title="part", parent="ENG-1", depends=("ENG-2",))])
    assert ledger.task("ENG-1").blocked == 0


def test_a_dry_run_answers_the_same_and_changes_nothing(ledger: Ledger) -> None:
    drafts = [Draft(title="a", key="a"), Draft(title="b", depends=("a",))]
    tried = ledger.add(drafts, dry_run=True)
    assert ledger.tasks() == [] and ledger.events() == []
    assert ledger.add(drafts) == tried
    with pytest.raises(UsageError):
        ledger.add([Draft(title="")], dry_run=True)


def test_strange_text_is_kept_as_well_as_it_can_be(ledger: Ledger) -> None:
    big = "x" * 1_000_000 + "\n'\"; DROP TABLE task; --\0\udcff"
    add(ledger, "  spaced   title \udce9", description=big)
    task = ledger.task("ENG-1")
    assert task.title == "spaced title \ufffd"
    assert task.description == "x" * 1_000_000 + "\n'\"; DROP TABLE task; --\ufffd"


def test_tasks_are_found_by_what_is_known_of_them(ledger: Ledger, world: World) -> None:
    add(ledger, "Red car", labels=("bug", 'q"'), priority=Priority.LOW)
    add(ledger, "blue BOAT", description="with 100% sails", labels=("bugs",))
    add(ledger, "green bike", "yellow bus")
    world.sleep(1)
    claim(ledger)

    def found(**filters: Any) -> list[str]:
        return [task.identifier for task in ledger.tasks(**filters)]

    assert found() == ["ENG-1", "ENG-2", "ENG-3", "ENG-4"]
    assert found(limit=2) == ["ENG-1", "ENG-2"]
    assert found(limit=2, offset=1) == ["ENG-2", "ENG-3"]
    assert found(offset=3) == ["ENG-4"]
    assert found(sort="priority") == ["ENG-2", "ENG-3", "ENG-4", "ENG-1"]
    assert found(sort="updated") == ["ENG-2", "ENG-1", "ENG-3", "ENG-4"]
    with pytest.raises(UsageError, match="unknown order 'id'; use one of age"):
        found(sort="id")
    assert found(states=[State.IN_PROGRESS]) == ["ENG-2"]
    assert found(states=[State.IN_PROGRESS, State.TODO]) == ["ENG-1", "ENG-2", "ENG-3", "ENG-4"]
    assert found(priority=Priority.LOW) == ["ENG-1"]
    assert found(label="bug") == ["ENG-1"]
    assert found(label='q"') == ["ENG-1"]
    assert found(text="boat") == ["ENG-2"]
    assert found(text="100%") == ["ENG-2"]
    assert found(text="%") == ["ENG-2"]
    assert found(text="eng-3") == ["ENG-3"]
    assert found(text="b" * 100_000) == []
    ledger.add([Draft(title="e", team="OPS", project="p"), Draft(title="f", team="OPS")])
    assert found(team="OPS") == ["OPS-1", "OPS-2"]
    assert found(team="OPS", project="p") == ["OPS-1"]
    assert ledger.teams() == {"ENG": 4, "OPS": 2}
    assert [(f.state, f.priority, f.count) for f in ledger.figures(team="ENG")] == [
        (State.IN_PROGRESS, Priority.MEDIUM, 1),
        (State.TODO, Priority.MEDIUM, 2),
        (State.TODO, Priority.LOW, 1),
    ]
    assert sum(f.count for f in ledger.figures(project="p")) == 1
    assert sum(f.recent for f in ledger.figures(since=2e9)) == 0
    assert ledger.counts() == {
        "todo": 5, "in_progress": 1, "review": 0, "blocked": 0, "done": 0, "failed": 0,
        "canceled": 0,
    }  # fmt: skip
    with pytest.raises(NotFound, match="no task ENG-9"):
        ledger.task("ENG-9")


# ── what is ready ──


def test_the_most_urgent_then_the_oldest_is_claimed(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    add(ledger, "c", priority=Priority.URGENT)
    add(ledger, "d", priority=Priority.LOW)
    assert [claim(ledger).identifier for _ in range(4)] == ["ENG-3", "ENG-1", "ENG-2", "ENG-4"]
    assert idle(ledger)


def test_a_task_waits_until_all_it_depends_on_is_done(ledger: Ledger) -> None:
    add(ledger, "a", "b")
    add(ledger, "c", depends=("ENG-1", "eng-2", "ENG-1"))
    assert ledger.task("ENG-3").depends == ("ENG-1", "ENG-2")
    assert ledger.task("ENG-3").blocked == 2
    first, second = claim(ledger), claim(ledger)
    assert idle(ledger)
    finish(ledger, first)
    ledger.submit(second, commit="c", verified=True)
    assert idle(ledger), "review is not done"
    ledger.landed(landing(ledger), "ENG-2", commit="m", target="main", verified=True)
    assert claim(ledger).identifier == "ENG-3"


def test_what_is_done_already_holds_nobody_up(ledger: Ledger) -> None:
    add(ledger, "a")
    finish(ledger, claim(ledger))
    add(ledger, "b", depends=("ENG-1",))
    assert claim(ledger).identifier == "ENG-2"


def test_reopening_holds_up_again(ledger: Ledger) -> None:
    add(ledger, "a")
    add(ledger, "b", depends=("ENG-1",))
    finish(ledger, claim(ledger))
    ledger.change("ENG-1", "reopen")
    assert ledger.task("ENG-2").blocked == 1
    assert claim(ledger).identifier == "ENG-1"
    assert idle(ledger)


def test_failed_and_canceled_dependencies_hold_up_with_a_reason(ledger: Ledger) -> None:
    add(ledger, "a", "b", max_attempts=1)
    add(ledger, "c", depends=("ENG-1",))
    add(ledger, "d", depends=("ENG-2", "ENG-3"))
    ledger.fail(claim(ledger), "red")
    ledger.change("ENG-2", "cancel")
    assert idle(ledger)
    assert [(one.identifier, one.reason, one.stuck) for one in ledger.waiting()] == [
        ("ENG-3", "waits for ENG-1, which failed", True),
        ("ENG-4", "waits for ENG-2, which was canceled", True),
        ("ENG-4", "waits for ENG-3 (Todo)", False),
    ]
    assert [one.on for one in ledger.waiting(identifier="ENG-4")] == ["ENG-2", "ENG-3"]
    assert len(ledger.waiting(limit=1)) == 1
    assert ledger.ready_in() is None


def test_a_whole_waits_for_its_parts(ledger: Ledger) -> None:
    ledger.add([Draft(title="whole", key="w"), Draft(title="part", parent="w")])
    ledger.add([Draft(title="later part", parent="ENG-1")])
    assert ledger.task("ENG-2").parent == "ENG-1"
    part = claim(ledger)
    assert part.identifier == "ENG-2"
    finish(ledger, part)
    assert ledger.waiting()[0].reason == "waits for ENG-3 (Todo)"
    ledger.change("ENG-3", "cancel")  # given up: the whole goes on without it
    assert claim(ledger).identifier == "ENG-1"


@pytest.mark.promise(but={"task_mcp": "the server goes by its own clock, which no test turns"})
def test_nothing_is_claimed_before_its_time(ledger: Ledger, world: World) -> None:
    add(ledger, "later", not_before=world.wall + 100)
    assert idle(ledger)
    assert ledger.ready_in() == 100
    world.sleep(101)
    assert ledger.ready_in() == 0
    assert claim(ledger).identifier == "ENG-1"


def test_tasks_that_may_change_the_same_files_do_not_run_at_once(ledger: Ledger) -> None:
    add(ledger, "a", paths=("src/**",))
    add(ledger, "b", paths=("src/api/*.py", "docs/x.md"))
    add(ledger, "c", paths=("tests/**",))
    add(ledger, "d", "e")
    first = claim(ledger)
    assert [claim(ledger).identifier for _ in range(3)] == ["ENG-3", "ENG-4", "ENG-5"]
    assert idle(ledger)
    ledger.submit(first, commit="c", verified=True)
    assert claim(ledger).identifier == "ENG-2"


def test_a_pause_holds_all_claims_until_its_end(ledger: Ledger, world: World) -> None:
    add(ledger, "a", "b", "c")
    assert ledger.paused() is None
    ledger.pause("lunch")
    assert ledger.paused() == ("lunch", None)
    assert idle(ledger)
    ledger.pause("rate limit", until=world.wall + 60, actor="gateway")
    assert ledger.paused() == ("rate limit", world.wall + 60)
    world.sleep(59)
    assert idle(ledger)
    world.sleep(2)
    assert ledger.paused() is None
    claim(ledger)
    ledger.pause("again")
    assert idle(ledger)
    ledger.resume()
    ledger.resume()
    claim(ledger)
    assert [e.action for e in ledger.events() if "pause" in e.action or "resume" in e.action] == [
        "pause", "pause", "pause", "resume",
    ]  # fmt: skip


def test_a_run_takes_only_so_many_different_tasks(ledger: Ledger, world: World) -> None:
    add(ledger, "a", "b", "c", "d")
    run = started(ledger, max_tasks=2)
    first, second = claim(ledger, run=run), claim(ledger, run=run)
    assert idle(ledger, run)
    ledger.fail(first, "red")
    assert ledger.ready_in(run) == 2, "only its back-off is waited for"
    assert ledger.ready_in() == 0
    finish(ledger, second)
    assert idle(ledger, run)
    world.sleep(3)
    assert claim(ledger, run=run).identifier == "ENG-1", "trying again is no new task"
    assert idle(ledger, run)
    assert claim(ledger, run=started(ledger, "run-2")).identifier == "ENG-3"


@pytest.mark.parametrize("end", ["halt", "stop", "end"])
def test_a_run_that_ends_takes_nothing_more(ledger: Ledger, end: str) -> None:
    add(ledger, "a")
    run = started(ledger)
    if end == "halt":
        ledger.halt_run(run, "auth", "wrong key")
    elif end == "stop":
        ledger.request_stop(run)
    else:
        ledger.end_run(run)
    assert idle(ledger, run)
    assert ledger.ready_in(run) is None
    assert ledger.ready_in() == 0
