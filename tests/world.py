"""A ledger with a clock that the test turns, and the usual steps on it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axon.ledger import Lease, Ledger, Limits, Run, Session
from axon.ledger.clock import Clock
from axon.ledger.file import FileLedger
from axon.tasks import Claim, Draft, State, Task

DAY = 86400.0


@dataclass
class World:
    """One ledger file, a clock, and whatever was opened on it."""

    path: Path
    wall: float = 1_800_000_000.0
    boot: float = 1000.0
    boot_id: str = "first boot"
    limits: Limits = field(default_factory=Limits)
    opened: list[FileLedger] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return Clock(wall=lambda: self.wall, boot=lambda: self.boot, boot_id=self.boot_id)

    def open(self, *, create: bool = False) -> Ledger:
        ledger = FileLedger.open(
            str(self.path), create=create, limits=self.limits, clock=self.clock
        )
        self.opened.append(ledger)
        return ledger

    def sleep(self, seconds: float) -> None:
        self.wall += seconds
        self.boot += seconds

    def reboot(self) -> Ledger:
        """Another boot, whose clock may well stand where the last one's did."""
        self.boot_id += " and another"
        return self.open()

    def close(self) -> None:
        for ledger in self.opened:
            ledger.close()


def add(ledger: Ledger, *titles: str, **facts: Any) -> list[str]:
    return [task.identifier for task in ledger.add([Draft(title=t, **facts) for t in titles])]


def claim(ledger: Ledger, worker: str = "w1", run: str = "", seconds: float = 30) -> Claim:
    task = ledger.claim(worker=worker, run=run, lease_seconds=seconds)
    assert task is not None
    assert (task.state, task.owner) == (State.IN_PROGRESS, worker)
    return Claim(identifier=task.identifier, token=task.token, worker=worker, run=run)


def idle(ledger: Ledger, run: str = "") -> bool:
    return ledger.claim(worker="w9", run=run, lease_seconds=30) is None


def finish(ledger: Ledger, claim: Claim, verified: bool = True) -> Task:
    ledger.submit(claim, commit="c1", verified=verified)
    lease = landing(ledger)
    return ledger.landed(lease, claim.identifier, commit="m1", target="main", verified=verified)


def landing(ledger: Ledger) -> Lease:
    lease = ledger.lease("landing", "lander", 30)
    assert lease is not None
    return lease


def started(ledger: Ledger, name: str = "run-1", **facts: Any) -> str:
    run = Run(id=name, pid=1, host="h", target="main", engine="command", workers=2, **facts)
    ledger.start_run(run, 20)
    return name


def session(held: Claim, name: str = "s1") -> Session:
    return Session(
        id=name,
        identifier=held.identifier,
        attempt=held.token,
        run=held.run,
        worker=held.worker,
        engine="claude",
        model="haiku",
        max_usd=2.0,
    )
