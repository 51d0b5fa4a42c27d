"""Files of other tools: what becomes of their tasks, and that nothing in them is lost unsaid."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from axon.errors import UsageError
from axon.ledger import open_ledger
from axon.tasks import Record, State
from axon.tasks.exchange import KINDS, records_of
from axon.tasks.exchange.foreign import recognised
from axon.tasks.exchange.foreign.yaml import parse
from axon.tasks.exchange.source import HEAD
from tests.drive import Axon

SAMPLES = Path(__file__).parent / "samples"
TOOL_OF = {
    "WORKFLOW.md": "symphony",
    "issues.jsonl": "beads",
    "tasks.json": "task-master",
    "linear.csv": "linear",
    "linear.json": "linear",
    "github.json": "github",
    "github-rest.json": "github",
    "vibe-kanban.json": "vibe-kanban",
    "vibe-kanban.zip": "vibe-kanban",
}


def sample(name: str) -> bytes:
    if not name.endswith(".zip"):
        return (SAMPLES / name).read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for table in sorted((SAMPLES / name.removesuffix(".zip")).iterdir()):
            archive.writestr(table.name, table.read_bytes())
    return packed.getvalue()


def read(
    content: bytes | str, name: str, kind: str = ""
) -> tuple[dict[str, Record], dict[str, Record], list[str]]:
    """By what the tool calls them, by title, and what is said beside."""
    raw = content.encode() if isinstance(content, str) else content
    found = records_of(io.BytesIO(raw), name, "ENG", kind)
    try:
        records = list(found)
        return {r.origin: r for r in records}, {r.title: r for r in records}, found.notes.lines()
    finally:
        found.close()


def refused(content: bytes | str, name: str, kind: str = "") -> str:
    with pytest.raises(UsageError) as caught:
        read(content, name, kind)
    said = str(caught.value)
    assert said.startswith(f"{name}: ") and said.endswith("; nothing was imported")
    assert "\n" not in said
    return said.removeprefix(f"{name}: ").removesuffix("; nothing was imported")


# ── which tool ──


@pytest.mark.parametrize("name", TOOL_OF)
def test_a_file_tells_which_tool_wrote_it(name: str) -> None:
    head = sample(name)[:HEAD].decode("utf-8", "replace")
    assert recognised(head, name) == TOOL_OF[name]
    assert recognised(head, "stdin") == TOOL_OF[name], "its name is not needed"
    assert TOOL_OF[name] in KINDS


@pytest.mark.parametrize(
    "own",
    [
        "- [ ] a task\n",
        '{"title": "a"}\n{"title": "b"}\n',
        '[{"identifier": "ENG-1", "title": "a", "state": "todo"}]',
        "identifier,title,state\nENG-1,a,todo\n",
        "---\ntitle: notes\n---\n- [ ] a\n",
        "[]",
        "{}",
        "",
    ],
)
def test_files_of_our_own_are_left_to_their_readers(own: str) -> None:
    assert recognised(own, "x") == ""


def test_a_tool_that_is_named_is_believed() -> None:
    assert "not valid JSON" in refused(sample("issues.jsonl"), "issues.jsonl", "linear")
    assert "unknown key 'id" not in refused(sample("issues.jsonl"), "i.jsonl", "json")
    assert len(read('{"id":"a-1","title":"x"}', "x.txt", "beads")[0]) == 1


def test_large_answers_are_recognised_by_their_beginning() -> None:
    issues = [
        {"identifier": f"T-{n}", "title": "x" * 90, "state": {"type": "unstarted"}}
        for n in range(1000)
    ]
    text = json.dumps({"data": {"issues": {"nodes": issues}}})
    assert recognised(text[:HEAD], "x.json") == "linear"
    tasks = [{"id": n, "title": "x" * 90} for n in range(1000)]
    assert recognised(json.dumps({"main": {"tasks": tasks}})[:HEAD], "x") == "task-master"
    assert recognised(json.dumps({"tasks": tasks})[:HEAD], "x") == "task-master"
    assert recognised(json.dumps({"success": True, "data": tasks})[:HEAD], "x") == "vibe-kanban"


# ── what they say ──


def test_beads_keep_links_states_and_remarks() -> None:
    known, titled, notes = read(sample("issues.jsonl"), "issues.jsonl")
    epic, parse_, format_ = (known[f"beads:tk-{key}"] for key in ("e1", "p1", "f1"))
    assert (epic.type, epic.priority.label, epic.labels) == (
        "epic",
        "high",
        ("core", "beads:tk-e1"),
    )
    assert parse_.parent == "beads:tk-e1"
    assert parse_.depends == ("beads:tk-s1",), "what holds up an epic holds up its parts"
    assert format_.depends == ("beads:tk-p1", "beads:tk-s1")
    for part in ("A table of units", "is 5400", "about weeks", "discovered-from: tk-x1", "gh-9"):
        assert part in parse_.description
    assert parse_.comments == ((1772445600.0, "leo", "Months are out of scope."),)
    assert parse_.facts["created_at"] == 1772438400.1234567
    assert titled["Set the project up"].state is State.DONE
    assert (format_.state, titled["Weeks and months"].state) == (State.TODO, State.BLOCKED)
    assert "deferred" in titled["Weeks and months"].facts["question"]
    assert notes == [
        "not taken over: assignee (1 task)",
        "not taken over: estimated_minutes (1 task)",
        "'in_progress' became todo: nobody works on it here (1 task)",
        "priority 4 became low (1 task)",
        "deleted in beads, left out (1 task)",
    ]


def test_task_master_has_tags_subtasks_and_what_they_wait_for() -> None:
    known, _, notes = read(sample("tasks.json"), "tasks.json")
    first, second = known["task-master:2.1"], known["task-master:2.2"]
    assert first.parent == second.parent == "task-master:2"
    assert first.depends == ("task-master:1",), "begun when its task may be"
    assert second.depends == ("task-master:1", "task-master:2.1"), "1 is its sibling"
    assert known["task-master:3"].depends == ("task-master:2.2", "task-master:2")
    assert "python -m unittest passes." in known["task-master:1"].description
    tagged = known["task-master:calendar:1"]
    assert (tagged.labels[0], tagged.priority.label) == ("calendar", "urgent")
    assert "not taken over: complexity (1 task)" in notes
    bare, _, _ = read('{"tasks": [{"id": 1, "title": "a", "status": "done"}]}', "tasks.json")
    assert bare["task-master:1"].state is State.DONE


def test_linear_is_read_from_its_csv() -> None:
    known, _, notes = read(sample("linear.csv"), "linear.csv")
    one, two = known["linear:TIM-1"], known["linear:TIM-2"]
    assert (one.labels, one.project) == (("core", "parsing", "linear:TIM-1"), "timekit")
    assert one.facts == {"created_at": 1772442000.0, "updated_at": 1772528400.0}
    assert one.identifier == "", "numbers of another tool are not those of this ledger"
    assert (two.title, two.parent) == ("=SUM of durations", "linear:TIM-1")
    assert two.depends == ("linear:TIM-3",), "who was canceled holds nobody up"
    states = [known[f"linear:TIM-{n}"].state for n in (1, 2, 3, 4)]
    assert states == [State.TODO, State.TODO, State.DONE, State.CANCELED]
    assert "duplicate of: TIM-1" in known["linear:TIM-4"].description
    assert "not taken over: Assignee (1 task)" in notes
    assert "unknown state 'Ready for work', taken as todo (1 task)" in notes
    assert "waits no longer for one that was canceled (1 task)" in notes


def test_linear_is_read_from_its_api() -> None:
    known, _, notes = read(sample("linear.json"), "linear.json")
    two, four = known["linear:TIM-2"], known["linear:TIM-4"]
    assert (two.parent, four.parent) == ("linear:TIM-1", "linear:TIM-1")
    assert two.depends == ("linear:TIM-3",), "what has ended elsewhere is nobody's blocker"
    assert four.depends == ("linear:TIM-2",), "told from the other side"
    assert two.comments == ((1772445600.0, "Mia", "Months are out of scope."),)
    ranks = [known[f"linear:TIM-{n}"].priority.label for n in (1, 2, 3, 4)]
    assert ranks == ["high", "medium", "urgent", "low"]
    assert known["linear:TIM-3"].state is State.DONE
    cut = sample("linear.json").replace(b'"hasNextPage": false', b'"hasNextPage": true')
    assert "more issues than the file holds" in "".join(read(cut, "linear.json")[2])
    wrong = '{"errors": [{"message": "Authentication required"}]}'
    assert "Authentication required" in refused(wrong, "x.json", "linear")


def test_github_is_read_as_gh_prints_it() -> None:
    known, _, notes = read(sample("github.json"), "github.json")
    seven = known["github:acme/timekit#7"]
    assert seven.depends == ("github:acme/timekit#5",), "a closed issue blocks nobody"
    assert seven.description.startswith("Also 90m.\n\n- [ ] tests")
    assert "https://github.com/acme/timekit/issues/7" in seven.description
    assert seven.comments == ((1772445600.0, "leo", "Months are out of scope."),)
    assert known["github:acme/timekit#6"].state is State.CANCELED
    assert known["github:acme/timekit#5"].type == "feature"
    assert notes == [
        "not taken over: assignees (1 task)",
        "not taken over: milestone (1 task)",
        "part of a task that is not in the file (1 task)",
        "waits no longer for one that was canceled (1 task)",
    ]


def test_github_is_read_as_its_api_pages_it() -> None:
    known, _, notes = read(sample("github-rest.json"), "pages.json")
    assert set(known) == {"github:acme/timekit#1", "github:acme/timekit#2"}, "no pull requests"
    first, second = known.values()
    assert (first.state, first.type, first.labels[:2]) == (State.DONE, "bug", ("core", "loose"))
    assert second.parent == "github:acme/timekit#1"
    assert "pull requests, left out (1 task)" in notes
    slurped = "[" + sample("github-rest.json").decode().replace("]\n[", "],\n[") + "]"
    assert set(read(slurped, "pages.json")[0]) == set(known)


def test_vibe_kanban_is_read_from_its_archive_and_its_api() -> None:
    known, _, notes = read(sample("vibe-kanban.zip"), "vibe-kanban-export.zip")
    two = known["vibe-kanban:TIM-2"]
    assert (two.parent, two.depends) == ("vibe-kanban:TIM-1", ("vibe-kanban:TIM-3",))
    assert two.comments == ((1772445600.0, "Leo", "Months are out of scope."),)
    assert "Related: TIM-3" in known["vibe-kanban:TIM-1"].description
    assert known["vibe-kanban:TIM-3"].state is State.DONE, "its column is called as they like"
    assert "not taken over: Due Date (1 task)" in notes
    alone = read((SAMPLES / "vibe-kanban" / "issues.csv").read_bytes(), "issues.csv")[0]
    assert set(alone) == set(known)
    _, titled, _ = read(sample("vibe-kanban.json"), "tasks.json")
    assert titled["Parse 1h 30m"].description == "Also 90m."
    assert titled["Format durations"].state is State.CANCELED


def test_a_workflow_is_one_task_and_lines_for_the_settings() -> None:
    _, titled, notes = read(sample("WORKFLOW.md"), "WORKFLOW.md")
    ((title, task),) = titled.items()
    assert title == "Take over how WORKFLOW.md has tasks worked"
    assert "keep the change log" in task.description and "workers = 3" in task.description
    assert "max_minutes = 30" in task.description and "LINEAR_API_KEY" not in task.description
    assert "not taken over: polling.interval_ms" in notes
    assert "not taken over: agent.max_concurrent_agents_by_state" in notes
    assert any("--from linear" in note for note in notes)
    plain = "---\ntracker:\n  kind: memory\nagent:\n---\n# Tidy up\n\nAll of it.\n"
    _, titled, notes = read(plain, "WORKFLOW.md")
    assert list(titled) == ["Tidy up"], "a prompt that names no issue is work as it stands"


# ── what is wrong ──


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("issues.jsonl", '"priority":2,"issue_type":"feature"', '"priority":"x","issue_type":""',
         "line 3: priority must be a whole number"),
        ("issues.jsonl", '"priority":2,"issue_type":"feature"', '"priority":7,"issue_type":""',
         "line 3: priority must be a number from 0 to 4"),
        ("issues.jsonl", '"priority":2,"issue_type":"feature"', '"priority":1e999,"issue_type":""',
         "line 3: priority must be a whole number"),
        ("issues.jsonl", '"id":"tk-x1"', '"id":"tk-p1"', "id 'beads:tk-p1' was given before"),
        ("issues.jsonl", '"depends_on_id":"tk-p1"', '"depends_on_id":"tk-q"',
         "'beads:tk-q' is no id or title in this file"),
        ("issues.jsonl", '"title":"Weeks and months"', '"title":7', "title must be a text"),
        ("issues.jsonl", '{"id":"tk-x1"', '{"id":"tk-x1', "line 5: not valid JSON"),
        ("issues.jsonl", "2026-03-02T10:00:00Z", "yesterday", "cannot read the time 'yesterday'"),
        ("tasks.json", '"id": 2, "title": "Durations"', '"title": "Durations"',
         "item 2: it has no id"),
        ("tasks.json", '["2.2", 2]', '["2.9"]', "'task-master:2.9' is no id or title in this file"),
        ("tasks.json", '["2.2", 2]', '{"a": 1, "nodes": 3}', "dependencies must be a list"),
        ("tasks.json", '"priority": "low"', '"priority": "soon"', "unknown priority 'soon'"),
        ("tasks.json", '"tasks": [{"id"', '"tusks": [{"id"', "calendar: it has no list of tasks"),
        ("linear.csv", "TIM-3, TIM-4", "TIM-9", "'linear:TIM-9' is no id or title in this file"),
        ("linear.csv", '"TIM-3","Time"', '"","Time"', "it has no ID"),
        ("linear.csv", '"ID","Team"', '"ID","ID"', "two columns are named ID"),
        ("linear.csv", "Mon Mar 02 2026 09:00:00 GMT+0000", "Mon Foo 02 2026 09:00:00 GMT+0000",
         "cannot read the time"),
        ("linear.json", '"priority": 4', '"priority": 9', "issue TIM-4: priority must be"),
        ("linear.json", '{"nodes": [{"name": "core"}]}', '"core"', "labels must be a list"),
        ("github.json", '"state": "OPEN", "stateReason"', '"state": "MERGED", "stateReason"',
         "item 1 (#7): unknown state 'merged'"),
        ("github.json", '"number": 6', '"number": null', "item 2: it has no number"),
        ("WORKFLOW.md", "command: codex", "command: &a codex", "line 26: an anchor is not"),
        ("WORKFLOW.md", "  interval_ms", "\tinterval_ms", "line 12: a tab before the text"),
        ("WORKFLOW.md", "---\n\nYou work", "\nYou work", "its front matter does not end"),
        ("WORKFLOW.md", "max_concurrent_agents: 3", "max_concurrent_agents: many",
         "agent.max_concurrent_agents must be a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_its_place(name: str, old: str, new: str, said: str) -> None:
    text = sample(name).decode()
    assert old in text
    assert said in refused(text.replace(old, new, 1), name, TOOL_OF[name])


@pytest.mark.parametrize("name", [name for name in TOOL_OF if not name.endswith(".zip")])
def test_bytes_that_are_no_text_are_refused_with_their_line(name: str) -> None:
    raw = sample(name)
    last = raw.rstrip().rfind(b"\n") + 1  # in the last line
    line = raw.count(b"\n", 0, last) + 1
    at = last + 1
    assert f"line {line}: it is no UTF-8" in refused(raw[:at] + b"\xff" + raw[at:], name)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("json",)])
def test_nothing_is_no_task(kind: str) -> None:
    texts = () if kind == "symphony" else ("[]", "null", "7", '"text"', "[[[[]]]]")
    for content in ("", "\n", *texts):
        refused(content, "file", kind)


def bent_archives() -> Iterator[bytes]:
    """One byte changed, one after the other, of an archive that is packed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        rows = "".join(f"I-{number},title {number},Todo\n" for number in range(20))
        archive.writestr("issues.csv", "Issue ID,Title,Status\n" + rows)
    whole = packed.getvalue()
    for at in range(4, len(whole)):
        yield whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]


