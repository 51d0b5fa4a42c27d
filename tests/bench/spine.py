"""What the file costs to start, and what a demonstration takes.

    python tests/bench/spine.py

Each figure is printed beside its baseline of the same run; runs alternate, medians count.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYZ = Path(os.environ.get("AXON_TEST_PYZ", ROOT / "dist" / "axon.pyz")).resolve()


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


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        start_up(folder)
        demonstration(folder)


if __name__ == "__main__":
    main()
