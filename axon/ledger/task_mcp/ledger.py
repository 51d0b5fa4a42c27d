"""The file ledger whose tasks are those of a task server."""

import logging
import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import parse_qs

from axon.errors import Forbidden, LedgerError, NotFound
from axon.ledger.clock import Clock, system_clock
from axon.ledger.edits import Imported, Intake, OnConflict, Undone
from axon.ledger.file import WAIT_SECONDS, FileLedger
from axon.ledger.records import Lease, Limits
from axon.ledger.rows import find
from axon.ledger.store import Store
from axon.ledger.task_mcp import bidding, copies, following, standing
from axon.ledger.task_mcp.adding import Adding, drafts_of
from axon.ledger.task_mcp.board import Board
from axon.ledger.task_mcp.client import McpClient
from axon.ledger.task_mcp.election import Election, Verdict
from axon.ledger.task_mcp.faults import Refusal, Unreachable
from axon.ledger.task_mcp.issues import IDENTIFIER
from axon.ledger.task_mcp.mirror import Mirror
from axon.ledger.task_mcp.sync import Sync
from axon.ledger.task_mcp.wire import Wire
from axon.ledger.transaction import Tx
from axon.tasks import Claim, Draft, State, Task

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

SYNC_SECONDS = 2.0  # between two looks of this host, all its processes together
FRESH_SECONDS = 10.0  # what a process that only reads takes for new
OUTAGE_SECONDS = 30.0  # a server that is away for longer ends the run
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
BIDS = 3  # in a row before another worker gets a turn
ELECTION, ELECTION_LEASE = "election", 60.0
HALT = "ledger"  # the fault that a run is halted with
LOST_PAUSE, REFUSED_PAUSE = 2.0, 20.0
LAST_WORDS_SECONDS = 5.0