def test_damaged_archives_are_refused() -> None:
    whole = sample("vibe-kanban.zip")
    for cut in (len(whole) // 3, len(whole) - 10):
        refused(whole[:cut], "export.zip")
    bent = bytearray(whole)
    bent[len(whole) // 2] ^= 0xFF
    with pytest.raises(UsageError):
        read(bytes(bent[:60]) + b"\0" * 40 + bytes(bent[100:]), "export.zip")
    for archive_bent in bent_archives():
        with suppress(UsageError):  # not every byte matters
            read(archive_bent, "export.zip")
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "no issues.csv" in refused(other.getvalue(), "export.zip")


def test_a_bomb_is_not_unpacked() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("issues.csv", b"Issue ID,Title,Status\n" + b"a" * (65 << 20))
    assert "issues.csv has more than 64 MiB" in refused(packed.getvalue(), "export.zip")


def test_circles_of_epics_end() -> None:
    lines = [
        {"id": name, "title": name, "issue_type": "epic",
         "dependencies": [{"depends_on_id": other, "type": "parent-child"}]}
        for name, other in (("a", "b"), ("b", "a"))
    ]  # fmt: skip
    known, _, _ = read("\n".join(map(json.dumps, lines)), "x.jsonl")
    assert known["beads:a"].parent == "beads:b", "the ledger refuses the circle, not the reader"


# ── front matter ──


def yaml(text: str) -> Any:
    return parse(text.split("\n"), 1)


def test_the_part_of_yaml_that_is_read() -> None:
    assert yaml("") == {}
    assert yaml("a: 1\nb: -2.5\nc: true\nd: ~\ne:\nf: x # said\ng: 'it''s'") == {
        "a": 1, "b": -2.5, "c": True, "d": None, "e": None, "f": "x", "g": "it's",
    }  # fmt: skip
    assert yaml('a: "x\\n\\"y\\" # no comment"') == {"a": 'x\n"y" # no comment'}
    assert yaml("a: [x, 'y, z', 3]\nb: []") == {"a": ["x", "y, z", 3], "b": []}
    assert yaml("a:\n- x\n- 2\nb:\n  - y") == {"a": ["x", 2], "b": ["y"]}
    assert yaml("a: |\n  x\n\n    y\n  # z\nb: >-\n  x\n  y\n\n  z") == {
        "a": "x\n\n  y\n# z\n", "b": "x y\nz",
    }  # fmt: skip
    assert yaml("a:\n  b:\n    in progress: 1\n  c: url: x".replace("url: x", "http://x")) == {
        "a": {"b": {"in progress": 1}, "c": "http://x"}
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: *b", "a: !!str x", "a: {b: 1}", "a: [x, [y]]", "a: [x\n  y]", "- a", "a: 1\n b: 2",
        "a:\n  b: 1\n c: 2", "a: 1\na: 2", "a", 'a: "x', "a: 'x", "a: b: c", "a:\n  - b: 1",
        "a: @x", "a: `x`", "%YAML", "a:\n\tb: 1", 'a: "\\q"',
        "\n".join(" " * n + "a:" for n in range(40)),
        "a: [" + " " * 5000 + '"]', "a" + " " * 5000 + "x",  # at once, and not after hours
    ],
)  # fmt: skip
def test_the_rest_of_yaml_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"line \d+"):
        yaml(text)


