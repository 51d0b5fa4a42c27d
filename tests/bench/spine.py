"""What the file costs to start, what a demonstration takes, and what axon adds to a task.

    python tests/bench/spine.py

Each figure is printed beside its baseline of the same run; runs alternate, medians count.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYZ = Path(os.environ.get("AXON_TEST_PYZ", ROOT / "dist" / "axon.pyz")).resolve()
TASKS = 40


@dataclass(frozen=True, slots=True)
class Cost:
    seconds: float
    megabytes: float  # resident, at most, of the process itself


def run(words: list[str], folder: Path, **variables: str) -> Cost:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **variables}
    started = time.perf_counter()
    process = subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{words}: exit {process.returncode}\n{said.decode()}")
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Cost(seconds, usage.ru_maxrss / scale)


def median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(c.seconds for c in costs), statistics.median(c.megabytes for c in costs)
    )


def start_up(folder: Path) -> None:
    bare: list[Cost] = []
    version: list[Cost] = []
    for _ in range(15):
        bare.append(run([sys.executable, "-c", "pass"], folder))
        version.append(run([sys.executable, str(PYZ), "--version"], folder))
    a, b = median(version), median(bare)
    print(
        f"axon --version: {a.seconds * 1000:.0f} ms, {a.megabytes:.0f} MB; "
        f"python -c pass: {b.seconds * 1000:.0f} ms, {b.megabytes:.0f} MB; "
        f"ratio {a.seconds / b.seconds:.2f}, {a.megabytes / b.megabytes:.2f}"
    )


def demonstration(folder: Path) -> None:
    cache = str(folder / "cache")
    words = [sys.executable, str(PYZ), "demo"]
    first = run(words, folder, AXON_CACHE_DIR=cache)
    again = run(words, folder, AXON_CACHE_DIR=cache)
    print(
        f"axon demo (6 tasks, 8 sessions, 2 workers): {again.seconds:.1f} s; "
        f"with an empty cache {first.seconds:.1f} s, ratio {first.seconds / again.seconds:.2f}"
    )


def project(folder: Path) -> None:
    """A repository whose tasks do nothing: engine `true`, no gate."""
    folder.mkdir()
    (folder / "axon.toml").write_text('[engine]\nname = "command"\ncommand = "true"\n')
    tasks = "".join(f'{{"title": "nothing {n}"}}\n' for n in range(TASKS))
    (folder / "tasks.jsonl").write_text(tasks)
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    run([sys.executable, str(PYZ), "task", "import", "tasks.jsonl"], folder)


def overhead(folder: Path) -> None:
    seconds: dict[int, list[float]] = {1: [], 2: [], 4: []}
    for _ in range(3):
        for workers, found in seconds.items():
            place = folder / "project"
            project(place)
            words = [sys.executable, str(PYZ), "team", "--no-dashboard", "--workers", str(workers)]
            found.append(run(words, place).seconds / TASKS)
            shutil.rmtree(place)
    one = statistics.median(seconds[1])
    for workers, found in seconds.items():
        each = statistics.median(found)
        print(
            f"a task that does nothing, {workers} workers: {each * 1000:.0f} ms each "
            f"({TASKS} tasks, start and end of the run included); ratio to one {each / one:.2f}"
        )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        start_up(folder)
        demonstration(folder)
        overhead(folder)


if __name__ == "__main__":
    main()
