"""Large files of tasks: read piece by piece, with the same answers and little memory."""

import io
import json
import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from axon.errors import UsageError
from axon.ledger import open_ledger
from axon.tasks.exchange import records_from, records_of
from axon.tasks.exchange.window import CHUNK
from tests.drive import Axon

MANY = 20_000
GROWTH_MEGABYTES = 20
MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""  # a process of its own: a child starts out with what its parent has in memory


def tasks(count: int) -> list[dict[str, object]]:
    return [
        {
            "id": f"t{n}",
            "title": f"Task {n}",
            "description": "words and words " * 20,
            "depends": [f"t{n - 1}"] if n % 3 else [],
        }
        for n in range(count)
    ]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_many_chunks_is_read_as_it_is(indent: int | None) -> None:
    chance = random.Random(7)
    wanted = [
        {"title": f"T{n}", "description": 'é\\"]}, ' * chance.choice([1, 9, 40_000])}
        for n in range(60)
    ]
    text = json.dumps(wanted, ensure_ascii=chance.random() < 0.5, indent=indent)
    assert len(text) > 4 * CHUNK
    with closing(records_of(io.BytesIO(text.encode()), "t.json")) as records:
        found = [(record.title, record.description) for record in records]
    assert found == [(str(one["title"]), str(one["description"]).rstrip()) for one in wanted]


def test_an_error_far_behind_is_told_with_its_line_and_column() -> None:
    good = json.dumps({"title": "a", "description": "x" * 1000})
    text = "[\n" + f"{good},\n" * 600 + '{"title": "b" "c"}\n]'
    with pytest.raises(json.JSONDecodeError) as whole:
        json.loads(text)
    with pytest.raises(UsageError) as caught:
        records_from(text, "t.json")
    assert f"line {whole.value.lineno}: " in str(caught.value)
    assert f"column {whole.value.colno})" in str(caught.value)


@pytest.mark.parametrize("ending", ["", "]", "] x", ", ]", "]]"])
def test_a_list_that_does_not_end_well_is_refused(ending: str) -> None:
    text = f'[{{"title": "a"}}{ending}'
    if ending == "]":
        assert len(records_from(text, "t.json")) == 1
        return
    with pytest.raises(UsageError, match="not valid JSON"):
        records_from(text, "t.json")


def test_names_may_come_later_and_be_titles(tmp_path: Path) -> None:
    lines = [
        {"title": "first", "depends": ["last", "Second, with a comma"]},
        {"title": "Second, with a comma", "id": "s"},
        *({"title": f"between {n}"} for n in range(700)),
        {"title": "last", "parent": "s"},
    ]
    text = "\n".join(map(json.dumps, lines))
    with (
        closing(open_ledger(f"file:{tmp_path / 'ledger.db'}", create=True)) as ledger,
        closing(records_of(io.BytesIO(text.encode()), "t.jsonl")) as records,
    ):
        found = ledger.take_in(records, most=2)
        assert [task.depends for task in found.added] == [("ENG-703", "ENG-2"), ()]
        assert found.count == 703
        assert ledger.task("ENG-703").parent == "ENG-2"
        assert ledger.task("ENG-2").blocked == 1
        assert ledger.check() == []


def test_memory_does_not_grow_with_the_file(axon: Axon) -> None:
    axon.make_repository()
    peaks = [imported(axon, count) for count in (200, MANY)]
    assert peaks[1] - peaks[0] < GROWTH_MEGABYTES, peaks


def imported(axon: Axon, count: int) -> float:
    """What the import of so many tasks takes at most, in megabytes."""
    with (axon.root / "tasks.jsonl").open("w") as file:
        file.writelines(json.dumps(task) + "\n" for task in tasks(count))
    words = axon.command("task", "import", "tasks.jsonl", "--ledger", f"file:{count}.db")
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words],
        cwd=axon.root,
        env=axon.environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(done.stdout) / (1 << 20 if sys.platform == "darwin" else 1 << 10)
