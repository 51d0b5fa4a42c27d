"""Look at regular times whether everything goes on; say what does not once, mend what is safe."""

import json
import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from axon.config import Config
from axon.errors import AxonError
from axon.ledger import Ledger, Run
from axon.ledger.stale import HEARTBEAT, Stale, stale_tasks
from axon.tasks import State
from axon.tasks.moments import told

log = logging.getLogger(__name__)

Kind = Literal["stale_task", "silent_worker", "lost_run"]
SILENT_SECONDS = 120.0  # a worker says every few seconds that it is there
LEASE_SECONDS = 60.0  # two teams on one ledger look in turn
MOST_KNOWN = 1000
MOST_STALE = 50  # looked at: who watches asks often
NAME = "heartbeat.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Something that does not go on by itself. `since` tells one from the next of its kind."""

    kind: Kind
    subject: str  # a task, a run, or a run and its worker
    since: float
    what: str
    fix: str
    identifier: str = ""
    run: str = ""
    certain: bool = False  # no clock, and nobody who is only slow, can make it seem so
    mended: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind} {self.subject}"

    @property
    def view(self) -> dict[str, Any]:
        """The stable JSON form."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "since": self.since,
            "what": self.what,
            "fix": self.fix or None,
        }


Exists = Callable[[int], bool]


def concerns(
    ledger: Ledger, now: float, exists: Exists, *, stale_hours: float, recordings: Path
) -> list[Concern]:
    """All there are now. `exists`: whether this host has a living process of that number."""
    runs = ledger.runs()
    lost = [run for run in runs if run.ended_at is None]
    lost = [run for run in lost if not run.alive or _is_gone(run, exists)]
    stale = stale_tasks(ledger, hours=stale_hours, now=now, recordings=recordings, most=MOST_STALE)
    return [
        *(_lost(run, exists) for run in lost),
        *(one for run in runs if run.alive for one in _silent(ledger, run, now)),
        *map(_stale, stale),
    ]


def _is_gone(run: Run, exists: Exists) -> bool:
    """Who led it is known to have died."""
    return run.host == socket.gethostname() and not exists(run.pid)


def _lost(run: Run, exists: Exists) -> Concern:
    fix, certain = "axon team goes on from there", _is_gone(run, exists)
    if run.host != socket.gethostname():
        fix = f"look at host {run.host}; its tasks come back when their leases end"
    elif not certain:
        fix = (
            f"process {run.pid} is there but leads it no more; end it, or let it go on (kill -CONT)"
        )
    return Concern(
        kind="lost_run",
        subject=run.id,
        run=run.id,
        since=run.started_at,
        certain=certain,
        what=f"{run.id} has no coordinator any more (pid {run.pid} on {run.host})",
        fix=fix,
    )


def _silent(ledger: Ledger, run: Run, now: float) -> Iterator[Concern]:
    for worker in ledger.workers(run.id):
        if worker.name.startswith("worker") and now - worker.updated_at > SILENT_SECONDS:
            task = f" with {worker.identifier}" if worker.identifier else ""
            yield Concern(
                kind="silent_worker",
                subject=f"{run.id} {worker.name}",
                run=run.id,
                identifier=worker.identifier,
                since=worker.updated_at,
                what=f"{worker.name}{task} has not been heard of since {told(worker.updated_at)}",
                fix=f"its task is given back by itself; if it stays so, end process {worker.pid}",
            )


def _stale(stale: Stale) -> Concern:
    task, name = stale.task, stale.task.identifier
    fix = {
        State.BLOCKED: f"axon task answer {name} TEXT",
        State.REVIEW: f"axon land {name}, or axon github status when it is a pull request",
    }.get(task.state, f"axon task show {name} tells more; axon task move {name} todo frees it")
    return Concern(
        kind="stale_task",
        subject=name,
        identifier=name,
        since=stale.since,
        what=f"{name} is {task.state.label} without progress since {told(stale.since)}",
        fix=fix,
    )


@dataclass(slots=True, kw_only=True)
class Heartbeat:
    """One beat after the other. What was said is kept beside the ledger, for the next process.

    `mend` gives back what dead runs and ended leases hold.
    """

    ledger: Ledger
    folder: Path
    stale_hours: float
    exists: Exists
    mend: Callable[[Ledger], None]
    _me: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(4)}")
    _seen: dict[str, float] = field(default_factory=dict)  # at the last beat

    @classmethod
    def of(
        cls, config: Config, ledger: Ledger, exists: Exists, mend: Callable[[Ledger], None]
    ) -> "Heartbeat":
        return cls(
            ledger=ledger,
            folder=config.state_dir,
            stale_hours=config.stale_hours,
            exists=exists,
            mend=mend,
        )

    def beat(self, now: float) -> list[Concern]:
        """What was not said before; nothing while another process is at it."""
        lease = self.ledger.lease(HEARTBEAT, self._me, LEASE_SECONDS)
        if lease is None:
            return []
        try:
            before = self._look(now)
            self.mend(self.ledger)
            after = {concern.key for concern in self._look(now)}
            found = [replace(c, mended=c.key not in after) for c in self._twice(before)]
            return self._tell(found, {c.key for c in before})
        finally:
            self.ledger.drop_lease(lease)

    def _look(self, now: float) -> list[Concern]:
        return concerns(
            self.ledger,
            now,
            self.exists,
            stale_hours=self.stale_hours,
            recordings=self.folder / "sessions",
        )

    def _twice(self, found: list[Concern]) -> list[Concern]:
        """What the last beat saw too: when a wall clock jumps, everything seems to be long ago,
        and whatever goes on says so before the next beat."""
        seen, self._seen = self._seen, {c.key: c.since for c in found}
        return [c for c in found if c.certain or seen.get(c.key) == c.since]

    def _tell(self, found: list[Concern], present: set[str]) -> list[Concern]:
        known = self._known()
        news = [c for c in found if known.get(c.key) != c.since]
        for concern in news:
            self.ledger.record(
                HEARTBEAT,
                actor=HEARTBEAT,
                identifier=concern.identifier,
                run=concern.run,
                why=concern.what,
                data={
                    "kind": concern.kind,
                    "subject": concern.subject,
                    "since": concern.since,
                    "fix": concern.fix,
                    "mended": concern.mended,
                },
            )
        kept = {key: since for key, since in known.items() if key in present}
        if news or kept != known:
            self._keep(kept | {c.key: c.since for c in found})
        return news

    def _known(self) -> dict[str, float]:
        """What was said before and still holds, also by a process that died before it kept that."""
        try:
            kept = json.loads((self.folder / NAME).read_text("utf-8"))
            known = {str(key): float(since) for key, since in kept["told"].items()}
            seq = int(kept["seq"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            known, seq = {}, max(0, self.ledger.last_seq() - MOST_KNOWN)
        for event in self.ledger.latest(after=seq, action=HEARTBEAT, limit=MOST_KNOWN):
            known[f"{event.data.get('kind')} {event.data.get('subject')}"] = event.data["since"]
        return known

    def _keep(self, known: dict[str, float]) -> None:
        text = json.dumps({"seq": self.ledger.last_seq(), "told": known})
        beside = self.folder / f".{NAME}.{os.getpid()}"
        try:
            beside.write_text(text, "utf-8")
            beside.replace(self.folder / NAME)
        except OSError as error:  # said again, at worst
            log.warning("heartbeat not kept reason=%r", error.strerror)
            with suppress(OSError):
                beside.unlink()


def beat_or_log(heartbeat: Heartbeat, now: float) -> None:
    """A beat that fails must not end what it watches."""
    try:
        for concern in heartbeat.beat(now):
            log.warning("%s kind=%s mended=%s", concern.what, concern.kind, concern.mended)
    except AxonError as error:
        log.warning("heartbeat failed reason=%r", str(error))
