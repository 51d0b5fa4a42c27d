"""Processes that work at once for a while: how much each was served, and how long it waited."""

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.peers.works import WORKS

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.bench.peers.works"])
START_SECONDS = 0.2  # until all have begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one process got in its `seconds`."""

    turns: int
    longest: float  # wait for one turn, in seconds
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """What all of them got."""

    served: tuple[Served, ...]

    @property
    def rate(self) -> float:
        return sum(one.turns / one.seconds for one in self.served)

    @property
    def fairness(self) -> float:
        """Least over most served."""
        return min(one.turns for one in self.served) / max(one.turns for one in self.served)

    @property
    def longest(self) -> float:
        return max(one.longest for one in self.served)


def race(kind: str, path: Path, *, durable: bool, processes: int, seconds: float) -> Race:
    ends = []
    started = []
    for number in range(processes):
        here, there = CONTEXT.Pipe()
        words = (there, kind, str(path), durable, f"worker-{number}")
        process = CONTEXT.Process(target=_work, args=words)
        process.start()
        there.close()
        ends.append(here)
        started.append(process)
    for end in ends:
        end.recv()
    begin = time.monotonic() + START_SECONDS
    for end in ends:
        end.send((begin, begin + seconds))
    served = tuple(Served(turns=t, longest=w, seconds=s) for t, w, s in (e.recv() for e in ends))
    for process in started:
        process.join()
    return Race(served=served)


def _work(pipe: Connection, kind: str, path: str, durable: bool, name: str) -> None:
    turn = WORKS[kind](Path(path), durable, name)
    pipe.send(None)
    begin, until = pipe.recv()
    time.sleep(max(0.0, begin - time.monotonic()))
    turns, longest = 0, 0.0
    now = time.monotonic()
    while now < until:
        if not turn():
            raise SystemExit(f"{kind} ran out of tasks; give it more")
        before, now = now, time.monotonic()
        longest = max(longest, now - before)
        turns += 1
    pipe.send((turns, longest, now - begin))
