"""Eight processes that work one ledger under blows: `python -m tests.stormers FOLDER SEED …`.

What a call has answered is written to a file beside the ledger once the call has returned, so
that a test can compare what was acknowledged with what is there. Nobody here has the ledger open
when it forks.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from axon.errors import LedgerError, StaleClaim
from axon.ledger import Lease, Ledger, Limits, Session, Usage
from axon.ledger.file import FileLedger
from axon.ledger.holders import holder_of
from axon.tasks import Claim, Draft, State, Task

PROCESSES = 8
STOPPED = 3  # of them, where they are stopped
LEASE_SECONDS = 0.25
CATCH_SECONDS = 2.0
STOP_SECONDS = 0.5  # well past the lease
LONG_SECONDS = 3.0  # longer than anybody may be held up
LIMITS = Limits(max_attempts=10**6, max_losses=10**6, backoff_seconds=0.01)


class Acks:
    """What was acknowledged, a line each. A line that a kill tore was not."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def say(self, what: str, **facts: Any) -> None:
        os.write(self._fd, f"\n{json.dumps({'what': what, **facts})}".encode())


class Stormer:
    """One process at work. Each of its writes carries a mark that no other has."""

    def __init__(self, ledger: Ledger, name: str, acks: Acks, folder: Path) -> None:
        self.ledger, self.name, self.acks, self.folder = ledger, name, acks, folder
        self.random = random.Random(name)
        self.marks = 0

    def do(self, what: str, work: Callable[[str], Any], **facts: Any) -> Any:
        """What `work` answers, acknowledged; None when the claim was lost."""
        self.marks += 1
        mark = f"{self.name}.{self.marks}"
        began = time.monotonic()
        try:
            answer = work(mark)
        except StaleClaim:
            self.acks.say("stale", by=self.name, mark=mark, tried=what)
            return None
        took = time.monotonic() - began
        if isinstance(answer, Task):
            facts |= {"task": answer.identifier, "token": answer.token}
        self.acks.say(what, by=self.name, mark=mark, seconds=took, **facts)
        return answer

    def perhaps(self, chance: float, work: Callable[[], Any]) -> None:
        if self.random.random() < chance:
            work()

    def turn(self) -> None:
        """Take a task and bring it to some end, and do what else falls to be done."""
        self.perhaps(0.3, lambda: self.do("expire", lambda mark: self.ledger.expire()))
        self.perhaps(0.3, self.land)
        self.perhaps(0.01, self.tend)
        task = self.do("claim", lambda mark: self.claim())
        if task is None:
            self.add()
            self.land()
        while task is not None:
            task = self.work(Claim(identifier=task.identifier, token=task.token,
                                   worker=self.name, run=""))  # fmt: skip

    def claim(self) -> Task | None:
        return self.ledger.claim(worker=self.name, run="", lease_seconds=LEASE_SECONDS)

    def add(self) -> None:
        self.do("add", lambda mark: self.ledger.add([Draft(title=mark), Draft(title=f"{mark}+")]))

    def work(self, claim: Claim) -> Task | None:
        """Answers the next task, when that was claimed with the end of this one."""
        ledger = self.ledger
        facts = {"task": claim.identifier, "token": claim.token}
        for _ in range(self.random.randrange(3)):
            self.do("renew", lambda mark: ledger.renew(claim, LEASE_SECONDS), **facts)
            self.perhaps(0.3, lambda: self.comment(claim.identifier))
        self.perhaps(0.2, lambda: self.spend(claim))
        self.perhaps(0.2, lambda: self.do("note", lambda mark: ledger.note(claim, branch=mark)))
        match self.random.choice(("next", "next", "next", "submit", "fail", "release")):
            case "next":
                return self.next(claim)
            case "submit":
                self.do("submit", lambda mark: ledger.submit(claim, commit=mark, verified=True))
            case "fail":
                self.do("fail", lambda mark: ledger.fail(claim, mark))
            case _:
                self.do("release", lambda mark: ledger.release(claim, mark))
        return None

    def next(self, claim: Claim) -> Task | None:
        def both(mark: str) -> Task | None:
            return self.ledger.submit_and_claim(
                claim, commit=mark, verified=True, lease_seconds=LEASE_SECONDS
            )

        following: Task | None = self.do("next", both, task=claim.identifier, token=claim.token)
        return following

    def comment(self, identifier: str) -> None:
        self.do("comment", lambda mark: self.ledger.comment(identifier, mark), task=identifier)

    def spend(self, claim: Claim) -> None:
        def spend(mark: str) -> None:
            session = Session(id=mark, identifier=claim.identifier, attempt=claim.token, run="",
                              worker=self.name, engine="claude", model="m")  # fmt: skip
            self.ledger.start_session(session, token_hash=mark, claim=claim)
            self.ledger.spend(Usage(session=mark, model=mark, status=200, output_tokens=7))
            self.ledger.end_session(mark, outcome="finished", turns=1)

        self.do("spend", spend)

    def land(self) -> None:
        lease = self.ledger.lease("landing", self.name, LEASE_SECONDS)
        if lease is None:
            return
        for task in self.ledger.tasks(states=[State.REVIEW], limit=4):
            self.judge(lease, task.identifier)
        self.perhaps(0.5, lambda: self.ledger.drop_lease(lease))

    def judge(self, lease: Lease, identifier: str) -> None:
        def land(mark: str) -> Task:
            return self.ledger.landed(lease, identifier, commit=mark, target="main", verified=True)

        def reject(mark: str) -> Task:
            return self.ledger.reject(lease, identifier, mark, feedback=mark)

        if self.random.random() < 0.2:
            self.do("reject", reject)
        else:
            self.do("land", land)

    def tend(self) -> None:
        """Upkeep dies too; and it may find that others are at work."""
        try:
            if self.random.random() < 0.5:
                self.ledger.backup(self.folder / "copy.db")
            else:
                self.ledger.compact()
        except LedgerError as error:
            if "try again when it has ended" not in str(error):
                raise


