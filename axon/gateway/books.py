"""The gateway's view of the ledger: sessions, budgets, what was spent, what went wrong."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from axon.errors import AxonError, EngineFault, LedgerError
from axon.gateway import GATEWAY
from axon.gateway.allowances import DayBudget, Then, accounts, follow, told_of
from axon.gateway.budgets import Account, Overdraft
from axon.gateway.clerk import Clerk, Job
from axon.gateway.limits import Waiting
from axon.ledger import Flight, Ledger, Session, Usage, WorkerStatus

log = logging.getLogger(__name__)

CACHE_SECONDS = 1.0
REFUSAL_SECONDS = 60.0  # one event per unknown token in that time
MOST_REMEMBERED = 4096
T = TypeVar("T")


class Books:
    """All access of a gateway to its ledger; what is read never waits for what is written.

    What cannot be written now is kept and written later, and until then nothing new is admitted:
    what is not counted must not be spent.
    """

    def __init__(self, open_ledger: Callable[[], Ledger], run: str) -> None:
        self._run = run
        self._unwritten: deque[Job] = deque()
        self._delayed = False
        self._sessions: dict[str, tuple[float, Session | None]] = {}
        self._asking = threading.Lock()
        self._unlimited: dict[str, None] = {}
        self._refused: dict[str, float] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._writer = Clerk("books", open_ledger, self._flush)
        self._reader = Clerk("register", open_ledger, lambda ledger: False)

    def session_of(self, token_hash: str) -> Session | None:
        """The open session that holds this token; up to a second old."""
        expires, session = self._sessions.get(token_hash, (0.0, None))
        if time.monotonic() < expires:
            return session
        with self._asking:  # of many at once the first asks for all
            now = time.monotonic()
            expires, session = self._sessions.get(token_hash, (0.0, None))
            if expires <= now:
                session = self._read(lambda ledger: ledger.session_of(token_hash))
                _forget_some(self._sessions)
                self._sessions[token_hash] = (now + CACHE_SECONDS, session)
            return session

    def accounts(
        self, session: Session, day: DayBudget, *, extended: bool = False
    ) -> list[Account]:
        """The budgets that hold this session, and what has been used of them."""
        free = day == DayBudget() and session.max_usd is None and session.max_tokens is None
        if free and session.run in self._unlimited and not self._delayed:
            return []
        found = self._read(lambda ledger: accounts(ledger, session, day, extended))
        if free and not found:  # a run's budget is that of its start
            _forget_some(self._unlimited)
            self._unlimited[session.run] = None
        return found

    def fly(self, flight: Flight) -> Flight:
        """Say what this gateway has on its way, and learn what those of other runs have."""
        found: Flight = self._writer.do(lambda ledger: ledger.fly(self._run, flight))
        return found

    def landed(self, flight: Flight) -> None:
        """Say it later, if the ledger cannot take it now."""
        self._write(lambda ledger: ledger.fly(self._run, flight))

    def title_of(self, identifier: str) -> str:
        return self._read(lambda ledger: ledger.task(identifier).title)

    def spend(self, usage: Usage) -> None:
        self._write(lambda ledger: ledger.spend(usage))

    def refuse(self, token_hash: str, why: str) -> None:
        """An unknown token, or none, was presented."""
        now = time.monotonic()
        if now - self._refused.get(token_hash, -REFUSAL_SECONDS) < REFUSAL_SECONDS:
            return
        _forget_some(self._refused)
        self._refused[token_hash] = now
        self._write(
            lambda ledger: ledger.record("gateway_refused", actor="gateway", run=self._run, why=why)
        )

    def fault(
        self,
        session: Session,
        fault: EngineFault,
        why: str,
        *,
        status: int = 0,
        resets_at: float | None = None,
    ) -> None:
        """Say in a structured place why this session's request failed; its worker reads that."""
        data: dict[str, Any] = {"session": session.id, "fault": fault.value, "status": status}
        if resets_at is not None:
            data["resets_at"] = resets_at
        self._event("session_fault", session, why, data)

    def cut(self, session: Session, why: str) -> None:
        """An answer broke off. The agent asks again by itself: no reason yet for it to end."""
        self._event("stream_cut", session, why, {"session": session.id})

    def over(self, session: Session, overdraft: Overdraft, then: Then) -> None:
        """A budget stops a session: say it, once, and see to what is to follow."""
        key = (session.id, overdraft.scope)
        if key in self._told:
            return
        _forget_some(self._told)
        self._told[key] = time.monotonic()
        self._event("budget", session, str(overdraft), told_of(session, overdraft))
        self.fault(session, EngineFault.BUDGET, str(overdraft), status=400)
        self._write(lambda ledger: follow(ledger, session, overdraft, then))

    def once(self, action: str, session: Session, why: str) -> None:
        """Say something of a run that need not be said again."""
        key = (session.run, f"{action} {why}")
        if key not in self._told:
            _forget_some(self._told)
            self._told[key] = time.monotonic()
            self._event(action, session, why, {})

    def halt(self, session: Session, fault: EngineFault, reason: str) -> None:
        """Nobody's request can succeed: the run must end."""
        self._write(lambda ledger: ledger.halt_run(session.run or self._run, fault.value, reason))

    def pause(self, reason: str, until: float) -> None:
        self._write(lambda ledger: ledger.pause(reason, until=until, actor="gateway"))

    def waiting(self, what: Waiting | None) -> None:
        """Show what requests wait for, and until when, among the run's processes."""
        if what is None:
            self._write(lambda ledger: ledger.drop_worker(self._run, GATEWAY))
            return
        until = time.time() + what.until - time.monotonic()
        clock = time.strftime("%H:%M:%S", time.localtime(until))
        requests = "a request waits" if what.count == 1 else f"{what.count} requests wait"
        status = WorkerStatus(
            name=GATEWAY,
            run=self._run,
            pid=os.getpid(),
            doing=f"{what.reason}: {requests} until {clock}",
            since=until,
        )
        self._write(lambda ledger: ledger.set_worker(status))

    def close(self, seconds: float) -> None:
        """Write what is still to be written, if that takes no longer."""
        self._writer.close(seconds)
        self._reader.close(seconds)

    def _event(self, action: str, session: Session, why: str, data: dict[str, Any]) -> None:
        self._write(
            lambda ledger: ledger.record(
                action,
                actor="gateway",
                identifier=session.identifier,
                run=session.run,
                why=why,
                data=data,
            )
        )

    def _read(self, read: Callable[[Ledger], T]) -> T:
        if self._delayed:
            raise LedgerError("the ledger takes no writes at the moment; the gateway waits for it")
        found: T = self._reader.do(read)
        return found

    def _write(self, write: Job) -> None:
        """Have it written; if the ledger cannot now, later."""

        def keep(ledger: Ledger) -> None:
            self._unwritten.append(write)
            self._flush(ledger)

        self._writer.do(keep)

    def _flush(self, ledger: Ledger) -> bool:
        """Write in order, up to the first that the ledger cannot take now; is there one?"""
        while self._unwritten:
            write = self._unwritten.popleft()
            try:
                write(ledger)
            except LedgerError as error:
                self._unwritten.appendleft(write)
                self._delayed = True
                log.warning("ledger write delayed reason=%r", str(error))
                return True
            except AxonError as error:  # it will never be taken
                log.warning("ledger write dropped reason=%r", str(error))
        self._delayed = False
        return False


def _forget_some(known: dict[Any, Any]) -> None:
    if len(known) >= MOST_REMEMBERED:
        known.clear()
