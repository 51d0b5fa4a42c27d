"""Tasks without a ledger: moves, texts, paths, circles and times are pure."""

import random
from datetime import datetime
from itertools import product
from typing import get_args

import pytest

from axon.errors import BadMove, UsageError
from axon.tasks import ENDED, MOVES, Action, Priority, State, Task, move, task_view
from axon.tasks.graph import find_cycle
from axon.tasks.moments import iso, moment, told
from axon.tasks.paths import overlap
from axon.tasks.text import MAX_TASK_BYTES, clean, shortened, titled


@pytest.mark.parametrize(("state", "action"), list(product(State, get_args(Action))))
def test_a_task_moves_only_as_the_table_says(state: State, action: Action) -> None:
    task = Task(identifier="ENG-1", title="mend it", state=state)
    if (state, action) in MOVES:
        assert move(task, action).state is MOVES[state, action]
        return
    with pytest.raises(BadMove, match=f"cannot {action.replace('_', ' ')} ENG-1: it is"):
        move(task, action)


def test_every_state_can_be_reached_and_left() -> None:
    assert {State.TODO, *MOVES.values()} == set(State)
    assert {state for state, _ in MOVES} == set(State)
    assert State.TODO not in ENDED


def test_a_view_names_things_as_people_do() -> None:
    view = task_view(Task(identifier="ENG-1", title="mend it", priority=Priority.URGENT))
    assert view["priority"] == "urgent"
    assert view["state"] == "todo"
    assert view["cost_usd"] is None
    assert view["verified"] is None
    assert {"identifier", "title", "depends", "attempts", "branch", "landed_commit", "error"} <= (
        view.keys()
    )
    assert State.IN_PROGRESS.label == "In Progress"


def test_an_unknown_priority_is_told_the_known_ones() -> None:
    assert Priority.named(" High ") is Priority.HIGH
    with pytest.raises(UsageError, match="urgent, high, medium, low"):
        Priority.named("hot")


# ── text ──


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("grün → 日本", "grün → 日本"),
        ("nul\0s", "nuls"),
        ("caf\udcc3\udca9", "café"),  # UTF-8 that arrived where the locale knew none
        ("caf\udce9", "caf\ufffd"),  # Latin-1
        ("\ud800 alone", "? alone"),
    ],
)
def test_text_is_made_fit_to_be_kept(text: str, expected: str) -> None:
    assert clean(text) == expected
    assert clean(clean(text)) == clean(text)
    clean(text).encode()


def test_a_short_line_is_a_title() -> None:
    assert titled("  mend   it \n") == ("mend it", "")
    assert titled("mend it", "all of it\n\n") == ("mend it", "all of it")


def test_a_long_text_is_kept_whole_below_its_first_line() -> None:
    text = "mend it\n\nall of it"
    assert titled(text) == ("mend it", text)
    assert titled(text, "and more") == ("mend it", f"{text}\n\nand more")
    title, description = titled("x" * 300)
    assert title == "x" * 199 + "…"
    assert description == "x" * 300
    assert titled(title, description) == (title, description), "once is enough"


def test_a_text_has_limits() -> None:
    with pytest.raises(UsageError, match="no title"):
        titled(" \n\t")
    titled("x", "y" * (MAX_TASK_BYTES - 1))
    with pytest.raises(UsageError, match="the limit is 4,194,304"):
        titled("x", "y" * MAX_TASK_BYTES)
    assert shortened("abcdef", 4) == "abc…"


# ── paths ──


@pytest.mark.parametrize(
    ("some", "others", "expected"),
    [
        ((), (), False),
        ((), ("**",), False),  # nothing declared: collides with nobody
        (("src/**",), ("src/a/b.py",), True),
        (("src/**",), ("tests/**",), False),
        (("src/a*",), ("src/b*",), False),
        (("src/a*",), ("src/ab/**",), True),
        (("src",), ("src/a.py",), True),  # a folder holds its files
        (("src",), ("src2/a.py",), False),
        (("src/",), ("./src/a.py",), True),
        (("/src/a.py",), ("src/a.py",), True),
        (("src/a.py",), ("src/a.pyi",), False),
        (("src/a.py",), ("src/*.md",), True),  # rather yes than no
        (("**/*.py",), ("docs/x.md",), True),
        ((".",), ("docs/x.md",), True),
        (("docs/x.md", "src/a"), ("tests/**", "src/{a,b}/**"), True),
        (("a/[xy]",), ("a/z",), True),
        (("a/?",), ("b/?",), False),
    ],
)
def test_paths_overlap(some: tuple[str, ...], others: tuple[str, ...], expected: bool) -> None:
    assert overlap(some, others) is expected
    assert overlap(others, some) is expected


# ── circles ──


def test_no_circle_is_found_where_there_is_none() -> None:
    assert find_cycle({}) == []
    assert find_cycle({1: [2, 3], 2: [4], 3: [4], 4: []}) == []
    assert find_cycle({n: [n + 1] for n in range(100_000)}) == []


def test_circles_are_found() -> None:
    assert find_cycle({1: [1]}) == [1]
    assert find_cycle({1: [2], 2: [3], 3: [2]}) == [2, 3]


@pytest.mark.parametrize("seed", range(20))
def test_a_circle_in_a_large_graph_is_a_real_one(seed: int) -> None:
    chance = random.Random(seed)
    forward = {n: [chance.randrange(n + 1, 301) for _ in range(3)] for n in range(300)}
    assert find_cycle(forward) == []
    early = chance.randrange(290)
    late = chance.choice(forward[early])
    edges = {**forward, late: [*forward.get(late, ()), early]}
    found = find_cycle(edges)
    assert found
    assert all(b in edges[a] for a, b in zip(found, [*found[1:], found[0]], strict=True))


# ── times ──

NOON = datetime(2026, 3, 1, 12, 0).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", NOON + 1800),
        ("2h", NOON + 7200),
        ("45s", NOON + 45),
        ("1.5d", NOON + 129600),
        ("18:30", datetime(2026, 3, 1, 18, 30).timestamp()),
        ("9:05", datetime(2026, 3, 2, 9, 5).timestamp()),  # has passed today
        ("12:00", datetime(2026, 3, 2, 12, 0).timestamp()),
        ("2026-03-05", datetime(2026, 3, 5).timestamp()),
        ("2026-03-05T10:00Z", 1772704800.0),
    ],
)
def test_moments_are_read_as_people_write_them(text: str, expected: float) -> None:
    assert moment(text, NOON) == expected


@pytest.mark.parametrize("text", ["", "soon", "25:00", "12:75", "-5m", "2026-13-01", "9" * 99])
def test_other_moments_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot read the time"):
        moment(text, NOON)


def test_a_time_is_told_and_read_alike() -> None:
    assert told(NOON) == "2026-03-01 12:00"
    assert iso(told(NOON)) == NOON
    assert told(1e300)