# ── into the ledger ──


@pytest.fixture
def axon(core_pyz: Path, tmp_path: Path) -> Axon:
    driver = Axon(pyz=core_pyz, root=tmp_path / "project", cache=tmp_path / "cache")
    driver.make_repository()
    driver.ok("init")
    return driver


def bring(axon: Axon, name: str) -> str:
    (axon.root / name).write_bytes(sample(name))
    return name


def test_every_sample_is_taken_in_once(tmp_path: Path) -> None:
    ledger = open_ledger(f"file:{tmp_path / 'ledger.db'}", create=True)
    counts = {}
    for name in TOOL_OF:
        found = records_of(io.BytesIO(sample(name)), name, "ENG")
        for dry_run in (True, False):
            before = len(ledger.tasks())
            taken = ledger.take_in(found, dry_run=dry_run)
            counts[name] = taken.count
            assert len(ledger.tasks()) == before + (0 if dry_run else taken.count)
        again = ledger.take_in(found)
        assert (again.count, len(again.skipped)) == (0, len(found)), "all of it is there"
        found.close()
    assert counts == {
        "WORKFLOW.md": 1, "issues.jsonl": 5, "tasks.json": 6, "linear.csv": 4, "linear.json": 0,
        "github.json": 3, "github-rest.json": 2, "vibe-kanban.json": 2, "vibe-kanban.zip": 3,
    }  # fmt: skip
    ledger.close()


