"""The ledger in one local file: every question and every fact as one transaction."""

from collections.abc import Sequence
from typing import Any

from axon.ledger import (  # fmt: skip
    additions,
    backlog,
    byhand,
    claims,
    flights,
    history,
    landing,
    pauses,
    runs,
    sessions,
    trail,
)
from axon.ledger.clock import Clock, system_clock
from axon.ledger.edits.backend import FileEdits
from axon.ledger.messages.backend import FileMessages
from axon.ledger.outbox.backend import FileOutbox
from axon.ledger.place import place_of
from axon.ledger.records import (
    Comment,
    Event,
    Figure,
    Flight,
    Lease,
    Limits,
    Run,
    Session,
    Usage,
    Used,
    Waiting,
    WorkerStatus,
)  # fmt: skip
from axon.ledger.store import Store
from axon.ledger.trail import FileTrail
from axon.ledger.transaction import Tx
from axon.ledger.upkeep import FileUpkeep
from axon.tasks import Claim, Draft, State, Task

WAIT_SECONDS = 10.0  # for the lock


class _Undone(Exception):
    """Carries the answer of a dry run out of the transaction that it rolls back."""

    def __init__(self, tasks: list[Task]) -> None:
        self.tasks = tasks


class FileLedger(FileEdits, FileMessages, FileOutbox, FileTrail, FileUpkeep):
    """Implements `axon.ledger.Ledger`, whose docstrings say what each method promises."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(
        cls,
        path: str,
        *,
        create: bool = False,
        limits: Limits | None = None,
        clock: Clock | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> "FileLedger":
        return cls(
            Store(
                place_of(path),
                create=create,
                limits=limits or Limits(),
                clock=clock or system_clock(),
                wait_seconds=wait_seconds,
            )
        )

    def close(self) -> None:
        self._store.close()

    # tasks

    def add(
        self, drafts: Sequence[Draft], *, actor: str = "person", dry_run: bool = False
    ) -> list[Task]:
        if not dry_run:
            return self._store.write(additions.add, drafts, actor=actor)
        try:
            self._store.lag(_try_to_add, drafts, actor)
        except _Undone as undone:
            return undone.tasks
        return []

    def task(self, identifier: str) -> Task:
        return self._store.read(backlog.task, identifier)

    def tasks(
        self,
        *,
        states: Sequence[State] = (),
        priority: int | None = None,
        label: str = "",
        text: str = "",
        team: str = "",
        project: str = "",
        limit: int | None = None,
        offset: int = 0,
        sort: str = "age",
    ) -> list[Task]:
        return self._store.read(
            backlog.tasks, states=states, priority=priority, label=label, text=text,
            team=team, project=project, limit=limit, offset=offset, sort=sort,
        )  # fmt: skip

    def counts(self) -> dict[str, int]:
        return self._store.read(backlog.summed)

    def teams(self) -> dict[str, int]:
        return self._store.read(backlog.teams)

    def figures(self, *, team: str = "", project: str = "", since: float = 0.0) -> list[Figure]:
        return self._store.read(backlog.figures, team=team, project=project, since=since)

    def move(self, identifier: str, target: State, *, why: str = "", actor: str = "person") -> Task:
        return self._store.write(byhand.move, identifier, target, why=why, actor=actor)

    def comment(self, identifier: str, body: str, *, actor: str = "person") -> None:
        self._store.write(backlog.comment, identifier, body, actor=actor)

    def comments(self, identifier: str) -> list[Comment]:
        return self._store.read(backlog.comments, identifier)

    def waiting(self, *, identifier: str = "", limit: int = 100) -> list[Waiting]:
        return self._store.read(backlog.waiting, identifier=identifier, limit=limit)

    # work

    def claim(
        self, *, worker: str, run: str, lease_seconds: float, among: Sequence[str] | None = None
    ) -> Task | None:
        return self._store.write(
            claims.claim, worker=worker, run=run, lease_seconds=lease_seconds, among=among
        )

    def ready_in(self, run: str = "") -> float | None:
        return self._store.read(claims.ready_in, run)

    def renew(self, claim: Claim, lease_seconds: float) -> None:
        self._store.lag(claims.renew, claim, lease_seconds)

    def note(self, claim: Claim, **facts: Any) -> None:
        self._store.write(claims.note, claim, facts)

    def submit(self, claim: Claim, *, commit: str, verified: bool, why: str = "") -> Task:
        return self._store.write(claims.submit, claim, commit=commit, verified=verified, why=why)

    def submit_and_claim(
        self, claim: Claim, *, commit: str, verified: bool, lease_seconds: float
    ) -> Task | None:
        return self._store.write(
            claims.submit_and_claim,
            claim,
            commit=commit,
            verified=verified,
            lease_seconds=lease_seconds,
        )

    def fail(
        self,
        claim: Claim,
        why: str,
        *,
        feedback: str = "",
        data: dict[str, Any] | None = None,
        final: bool = False,
    ) -> Task:
        return self._store.write(claims.fail, claim, why, feedback=feedback, data=data, final=final)

    def release(self, claim: Claim, why: str, *, worked: bool = True, lost: bool = False) -> Task:
        return self._store.write(claims.release, claim, why, worked=worked, lost=lost)

    def expire(self) -> list[Task]:
        if not self._store.read(claims.any_expired):  # asked often: writers are left in peace
            return []
        return self._store.write(claims.expire)

    def claims(self, run: str) -> list[Claim]:
        return self._store.read(claims.claims, run)

    # landing

    def lease(self, name: str, holder: str, seconds: float) -> Lease | None:
        if self._store.read(landing.taken, name, holder):
            return None
        return self._store.lag(landing.take, name, holder, seconds)

    def drop_lease(self, lease: Lease) -> None:
        self._store.lag(landing.drop, lease)

    def drop_leases(self, holder: str) -> None:
        self._store.write(landing.drop_all, holder)

    def landed(
        self, lease: Lease, identifier: str, *, commit: str, target: str, verified: bool
    ) -> Task:
        return self._store.write(
            landing.landed, lease, identifier, commit=commit, target=target, verified=verified
        )

    def reject(self, lease: Lease, identifier: str, why: str, *, feedback: str) -> Task:
        return self._store.write(landing.reject, lease, identifier, why, feedback=feedback)

    # runs, workers, sessions

    def start_run(self, run: Run, lease_seconds: float) -> None:
        self._store.write(runs.start, run, lease_seconds)

    def renew_run(self, run: str, lease_seconds: float) -> None:
        self._store.lag(runs.renew, run, lease_seconds)

    def halt_run(self, run: str, fault: str, reason: str) -> None:
        self._store.write(runs.halt, run, fault, reason)

    def request_stop(self, run: str) -> None:
        self._store.write(runs.request_stop, run)

    def reserve(self, run: str, identifier: str) -> None:
        self._store.write(runs.reserve, run, identifier)

    def end_run(self, run: str) -> None:
        self._store.write(runs.end, run)

    def run(self, run: str) -> Run:
        return self._store.read(runs.run, run)

    def runs(self, limit: int = 20) -> list[Run]:
        return self._store.read(runs.runs, limit)

    def set_worker(self, status: WorkerStatus) -> None:
        self._store.lag(runs.set_worker, status)

    def drop_worker(self, run: str, name: str) -> None:
        self._store.lag(runs.drop_worker, run, name)

    def workers(self, run: str) -> list[WorkerStatus]:
        return self._store.read(runs.workers, run)

    def start_session(self, session: Session, *, token_hash: str, claim: Claim) -> None:
        self._store.lag(sessions.start, session, token_hash=token_hash, claim=claim)

    def end_session(
        self, session: str, *, outcome: str, engine_session: str = "", turns: int = 0
    ) -> None:
        self._store.lag(
            sessions.end, session, outcome=outcome, engine_session=engine_session, turns=turns
        )

    def session_of(self, token_hash: str) -> Session | None:
        return self._store.read(sessions.of_token, token_hash)

    def session(self, session: str) -> Session:
        return self._store.read(sessions.session_of, session)

    def sessions(self, identifier: str = "", *, limit: int = 100) -> list[Session]:
        return self._store.read(sessions.sessions, identifier, limit=limit)

    def spend(self, usage: Usage) -> None:
        self._store.lag(sessions.spend, usage)

    def spent(self, *, session: str = "", identifier: str = "", run: str = "") -> float:
        return self._store.read(sessions.spent, session=session, identifier=identifier, run=run)

    def used(self, *, identifier: str = "", run: str = "") -> Used:
        return self._store.read(sessions.used, identifier=identifier, run=run)

    def fly(self, run: str, flight: Flight) -> Flight:
        return self._store.lag(flights.fly, run, flight)

    # pauses

    def pause(self, reason: str, *, until: float | None = None, actor: str = "person") -> None:
        self._store.write(pauses.pause, reason, until=until, actor=actor)

    def resume(self, *, actor: str = "person") -> None:
        self._store.write(pauses.resume, actor=actor)

    def paused(self) -> tuple[str, float | None] | None:
        return self._store.read(pauses.holding)

    # history

    def record(
        self,
        action: str,
        *,
        actor: str,
        identifier: str = "",
        run: str = "",
        why: str = "",
        data: dict[str, Any] | None = None,
    ) -> None:
        self._store.write(
            history.append,
            action,
            actor=actor,
            identifier=identifier,
            run=run,
            why=why,
            data=data,
        )

    def events(
        self, *, after: int = 0, identifier: str = "", run: str = "", limit: int = 1000
    ) -> list[Event]:
        return self._store.read(
            trail.events, after=after, identifier=identifier, run=run, limit=limit
        )

    def last_seq(self) -> int:
        return self._store.read(history.last_seq)


def _try_to_add(tx: Tx, drafts: Sequence[Draft], actor: str) -> None:
    raise _Undone(additions.add(tx, drafts, actor=actor))
