"""Files of tasks: what is read, and that anything wrong in them is named with its line."""

import json
import random
from typing import Any

import pytest

from axon.errors import AxonError, UsageError
from axon.tasks import Draft, Priority, Record, State, Task, task_view
from axon.tasks.exchange import FORMATS, MAX_TASKS, drafts_from, exported, records_from
from axon.tasks.exchange.cells import guarded, unguarded
from axon.tasks.moments import exact, iso
from axon.tasks.text import clean, titled

PLAN = """\
# The plan

Some prose, which is no task.

- [ ] Build the API
  id: api
  priority: high
  paths: src/api/**, src/{a,b}/*.py
  labels: backend
  labels: rest, "v2"
  check: `python -m pytest tests/api`
  max_attempts: 5
  max_usd: 2.5
  not_before: 2026-03-01T09:00Z

  It must answer:

      GET /health

  - [ ] Routes for all
    Every one.
  - plain bullets are description
  - [x] Models
    id: models
- [ ] Document it
  depends: api, Routes for all
  depends: models, ENG-7
* [ ] Starred
1. [ ] Numbered
   - note: what is no attribute stays
"""


def only(text: str, name: str = "plan.md") -> Draft:
    (draft,) = drafts_from(text, name)
    return draft


def refused(text: str, name: str = "plan.md") -> str:
    with pytest.raises(UsageError) as caught:
        drafts_from(text, name)
    message = str(caught.value)
    assert message.startswith(f"{name}: ") and message.endswith("nothing was imported")
    assert "\n" not in message
    return message


def test_a_check_list_is_read() -> None:
    api, routes, docs, starred, numbered = drafts_from(PLAN, "p.md")
    assert (api.title, api.key, api.priority) == ("Build the API", "api", Priority.HIGH)
    assert api.paths == ("src/api/**", "src/{a,b}/*.py")
    assert api.labels == ("backend", "rest", '"v2"')
    assert api.check == "python -m pytest tests/api"
    assert (api.max_attempts, api.max_usd, api.not_before) == (5, 2.5, 1772355600.0)
    assert api.description == (
        "It must answer:\n\n    GET /health\n\n- plain bullets are description"
    )
    assert (routes.title, routes.parent, routes.description) == (
        "Routes for all",
        "api",
        "Every one.",
    )
    assert docs.depends == ("api", routes.key, "ENG-7"), "what is done holds nobody up"
    assert starred.title == "Starred"
    assert numbered.description == "- note: what is no attribute stays"


def test_a_title_with_commas_can_be_depended_on() -> None:
    first, second = drafts_from("- [ ] Routes, all\n- [ ] B\n  depends: Routes, all\n", "p.md")
    assert second.depends == (first.key,)


def test_nesting_and_what_ends_an_item() -> None:
    text = """\
- [ ] A
    - [ ] B
        - [ ] C
      of B
  of A
not of A
\t- [ ] D is nested in nothing
 - [ ] E stands beside D
"""
    a, b, c, d, e = drafts_from(text, "p.md")
    assert (b.parent, c.parent, d.parent, e.parent) == (a.key, b.key, "", "")
    assert (a.description, b.description, c.description) == ("of A", "of B", "")


def test_code_is_neither_task_nor_attribute() -> None:
    text = """\
- [ ] A
  ```yaml
  priority: low
  - [ ] no task
  ```
  ~~~
  - [ ] never closed, but the item ends
- [ ] B
"""
    a, b = drafts_from(text, "p.md")
    assert a.priority is Priority.MEDIUM
    assert "priority: low\n- [ ] no task" in a.description
    assert b.title == "B"
    assert "line 3: this block of code is never closed" in refused("- [ ] A\n\n```\n- [ ] B\n")


