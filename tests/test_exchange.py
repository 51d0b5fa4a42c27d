"""Files of tasks: what is read, and that anything wrong in them is named with its line."""

import json
import random

import pytest

from axon.errors import AxonError, UsageError
from axon.tasks import Draft, Priority, Task, task_view
from axon.tasks.exchange import MAX_TASKS, drafts_from

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
    for name in ("x.md", "x.jsonl", "x.json", "x"):
        try:
            drafts_from(text, name)
        except AxonError as error:
            assert "\n" not in str(error)