class TellingStore(Store):
    """A store that has what was written told to the server: `told` is called after each write."""

    told: Callable[[], None] | None = None

    def write(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        result = super().write(work, *args, **kwargs)
        if self.told is not None and self._open is None:
            self.told()
        return result


def open_task_mcp(
    url: str, *, key: str, limits: Limits, arrive: bool, clock: Clock | None = None
) -> "TaskMcpLedger":
    """`mcp+https://HOST/mcp#team=ENG&file=PATH`. Nothing is asked of the server before it must be,
    unless `arrive`; then Unreachable says that it is not there, or not what it should be."""
    address, _, more = url.removeprefix("mcp+").partition("#")
    facts = {name: values[0] for name, values in parse_qs(more).items()}
    if not facts.get("file"):
        raise LedgerError("a task server's address needs #file=PATH, where this host keeps copies")
    board = Board(client=McpClient(wire=Wire(address, key)), team=facts.get("team", "ENG"))
    store = TellingStore(
        Path(os.path.realpath(facts["file"])),
        create=True,
        limits=limits,
        clock=clock or system_clock(),
        wait_seconds=WAIT_SECONDS,
    )
    ledger = TaskMcpLedger(store, board)
    if arrive:
        try:
            ledger.arrive()
        except BaseException:
            ledger.close()
            raise
    return ledger


class TaskMcpLedger(FileLedger):
    """Reads from the file. Writes go to the file, and from there to the server when it is there;
    only adding a task and claiming one need it at once."""

    def __init__(self, store: TellingStore, board: Board) -> None:
        super().__init__(store)
        self._board = board
        self._me = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._mirror = Mirror(ledger=self, store=store, board=board, holder=self._me)
        self._sync = Sync(store=store, board=board, mirror=self._mirror)
        self._election = Election(board=board, learned=self._learned)
        self._looked = self._telling = False
        store.lag(standing.prepare)
        store.told = self._tell

    def close(self) -> None:
        self._board.close()
        super().close()

    def arrive(self) -> None:
        """Look at the server now."""
        self._looked = True
        self._sync.look(0.0)

    # telling

    def _tell(self) -> None:
        """What the server cannot be told now stays in the history, and is told later."""
        now = self._store.read(standing.standing)
        if self._telling or now.retry > 0 or now.seq == self.last_seq():
            return
        self._telling = True
        try:
            self._mirror.tell()
        except Unreachable as error:
            self._failed()
            log.warning("server not told for now reason=%r", str(error))
        finally:
            self._telling = False

    def _failed(self) -> None:
        away = self._store.read(standing.standing).failing or 0.0
        self._store.lag(standing.failed, min(LONGEST_PAUSE, max(FIRST_PAUSE, away)))

    def end_run(self, run: str) -> None:
        """Another process may be telling the last moves: see that somebody has."""
        super().end_run(run)
        ends = time.monotonic() + LAST_WORDS_SECONDS
        while self._store.read(standing.standing).seq < self.last_seq():
            if time.monotonic() > ends or self._store.read(standing.standing).retry > 0:
                log.warning("the server was not told all; the next axon command does that")
                return
            self._tell()
            time.sleep(0.1)

    # reading

    def task(self, identifier: str) -> Task:
        """One that nobody here has seen yet, as others work on it, is asked for."""
        try:
            return super().task(identifier)
        except NotFound:
            if self._store.read(standing.standing).retry > 0:
                raise
            with suppress(Unreachable):
                self._fetch({identifier})
            return super().task(identifier)

    def tasks(self, **filters: Any) -> list[Task]:
        self._look_once()
        return super().tasks(**filters)

    def counts(self) -> dict[str, int]:
        self._look_once()
        return super().counts()

    def _look_once(self) -> None:
        """A command of a person shows what is there now; when it cannot, what was there last."""
        if self._looked:
            return
        self._looked = True
        try:
            self._sync.look(FRESH_SECONDS)
        except Unreachable as error:
            self._failed()
            log.warning("axon: what was known before is shown, for %s", error)

    # adding

    def add(
        self, drafts: Sequence[Draft], *, actor: str = "person", dry_run: bool = False
    ) -> list[Task]:
        keys = {draft.key for draft in drafts if draft.key}
        self._fetch({n for d in drafts for n in (*d.depends, d.parent) if n and n not in keys})
        planned = super().add(drafts, actor=actor, dry_run=True)
        return planned if dry_run else Adding(self._store, self._board).add(drafts, actor=actor)

    def _fetch(self, names: set[str]) -> None:
        """Tasks that are referred to, and of which there is no copy yet."""
        for name in sorted(names):
            if IDENTIFIER.fullmatch(name.upper()) and not self._store.read(_has, name.upper()):
                with suppress(Refusal):  # then the ledger says that there is none
                    self._sync.take_in([self._board.issue(name.upper())])

    def take_in(
        self,
        records: Intake,
        *,
        conflict: OnConflict = "skip",
        dry_run: bool = False,
        actor: str = "person",
        most: int | None = None,
    ) -> Imported:
        records = list(records)
        planned = super().take_in(records, conflict=conflict, dry_run=True, actor=actor)
        if dry_run:
            return planned
        if planned.updated or any(record.state is not State.TODO for record in records):
            raise Forbidden(
                "a task server takes new tasks that are to do, and nothing else;"
                " use --conflict skip and leave the others out"
            )
        return replace(planned, added=tuple(self.add(drafts_of(records, planned), actor=actor)))

    # claiming

    def claim(
        self, *, worker: str, run: str, lease_seconds: float, among: Sequence[str] | None = None
    ) -> Task | None:
        """None as well while the server is away for a short time."""
        now = self._store.read(standing.standing)
        away = now.failing or 0.0
        if now.retry > 0 and away <= OUTAGE_SECONDS:
            return None
        try:
            self._sync.look(SYNC_SECONDS)
            return self._elect(among, worker=worker, run=run, lease_seconds=lease_seconds)
        except Unreachable as error:
            self._failed()
            if away > OUTAGE_SECONDS:
                why = f"away for {away:.0f} s: {error}"
                with suppress(NotFound):  # a claim may be made outside of any run
                    self.halt_run(run, HALT, why)  # every worker would find the same
                raise Unreachable(why) from None
            log.warning("no claim for now reason=%r", str(error))
            return None

    def _learned(self, newest_first: bool) -> None:
        """Each host learns only once how the server lists comments."""
        self._store.lag(standing.learned, newest_first)

    def _elect(
        self, among: Sequence[str] | None, *, worker: str, run: str, lease_seconds: float
    ) -> Task | None:
        """Bid for what would be claimed, until something is won or nothing is left.

        One process of a host at a time: two of them have no need to bid against each other.
        """
        self._store.lag(standing.free_of_the_dead)
        lease = super().lease(ELECTION, self._me, ELECTION_LEASE)
        if lease is None:
            return None
        try:
            self._election.newest_first = self._store.read(standing.standing).newest_first
            for copy in self._store.read(bidding.open_bids):  # of somebody who died
                self._election.settle(copy.remote, copy.bid, "its bidder was stopped")
                self._store.write(bidding.end_bid, copy.identifier, copy.bid, 0.0)
            for _ in range(BIDS):
                nonce = secrets.token_hex(16)
                found = self._store.write(bidding.begin_bid, run, nonce, among)
                if found is None:
                    return None
                task = self._bid(
                    lease, *found, nonce, worker=worker, run=run, lease_seconds=lease_seconds
                )
                if task is not None:
                    return task
            return None
        finally:
            super().drop_lease(lease)

    def _bid(
        self, lease: Lease, identifier: str, remote: str, nonce: str, **claim: Any
    ) -> Task | None:
        if not remote:  # a task that the server does not take is ours alone
            return self._store.write(bidding.take, lease, identifier, None, **claim)
        outcome = self._election.stand(remote, nonce, f"{claim['worker']}@{socket.gethostname()}")
        if outcome.verdict is Verdict.WON:
            task = self._store.write(bidding.take, lease, identifier, outcome.issue, **claim)
            if task is None:
                self._election.settle(remote, nonce, "it came too late")
                self._store.write(bidding.end_bid, identifier, nonce, 0.0)
            return task
        log.info("no claim task=%s %s reason=%r", identifier, outcome.verdict, outcome.why)
        pause = REFUSED_PAUSE if outcome.verdict is Verdict.REFUSED else LOST_PAUSE
        self._store.write(bidding.end_bid, identifier, nonce, pause * random.uniform(0.5, 1.5))
        copy = self._store.read(copies.copy_of, identifier)
        if copy is not None and outcome.issue is not None:
            self._store.write(following.follow, copy, outcome.issue)
        return None

    def submit_and_claim(
        self, claim: Claim, *, commit: str, verified: bool, lease_seconds: float
    ) -> Task | None:
        """In two steps: the next one must be won elsewhere."""
        self.submit(claim, commit=commit, verified=verified)
        return self.claim(worker=claim.worker, run=claim.run, lease_seconds=lease_seconds)

    # what a task server has no way for

    def delete(
        self, identifiers: Sequence[str], *, why: str = "", actor: str = "person"
    ) -> list[Task]:
        raise Forbidden("a task server deletes nothing; axon task cancel gives a task up")

    def undo(self, *, actor: str = "person") -> Undone:
        raise Forbidden("changes on a task server cannot be taken back; change it by hand")


def _has(tx: Tx, identifier: str) -> bool:
    return find(tx, identifier) is not None
