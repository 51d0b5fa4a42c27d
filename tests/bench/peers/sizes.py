"""What many tasks cost over few: a claim, an opening in a new process, an import."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from axon.tasks import Claim
from tests.bench.peers.works import LEASE_SECONDS, RUN, ledger

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PYZ = Path(os.environ.get("AXON_TEST_PYZ", ROOT / "dist" / "axon.pyz")).resolve()
CLAIMS = 100  # per round
ROUNDS = 5
TASKS = 100_000
OPEN = """
import sys, time
from pathlib import Path
from axon.ledger import open_ledger
start = time.perf_counter()
ledger = open_ledger(f"file:{sys.argv[1]}")
ledger.counts()
print(time.perf_counter() - start)
"""
BARE_IMPORT = """
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[2], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE task (id INTEGER PRIMARY KEY, title TEXT, facts TEXT)")
db.execute("BEGIN")
with open(sys.argv[1]) as file:
    db.executemany(
        "INSERT INTO task (title, facts) VALUES (?, ?)",
        ((json.loads(line)["title"], line) for line in file),
    )
db.execute("COMMIT")
"""

MEASURED = """
import resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""  # a process of its own: a child starts out with what its parent has in memory

Row = Callable[[str, list[float], Any, str], None]


def claims(row: Row, target: Any, folder: Path, many: int) -> None:
    """Without the flush, which takes the same time whatever is flushed."""
    few_seconds: list[float] = []
    many_seconds: list[float] = []
    ratios = []
    with (
        closing(ledger(folder / "few.db", durable=False)) as few,
        closing(ledger(folder / "many.db", durable=False)) as crowd,
    ):
        for _ in range(ROUNDS):
            some: dict[Any, list[float]] = {few: [], crowd: []}
            for _ in range(CLAIMS):
                for books, seconds in some.items():
                    seconds.append(_claim(books))
            few_seconds.append(statistics.median(some[few]))
            many_seconds.append(statistics.median(some[crowd]))
            ratios.append(many_seconds[-1] / few_seconds[-1])
    a, b = (1e6 * statistics.median(found) for found in (many_seconds, few_seconds))
    row(f"claim p50 at {many:,} tasks over 1,000", ratios, target, f"{a:.0f} µs, {b:.0f} µs")


def _claim(books: Any) -> float:
    start = time.perf_counter()
    task = books.claim(worker="one", run=RUN, lease_seconds=LEASE_SECONDS)
    seconds = time.perf_counter() - start
    claim = Claim(identifier=task.identifier, token=task.token, worker="one", run=RUN)
    books.submit(claim, commit="0" * 40, verified=True)
    return seconds


def openings(row: Row, target: Any, folder: Path, many: int) -> None:
    few_seconds: list[float] = []
    many_seconds: list[float] = []
    for _ in range(3 * ROUNDS):
        for name, found in (("few", few_seconds), ("many", many_seconds)):
            words = [sys.executable, "-c", OPEN, str(folder / f"{name}.db")]
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
            found.append(float(done.stdout))
    a, b = (1e3 * statistics.median(found) for found in (many_seconds, few_seconds))
    row(
        f"open in a fresh process, {many:,} over 1,000",
        [a / b],
        target,
        f"{a:.2f} ms, {b:.2f} ms",
    )


def imports(row: Row, seconds: Any, growth: Any, folder: Path) -> None:
    """By the file, as a person does it; beside rows that say nothing of what they hold."""
    for count in (TASKS, TASKS // 10):
        _write(folder / f"{count}.jsonl", count)
    took: list[float] = []
    bare: list[float] = []
    peaks: dict[int, list[float]] = {TASKS: [], TASKS // 10: []}
    for number in range(3):
        for count, found in peaks.items():
            place = f"file:{folder / f'import-{number}-{count}.db'}"
            file = str(folder / f"{count}.jsonl")
            words = [sys.executable, str(PYZ), "task", "import", file, "--ledger", place]
            passed, megabytes = _run(words, folder)
            found.append(megabytes)
            if count == TASKS:
                took.append(passed)
        file, place = str(folder / f"{TASKS}.jsonl"), str(folder / f"bare-{number}.db")
        bare.append(_run([sys.executable, "-c", BARE_IMPORT, file, place], folder)[0])
    large, small = (statistics.median(peaks[count]) for count in peaks)
    size = (folder / f"{TASKS}.jsonl").stat().st_size >> 20
    row(
        f"import of {TASKS:,} tasks, seconds",
        took,
        seconds,
        f"{size} MiB; bare rows of JSON in SQLite: {statistics.median(bare):.1f} s",
    )
    row(
        f"… its memory over that of {TASKS // 10:,}",
        [large / small],
        growth,
        f"{large:.0f} MB, {small:.0f} MB",
    )


def _write(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            task = {
                "id": f"t{number}",
                "title": f"Task number {number} does something",
                "description": f"Details of task {number}: {'lorem ipsum ' * 12}",
                "priority": ("low", "medium", "high")[number % 3],
                "labels": ["a", "b"],
                "paths": [f"src/mod{number % 500}/**"],
                "depends": [f"t{number - 1}"] if number % 10 else [],
            }
            file.write(json.dumps(task) + "\n")


def _run(words: list[str], folder: Path) -> tuple[float, float]:
    """Seconds, and resident megabytes at most."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds, size = map(float, done.stdout.split())
    return seconds, size / (1 << 20 if sys.platform == "darwin" else 1 << 10)