def test_an_archive_is_taken_in_once_from_the_command_line(axon: Axon) -> None:
    name = bring(axon, "vibe-kanban.zip")
    assert "would add 3 tasks" in axon.ok("task", "import", name, "--dry-run")
    assert axon.tasks() == []
    assert "added 3 tasks" in axon.ok("task", "import", name)
    assert "added 0 tasks" in axon.ok("task", "import", name)
    axon.ok("ledger", "check")


def test_names_of_other_tools_meet_no_tasks_of_ours(axon: Axon) -> None:
    axon.ok("task", "add", "Durations")
    done = axon("task", "import", bring(axon, "linear.csv"), "--team", "TIM")
    assert done.returncode == 0
    assert "axon: linear.csv: not taken over: Assignee (1 task)\n" in done.stderr
    task = axon.task("TIM-2")
    assert (task["parent"], task["depends"]) == ("TIM-1", ["TIM-3"])
    changed = sample("linear.csv").replace(b"SUM of durations", b"SUM of all").decode()
    (axon.root / "linear.csv").write_text(changed)
    assert "updated 1" in axon.ok("task", "import", "linear.csv", "--conflict", "update")
    assert axon.task("TIM-2")["title"] == "=SUM of all"
    assert axon.task("ENG-1")["title"] == "Durations"
    added = axon.json("task", "import", "linear.csv", "--conflict", "duplicate", "--team", "NEW")
    assert [(task["outcome"], task["parent"]) for task in added][1] == ("added", "NEW-1")


def test_a_circle_of_another_tool_changes_nothing(axon: Axon) -> None:
    text = sample("linear.csv").decode().replace("TIM-3, TIM-4", "TIM-1")
    (axon.root / "linear.csv").write_text(text)
    done = axon("task", "import", "linear.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("axon: these tasks wait for each other: ")
    assert done.stderr.count("\n") == 1 and axon.tasks() == []


def test_a_file_of_a_gigabyte_is_refused_at_once(axon: Axon) -> None:
    with open(axon.root / "issues.jsonl", "wb") as file:
        file.write(b'{"id":"a-1","title":"x","issue_type":"task"}\n')
        file.truncate(1 << 30)
    done = axon("task", "import", "issues.jsonl", "--from", "beads")
    assert done.returncode == 2 and "more than 256 MiB" in done.stderr