def test_done_parents_are_left_out() -> None:
    assert only("- [x] A\n  - [ ] B\n").parent == ""
    assert drafts_from("- [x] A\n- [X] B\n", "p.md") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no task"),
        ("# only prose\n- a bullet\n", "holds no task"),
        ("- [ ] a\n- [ ]\n", "line 2: the task has no title"),
        ("- [ ] a\n\n  depends: b\n", "line 3: 'b' is no id or title in this file"),
        ("- [ ] a\n  depends: setpu\n- [ ] b\n  id: setup\n", "did you mean 'setup'?"),
        ("- [ ] a\n- [ ] a\n- [ ] b\n  depends: a\n", "line 4: 'a' is the title of several"),
        ("- [ ] a\n  id: x\n- [ ] b\n  id: x\n", "line 3: the id 'x' was given before"),
        ("- [ ] a\n  priority: hot\n", "line 2: unknown priority 'hot'"),
        ("- [ ] a\n  priority: low\n  priority: high\n", "line 3: priority is given twice"),
        ("- [ ] a\n  max_turns: many\n", "line 2: max_turns must be a whole number from 1"),
        ("- [ ] a\n  max_turns: 0\n", "line 2: max_turns must be a whole number from 1"),
        ("- [ ] a\n  max_usd: nan\n", "line 2: max_usd must be a number above 0"),
        ("- [ ] a\n  max_usd: -1\n", "line 2: max_usd must be a number above 0"),
        ("- [ ] a\n  not_before: soon\n", "line 2: cannot read the time 'soon'"),
        ("- [ ] a\n  team: eng\n", "line 2: team 'eng' must be capital letters"),
    ],
)
def test_what_is_wrong_in_a_check_list_is_named(text: str, problem: str) -> None:
    assert problem in refused(text)


def test_json_lines_are_read() -> None:
    text = "\n".join(
        json.dumps(item)
        for item in (
            {"key": "a", "title": "A", "priority": "low", "labels": ["x", "x", " "], "check": None},
            {"id": "b", "title": "B", "depends": ["a", "eng-3"], "max_minutes": 5},
            {"title": "C", "parent": "A", "depends": ["done"], "not_before": 1.5},
            {"identifier": "done", "title": "D", "state": "done"},
        )
    )
    a, b, c = drafts_from("\ufeff" + text + "\n\n", "t.jsonl")
    assert (a.priority, a.labels, a.check) == (Priority.LOW, ("x",), "")
    assert (b.depends, b.max_minutes) == (("a", "ENG-3"), 5.0)
    assert (c.parent, c.depends, c.not_before) == ("a", (), 1.5)


def test_what_a_list_of_tasks_prints_can_be_read_back() -> None:
    task = Task(
        identifier="ENG-4",
        title="mend it",
        description="all of it",
        priority=Priority.URGENT,
        labels=("a",),
        paths=("src/**",),
        check="true",
        max_usd=1.0,
        attempts=3,
        cost_usd=0.5,
    )
    other = Task(identifier="ENG-5", title="then this", depends=("ENG-4",), parent="ENG-4")
    text = json.dumps([task_view(task), task_view(other)], indent=2)
    for name in ("tasks.json", "standard input"):
        first, second = drafts_from(text, name)
        assert (first.title, first.priority, first.paths) == (
            "mend it",
            Priority.URGENT,
            ("src/**",),
        )
        assert (second.depends, second.parent) == (("ENG-4",), "ENG-4")
        assert first.key == "ENG-4"


def test_a_json_file_may_hold_one_task_over_many_lines() -> None:
    assert only('{\n "title":\n "A"\n}', "one.json").title == "A"