def live(folder: Path, name: str) -> None:
    """Work until killed; sometimes with a fresh connection, for opening can be cut short too."""
    acks = Acks(folder / "acks")
    turns = random.Random(name)
    while True:
        began = time.monotonic()
        ledger = FileLedger.open(str(folder / "ledger.db"), limits=LIMITS)
        acks.say("open", by=name, seconds=time.monotonic() - began)
        with closing(ledger):
            stormer = Stormer(ledger, f"{name}/{turns.randrange(10**9)}", acks, folder)
            for _ in range(turns.randrange(1, 40)):
                stormer.turn()


class Storm:
    """Keeps the processes up, and strikes them as the seed has it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.random = random.Random(seed)
        self.births = 0
        self.names: dict[int, str] = {}  # by pid
        self.acks = Acks(folder / "acks")

    def bear(self) -> None:
        self.births += 1
        name = f"{self.seed}-{self.births}"
        pid = os.fork()
        if pid:
            self.names[pid] = name
            return
        try:
            live(self.folder, name)
        except BaseException as error:
            self.acks.say("error", by=name, error=f"{type(error).__name__}: {error}")
        finally:
            os._exit(1)

    def kill(self, blows: int) -> None:
        """At any instruction, at any age; now and then all of them at once."""
        while blows > 0:
            time.sleep(self.random.expovariate(1 / self.random.choice((0.001, 0.015, 0.015))))
            victims = list(self.names)
            if self.random.random() > 0.01:
                victims = [self.random.choice(victims)]
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            for pid in victims:
                os.waitpid(pid, 0)
                del self.names[pid]
                self.bear()
            blows -= len(victims)

    def stop(self, blows: int) -> None:
        """Past the lease; then let them go on as if nothing had been."""
        for number in count():
            if blows <= 0:
                break
            time.sleep(self.random.uniform(0, 0.2))
            mortal = list(self.names)[:STOPPED]  # the others go on all the time
            victims = self.random.sample(mortal, min(blows, self.random.randrange(STOPPED)))
            for pid in victims:
                os.kill(pid, signal.SIGSTOP)
            if holder := self.stop_holder(set(mortal) - set(victims)):
                self.acks.say("stopped in a write", by=self.names[holder])
                victims.append(holder)
            for pid in victims:
                self.acks.say("stopped", by=self.names[pid])
            time.sleep(STOP_SECONDS if number % 8 else LONG_SECONDS)
            for pid in victims:
                os.kill(pid, signal.SIGCONT)
            blows -= len(victims)
        time.sleep(STOP_SECONDS)  # whoever was stopped last shall have his try

    def stop_holder(self, mortal: set[int]) -> int:
        """One of those, stopped while it has the ledger's lock. 0: none was caught."""
        with open(self.folder / "ledger.db.lock", "rb") as lock:
            until = time.monotonic() + CATCH_SECONDS
            while time.monotonic() < until:
                pid = holder_of(lock.fileno()).pid
                if pid in mortal:
                    os.kill(pid, signal.SIGSTOP)
                    os.waitpid(pid, os.WUNTRACED)  # it has stopped
                    if holder_of(lock.fileno()).pid == pid:
                        return pid
                    os.kill(pid, signal.SIGCONT)
        return 0

    def rage(self, kind: str, blows: int) -> None:
        for _ in range(PROCESSES):
            self.bear()
        try:
            {"kill": self.kill, "stop": self.stop}[kind](blows)
        finally:
            for pid in self.names:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


if __name__ == "__main__":
    where, number, kind, blows = sys.argv[1:]
    Storm(Path(where), int(number)).rage(kind, int(blows))
