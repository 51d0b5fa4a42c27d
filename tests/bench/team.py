"""What a team adds to its agents' work, how soon it is ready, and how soon it has recovered.

    python tests/bench/team.py [--quick]

Agents that do nothing are a shell's `true` and the real CLI with a scripted model; each is also
run alone, as often, for comparison.
"""

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axon.engines.vendor import activate
from axon.ledger import Ledger, WorkerStatus, open_ledger
from axon.tasks import Draft
from tests.drive import Axon, wait_for
from tests.gateway_stand import KEY, TITLE, fake_model

ROOT = Path(__file__).resolve().parent.parent.parent
PYZ = Path(os.environ.get("AXON_TEST_PYZ", ROOT / "dist" / "axon.pyz")).resolve()
QUICK = "--quick" in sys.argv
TASKS = 16 if QUICK else 48
CREWS = (1, 4) if QUICK else (1, 2, 4, 8, 16)
ROUNDS = 1 if QUICK else 3
SAMPLE_SECONDS = 3 if QUICK else 15
CALL = {"name": "Write", "input": {"file_path": "$WORKSPACE/$TASK.txt", "content": "done\n"}}


@contextmanager
def project(command: str, tasks: int, cache: Path) -> Iterator[tuple[Axon, Ledger]]:
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        axon = Axon(PYZ, Path(name) / "project", cache)
        axon.make_repository()
        axon.configure(
            engine={"name": "command" if command else "claude", "command": command},
            guard={"block": []},
            workspace={"disk_floor_mb": 1},
        )
        axon.git("add", "-A")
        axon.git("commit", "-qm", "configure axon")
        axon.ok("init")
        ledger = open_ledger(f"file:{axon.root / '.axon' / 'ledger.db'}")
        ledger.add([Draft(title=f"Task number {n}") for n in range(tasks)])
        yield axon, ledger
        for process in axon.started:
            process.send_signal(signal.SIGTERM)
            process.communicate()
        ledger.close()


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def idle_tasks(cache: Path) -> None:
    """Start and end of the run included."""
    each: dict[int, list[float]] = {workers: [] for workers in CREWS}
    for _ in range(ROUNDS):
        for workers, found in each.items():
            with project("true", TASKS, cache) as (axon, _):
                words = ("team", "--workers", str(workers))
                found.append(timed(lambda a=axon, w=words: a.ok(*w, seconds=600)) / TASKS)  # type: ignore[misc]
    bare = statistics.median(
        timed(lambda: subprocess.run(["sh", "-c", "true"], check=True)) for _ in range(50)
    )
    one = statistics.median(each[1])
    for workers, found in each.items():
        told = statistics.median(found)
        print(
            f"a task that does nothing, {workers} workers: {told * 1000:.0f} ms each, over sh -c"
            f" true {(told - bare) * 1000:.0f} ms; ratio to one worker {told / one:.2f}",
            flush=True,
        )


def real_tasks(cache: Path) -> None:
    """A session of two turns: in a run with one worker, and the CLI alone."""
    turns: list[dict[str, Any]] = [{"text": "I write it.", "tools": [CALL]}, {"text": "Done."}]
    tasks = 2 if QUICK else 6
    with (
        tempfile.TemporaryDirectory(prefix="axon-bench-") as name,
        fake_model(Path(name), turns) as (url, _),
        project("", 0, cache) as (axon, ledger),
    ):
        ledger.add([Draft(title=TITLE) for _ in range(tasks)])
        axon.variables |= {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        cli = activate({"AXON_CACHE_DIR": str(cache), "HOME": name}, str(cache)).cli
        words = ("team", "--workers", "1", "--model", "sonnet")
        team = timed(lambda: axon.ok(*words, seconds=600)) / tasks
        environ = {**axon.environment, "IS_SANDBOX": "1", "CLAUDE_CONFIG_DIR": name}
        alone = [str(cli), "-p", f"# Task: {TITLE}", "--dangerously-skip-permissions"]

        def run() -> None:
            subprocess.run(alone, cwd=name, env=environ, check=True, stdout=subprocess.DEVNULL)

        bare = statistics.median(timed(run) for _ in range(tasks))
    print(
        f"a task of the real CLI: {team:.2f} s each in a run of {tasks}, the CLI alone"
        f" {bare:.2f} s; added {team - bare:.2f} s, ratio {team / bare:.2f}",
        flush=True,
    )


def at_work(ledger: Ledger, count: int) -> list[WorkerStatus]:
    """The workers of the run, once so many have a task."""

    def look() -> list[WorkerStatus]:
        run = next(iter(ledger.runs(1)), None)
        busy = [w for w in ledger.workers(run.id) if w.identifier] if run else []
        return busy if len(busy) >= count else []

    return wait_for(look, 300)


def private_megabytes(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(map(int, re.findall(r"Private_(?:Clean|Dirty): +(\d+)", text))) / 1024


def readiness(cache: Path) -> None:
    """From the first claim to the last of 16 workers, and what each of them weighs."""
    with project("sleep 600", 16, cache) as (axon, ledger):
        axon.start("team", "--workers", "16")
        busy = at_work(ledger, 16)
        at = sorted(e.at for e in ledger.events(limit=10_000) if e.action == "claim")
        own = [private_megabytes(worker.pid) for worker in busy]
        print(
            f"16 workers: all have a task {at[-1] - at[0]:.2f} s after the first (reach 1);"
            f" memory of its own {statistics.median(own):.1f} MB each, at most {max(own):.1f}"
            " (reach 15)",
            flush=True,
        )


def recovery(cache: Path) -> None:
    """From the kill of a worker until its task is claimed again."""
    took = []
    with project("sleep 600", 1, cache) as (axon, ledger):
        axon.start("team", "--workers", "1")
        for _ in range(3):  # who dies again and again is restarted ever later
            (worker,) = at_work(ledger, 1)
            killed = time.time()
            os.kill(worker.pid, signal.SIGKILL)
            claimed = lambda when=killed: [  # noqa: E731
                e.at for e in ledger.events(limit=10_000) if e.action == "claim" and e.at > when
            ]
            took.append(wait_for(claimed, 60)[0] - killed)
    print(
        f"from the kill of a worker to its task claimed again: {statistics.median(took):.2f} s,"
        f" slowest {max(took):.2f} s; the pause before a restart grows with each",
        flush=True,
    )


def coordination(cache: Path) -> None:
    """What the coordinator costs while agents are at work: many workers beside few."""
    figures = {}
    for workers, tasks in ((8, 100), (64, 10_000)):
        with project("sleep 3600", tasks, cache) as (axon, ledger):
            process = axon.start("team", "--workers", str(workers))
            at_work(ledger, workers)
            before, began = _worked(process.pid), time.monotonic()
            time.sleep(SAMPLE_SECONDS)
            share = (_worked(process.pid) - before) / (time.monotonic() - began)
            figures[workers] = share, private_megabytes(process.pid)
            print(
                f"coordinator, {workers} workers, {tasks:,} tasks: {100 * share:.1f} % of a core,"
                f" {figures[workers][1]:.0f} MB",
                flush=True,
            )
    ratio = figures[64][0] / max(figures[8][0], 1e-6)
    print(f"… eight times the workers, a hundred times the tasks: {ratio:.1f} times the work")


def _worked(pid: int) -> float:
    """Seconds of processor time until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    print(f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores", flush=True)
    with tempfile.TemporaryDirectory(prefix="axon-bench-cache-") as name:
        cache = Path(name)
        for measure in (readiness, recovery, coordination, idle_tasks, real_tasks):
            measure(cache)


if __name__ == "__main__":
    main()