def test_the_kind_is_told_by_the_name_else_by_the_content() -> None:
    assert only('{"title": "A"}', "notes").title == "A"
    assert only('[{"title": "A"}]', "notes").title == "A"
    assert only("[link](x)\n- [ ] A", "notes").title == "A"
    assert "line 1: not valid JSON" in refused("- [ ] A", "t.jsonl")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"title": "a"}\n{"title": "b"', "line 2: not valid JSON"),
        ('{"title": "a"}\n\n[1]', "line 3: a task must be a JSON object"),
        (
            '{"title": "a", "priorty": "low"}',
            "line 1: unknown key 'priorty'; did you mean priority",
        ),
        ('{"title": 5}', "line 1: title must be a text"),
        ("{}", "line 1: the task has no title"),
        ('{"title": "a", "max_usd": NaN}', "line 1: not acceptable JSON"),
        ('{"title": "a", "max_usd": 1e999}', "line 1: max_usd must be a number above 0"),
        ('{"title": "a", "max_usd": true}', "line 1: max_usd must be a number above 0"),
        ('{"title": "a", "max_turns": 1e30}', "line 1: max_turns must be a whole number from 1"),
        ('{"title": "a", "max_turns": 9999999999}', "line 1: max_turns must be a whole number"),
        (f'{{"title": {"9" * 5000}}}', "line 1: not acceptable JSON"),
        ('{"title": "a", "depends": "b"}', "line 1: depends must be a list of texts"),
        ('{"title": "a", "depends": ["b"]}', "line 1: 'b' is no id or title"),
        ('{"title": "a", "key": "k"}\n{"title": "b", "key": "k"}', "line 2: the id 'k' was given"),
        ("[" * 100_000, "not acceptable JSON"),
        ('[{"title": "a"}, {"title": ""}]', "item 2: the task has no title"),
    ],
)
def test_what_is_wrong_in_json_is_named(text: str, problem: str) -> None:
    assert problem in refused(text, "t.jsonl")


def test_the_number_of_tasks_is_bounded() -> None:
    assert "the limit is 100,000" in refused("- [ ] a\n" * (MAX_TASKS + 1))


@pytest.mark.parametrize("seed", range(30))
def test_garbage_is_read_or_refused_but_never_breaks(seed: int) -> None:
    chance = random.Random(seed)
    pieces = [
        *PLAN.splitlines(keepends=True),
        "\0",
        "\t- [ ]",
        '{"title":',
        "]",
        "\u2028",
        "```\n",
        "  id: api\n",
    ]
    text = "".join(chance.choice(pieces) for _ in range(60))
    for name in ("x.md", "x.jsonl", "x.json", "x.csv", "x"):
        try:
            drafts_from(text, name)
        except AxonError as error:
            assert "\n" not in str(error)


# ── what is written is read back ──

PIECES = [
    "a", "b", " ", "  ", "\n", "\n\n", "\t", "\r", "\r\n", "- [ ] x", "- [x] y", "```", "````",
    "~~~", "priority: low", "identifier: ENG-4", "depends: ENG-1", "data: {}", "comment",
    "```description\n", "=1+1", "@x", "-", "+", "'", "''=", '"', ",", ";", "é", "日本", "＝",
    "\u2028", "\x85", "\x0b", "\x1b[31m", "\ufeff", "# h", "> q", "1. ", "`c`", "{a,b}", "[", "]",
    '["a"]', "null", "\\n", "\\",
]  # fmt: skip
ENDINGS = {"json": "json", "jsonl": "jsonl", "csv": "csv", "markdown": "md"}
Pair = tuple[Task, list[tuple[float, str, str]]]


def random_text(chance: random.Random, most: int) -> str:
    return clean("".join(chance.choice(PIECES) for _ in range(chance.randint(0, most))))


def random_pair(chance: random.Random, number: int) -> Pair:
    before = [f"ENG-{n * 2 + 1}" for n in range(number)]
    title, description = titled(random_text(chance, 4) + "x", random_text(chance, 14))
    texts: dict[str, Any] = {
        name: random_text(chance, 8)
        for name in ("question", "answers", "error", "result", "feedback")
    }
    some = [text for _ in range(3) if (text := random_text(chance, 3).strip())]
    task = Task(
        identifier=f"ENG-{number * 2 + 1}",
        team="ENG",
        title=title,
        description=description,
        state=chance.choice([s for s in State if s not in (State.IN_PROGRESS, State.REVIEW)]),
        priority=chance.choice(list(Priority)),
        type=random_text(chance, 2).strip() or "task",
        project=random_text(chance, 2).strip(),
        check=random_text(chance, 6).strip(),
        labels=tuple(dict.fromkeys(some)),
        paths=tuple(dict.fromkeys(some[:1])),
        parent=(parent := chance.choice(before) if before and chance.random() < 0.3 else ""),
        depends=tuple(sorted(set(chance.choices(before, k=2)))) if before and not parent else (),
        max_attempts=chance.choice([None, 3]),
        max_usd=chance.choice([None, 0.1]),
        not_before=chance.choice([None, 5.0, 1.8e9 + chance.random()]),
        attempts=(attempts := chance.randint(0, 3)),
        token=attempts,
        failures=chance.randint(0, 2),
        branch=chance.choice(["", "agent/eng-1"]),
        verified=chance.choice([None, True, False]),
        cost_usd=chance.choice([None, 0.0, chance.random()]),
        seconds=chance.random(),
        created_at=1.8e9 + chance.random(),
        updated_at=1.7e9 + chance.random(),
        **texts,
    )
    actors = ["person", "worker-1", "a`b", "x\ny", " "]
    said = [
        (1.8e9 + chance.random(), chance.choice(actors), random_text(chance, 6) + "x")
        for _ in range(chance.randint(0, 2))
    ]
    return task, said


