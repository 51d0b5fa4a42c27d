"""What the ledger does in a second beside bare SQLite, an flock, and huey, in alternating rounds.

    python tests/bench/ledger.py [--quick]

All work in processes of this one, on the same disk, at the same durability: NORMAL survives the
death of any process, durable the loss of power too. Ratios are medians over the rounds.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.peers.race import Race, race
from tests.bench.peers.sizes import claims, imports, openings
from tests.bench.peers.stock import stock

WHAT_THEY_LACK = """\
What the peers do not do:
- bare SQLite: one UPDATE of one row per transaction, by one process; no queue, no history
- plain SQLite: as much of a cycle as two UPDATEs and two events are, without sums, digests,
  leases or fences; whoever retries at the right moment wins, others may wait for ever
- plain flock: the same under a lock that everybody blocks on; whoever gives it up may take it
  again at once
- huey: deletes a job when it hands it out, so that a killed consumer's job is lost; no history;
  its jobs do nothing here and no result is stored
"""
ENOUGH = {  # tasks that no round uses up
    ("axon", False): 12_000, ("axon", True): 8_000, ("plain", False): 80_000,
    ("flock", False): 80_000, ("bare", False): 150_000, ("huey", False): 60_000,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    least: float | None = None
    most: float | None = None

    def reached(self, figure: float) -> bool:
        return (self.least is None or figure >= self.least) and (
            self.most is None or figure <= self.most
        )

    def __str__(self) -> str:
        return f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"


@dataclass(slots=True)
class Table:
    """Prints a row as soon as it is known."""

    missed: list[str] = field(default_factory=list)

    def row(self, what: str, figures: list[float], target: Target, told: str) -> None:
        figure = statistics.median(figures)
        reached = target.reached(figure)
        if not reached:
            self.missed.append(what)
        print(
            f"{what:<52} {figure:>7.3g}  {str(target):>7}  {'yes' if reached else 'NO':<3}"
            f"  ({min(figures):.3g} to {max(figures):.3g})  {told}",
            flush=True,
        )


Rounds = dict[tuple[str, int], list[Race]]  # by peer and number of processes
ONE_AND_MANY = (("bare", 1), ("axon", 1), ("axon", 16), ("plain", 16), ("flock", 16))
CONSUMERS = (("huey", 4), ("axon", 4))
FLUSHES = (("inside", 1), ("axon", 1), ("inside", 16), ("axon", 16))


def rounds(
    folder: Path, durable: bool, who: tuple[tuple[str, int], ...], count: int, seconds: float
) -> Rounds:
    found: Rounds = {one: [] for one in who}
    for _ in range(count):
        for kind, processes in who:
            path = folder / f"{kind}-{'durable' if durable else 'normal'}.db"
            stock(kind, path, durable=False, tasks=_enough(kind, durable, seconds))
            result = race(kind, path, durable=durable, processes=processes, seconds=seconds)
            found[kind, processes].append(result)
    return found


def _enough(kind: str, durable: bool, seconds: float) -> int:
    return int(max(1.0, seconds) * ENOUGH.get((kind, durable), 12_000))


def ratios(some: list[Race], others: list[Race], figure: Callable[[Race], float]) -> list[float]:
    return [figure(one) / figure(other) for one, other in zip(some, others, strict=True)]


def rate(one: Race) -> float:
    return one.rate


def longest(one: Race) -> float:
    return one.longest


def fairness(one: Race) -> float:
    return one.fairness


def median(some: list[Race], figure: Callable[[Race], float]) -> float:
    return statistics.median(map(figure, some))


def together(table: Table, folder: Path, durable: bool, count: int, seconds: float) -> None:
    """One process, and sixteen that all want to write."""
    name = "durable" if durable else "NORMAL"
    found = rounds(folder, durable, ONE_AND_MANY, count, seconds)
    bare, one, many, plain, flock = (found[who] for who in ONE_AND_MANY)
    table.row(
        f"cycles/s, 1 process, over bare transactions, {name}",
        ratios(one, bare, rate),
        Target(least=0.75 if durable else 0.25),
        f"axon {median(one, rate):,.0f}, bare {median(bare, rate):,.0f}",
    )
    table.row(
        f"16 processes saturated over 1, {name}",
        ratios(many, one, rate),
        Target(least=2 if durable else 0.8),
        f"16: {median(many, rate):,.0f}; plain SQLite {median(plain, rate):,.0f},"
        f" flock {median(flock, rate):,.0f}",
    )
    table.row(
        f"fairness, least over most served of 16, {name}",
        [race.fairness for race in many],
        Target(least=0.8),
        f"plain SQLite {median(plain, fairness):.2f}, flock {median(flock, fairness):.2f}",
    )
    table.row(
        f"longest wait at 16 over plain SQLite's, {name}",
        ratios(many, plain, longest),
        Target(most=0.1),
        f"axon {1000 * median(many, longest):.0f} ms, plain {1000 * median(plain, longest):,.0f}"
        f" ms, flock {1000 * median(flock, longest):.0f} ms",
    )


def jobs(table: Table, folder: Path, durable: bool, count: int, seconds: float) -> None:
    found = rounds(folder, durable, CONSUMERS, count, seconds)
    hive, axon = found["huey", 4], found["axon", 4]
    table.row(
        f"jobs/s over huey, 4 consumers, {'durable' if durable else 'its fsync off'}",
        ratios(axon, hive, rate),
        Target(least=1.5 if durable else 1.0),
        f"axon {median(axon, rate):,.0f}, huey {median(hive, rate):,.0f}",
    )


def flushes(table: Table, folder: Path, count: int, seconds: float) -> None:
    """Why the log is flushed after the lock was given up."""
    found = rounds(folder, True, FLUSHES, count, seconds)
    for processes in (1, 16):
        some, others = found["axon", processes], found["inside", processes]
        table.row(
            f"flushed after the lock over inside it, {processes} processes",
            ratios(some, others, rate),
            Target(least=0.9 if processes == 1 else 2),
            f"after {median(some, rate):,.0f}, inside {median(others, rate):,.0f}",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, 100,000 tasks at most")
    quick = parser.parse_args().quick
    count, seconds = (2, 0.5) if quick else (5, 2.0)
    table = Table()
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        print(f"{'':<52} {'ratio':>7}  {'target':>7}  reached")
        for durable in (False, True):
            together(table, folder, durable, count, seconds)
            jobs(table, folder, durable, count, seconds)
        flushes(table, folder, count, seconds)
        many = 100_000 if quick else 1_000_000
        stock("axon", folder / "few.db", durable=False, tasks=1000)
        stock("axon", folder / "many.db", durable=False, tasks=many)
        claims(table.row, Target(most=1.2), folder, many)
        openings(table.row, Target(most=1.5), folder, many)
        imports(table.row, Target(most=5.0), Target(most=1.5), folder)
    print(WHAT_THEY_LACK)
    if table.missed:
        print(f"not reached: {'; '.join(table.missed)}", file=sys.stderr)


if __name__ == "__main__":
    main()