def as_task(record: Record) -> Task:
    names = [name for name in Draft.__dataclass_fields__ if name != "key"]
    facts = {name: getattr(record, name) for name in names} | dict(record.facts)
    return Task(identifier=record.identifier, state=record.state, **facts)


def read_back(pairs: list[Pair], kind: str) -> list[Pair]:
    records = records_from("".join(exported(pairs, kind)), f"x.{ENDINGS[kind]}")
    return [(as_task(record), list(record.comments)) for record in records]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("seed", range(40))
def test_nothing_that_is_exported_is_lost(kind: str, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    pairs = [random_pair(chance, number) for number in range(5)]
    back = read_back(pairs, kind)
    assert back == pairs
    assert list(exported(back, kind)) == list(exported(pairs, kind))


@pytest.mark.parametrize("kind", FORMATS)
def test_work_at_hand_is_todo_where_nobody_works_on_it(kind: str) -> None:
    tasks = [
        Task(identifier=f"ENG-{n}", title="a", team="ENG", state=state, owner="w1")
        for n, state in enumerate((State.IN_PROGRESS, State.REVIEW), start=1)
    ]
    back = read_back([(task, []) for task in tasks], kind)
    assert [task.state for task, _ in back] == [State.TODO, State.TODO]


def test_an_export_without_tasks_is_a_file_all_the_same() -> None:
    assert "".join(exported([], "json")) == "[]\n"
    for kind in FORMATS:
        assert "holds no task" in refused_records("".join(exported([], kind)), f"x.{ENDINGS[kind]}")


def refused_records(text: str, name: str) -> str:
    with pytest.raises(UsageError) as caught:
        records_from(text, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_markdown_is_for_people() -> None:
    task = Task(
        identifier="ENG-4", title="Mend it", team="ENG", state=State.FAILED,
        description="All\nof it.\n\n    code", check="make test", labels=("a", "b, c"),
        depends=("ENG-1", "ENG-2"), error="gate: exit 1", attempts=2, question="Which port?",
        answers="Question: Which port?\nAnswer: 8003", created_at=1.8e9, updated_at=1.8e9,
    )  # fmt: skip
    text = "".join(exported([(task, [(1.8e9 + 0.25, "person", "looks\nhard")])], "markdown"))
    assert text == (
        """\
# Tasks

Written by axon task export; axon task import reads this file.

- [ ] Mend it
  identifier: ENG-4
  data: {"attempts": 2}
  state: failed
  priority: medium
  labels: ["a", "b, c"]
  depends: ENG-1
  depends: ENG-2
  created_at: 2027-01-15T08:00:00Z
  updated_at: 2027-01-15T08:00:00Z
  check: make test
  question: Which port?
  ```answers
  Question: Which port?
  Answer: 8003
  ```
  error: gate: exit 1
  ```comment 2027-01-15T08:00:00.25Z person
  looks
  hard
  ```

  All
  of it.

      code
"""
    )


def test_names_of_an_export_mean_nothing_in_other_check_lists() -> None:
    text = "- [ ] A\n  error: it crashes\n  state: sad\n  ```check\n  no\n  ```\n"
    (draft,) = drafts_from(text, "p.md")
    assert draft.description == "error: it crashes\nstate: sad\n```check\nno\n```"
    assert draft.check == ""


# ── CSV ──


def test_a_spreadsheet_is_read_whatever_its_country() -> None:
    rows = "Title{0}priority{0}labels{0}max_usd\r\n{0}{0}{0}\r\nA{0}high{0}x{0}1.5\r\n"
    for delimiter in ",;\t":
        (record,) = records_from("\ufeff" + rows.format(delimiter), "t.csv")
        assert (record.title, record.priority, record.max_usd) == ("A", Priority.HIGH, 1.5)
        assert record.given == {"title", "priority", "labels", "max_usd"}
    assert records_from("title\nA\n", "standard input")[0].title == "A"


def test_an_empty_cell_clears_and_a_missing_column_says_nothing() -> None:
    (record,) = records_from("title,check,priority,not_before\nA,,,\n", "t.csv")
    assert record.given == {"title", "check", "not_before"}
    assert (record.check, record.priority) == ("", Priority.MEDIUM)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title,priorty\nA,low\n", "line 1: unknown key 'priorty'; did you mean priority?"),
        ("identifier\nENG-1\n", "line 1: no column is named title"),
        ("title,title\nA,B\n", "line 1: two columns are named title"),
        ("title,priority\nA,hot\n", "row 2: unknown priority 'hot'"),
        ("title,type\nA,b,c\n", "row 2: it has more cells than the first row"),
        ("title\nA\n\n,\nB,\n", ""),
        ('title\n"A\n', "not valid CSV"),
        ("title,state\nA,lost\n", "row 2: unknown state 'lost'; use one of todo"),
        ("title,attempts\nA,-1\n", "row 2: attempts must be a whole number from 0"),
        ("title,verified\nA,maybe\n", "row 2: verified must be"),
        ("title,comments\nA,[1]\n", "row 2: comments must be a list of objects"),
        ("title,seconds\nA,nan\n", "row 2: seconds must be a number from 0"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(text: str, problem: str) -> None:
    if problem:
        assert problem in refused_records(text, "t.csv")
    else:
        assert [record.title for record in records_from(text, "t.csv")] == ["A", "B"]


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+1", "-1", "\tx", "＝1", "'=1", "''-", "|x"])
def test_no_cell_is_a_formula_and_each_comes_back(text: str) -> None:
    assert guarded(text).startswith("'")
    assert unguarded(guarded(text)) == text
    assert unguarded(text.lstrip("'")) == text.lstrip("'"), "a spreadsheet may have taken it off"


def test_text_that_is_no_formula_is_left_alone() -> None:
    for text in ("a=b", "'quoted'", "", " =1", "it's"):
        assert guarded(text) == unguarded(text) == text


def test_times_come_back_to_the_last_digit() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        at = chance.choice([1.8e9 * chance.random(), float(chance.randint(0, 2**40)), 1e-7, 1e300])
        assert iso(exact(at)) == at
    assert exact(1.8e9) == "2027-01-15T08:00:00Z"


def test_the_state_and_the_facts_of_a_record() -> None:
    text = json.dumps(
        {
            "identifier": "eng-7", "title": "A", "state": "Cancelled", "cost_usd": 1,
            "comments": [{"at": 5, "actor": "me", "body": "x"}], "owner": "w1", "blocked_by": 3,
            "check": None, "team": "OPS",
        }
    )  # fmt: skip
    (record,) = records_from(text, "t.json")
    assert (record.identifier, record.team, record.state) == ("ENG-7", "ENG", State.CANCELED)
    assert (record.facts, record.comments) == ({"cost_usd": 1.0}, ((5.0, "me", "x"),))
    assert record.given == {"title", "check", "team"}


def test_text_that_would_be_read_as_something_else_stands_in_a_block() -> None:
    text = "- [ ] no task\n```\npriority: low\n```"
    task = Task(identifier="ENG-4", title="Mend it", team="ENG", description=text)
    written = "".join(exported([(task, [])], "markdown"))
    assert written.endswith(
        "  ````description\n  - [ ] no task\n  ```\n  priority: low\n  ```\n  ````\n"
    )
    assert read_back([(task, [])], "markdown")[0][0].description == text
