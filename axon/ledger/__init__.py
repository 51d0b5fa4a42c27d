"""The one place tasks, claims, events and figures are kept; a Protocol with several backends."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from axon.ledger.edits import Edits, Imported, OnConflict, Undone
from axon.ledger.messages import Message, Messages
from axon.ledger.opening import ledger_from, limits_of, open_ledger, restore
from axon.ledger.outbox import Fate, Letter, Note, Outbox, Outcome
from axon.ledger.records import (
    Comment,
    Event,
    Figure,
    Finding,
    Flight,
    Lease,
    Limits,
    Run,
    Session,
    Usage,
    Used,
    Waiting,
    WorkerStatus,
)
from axon.ledger.trail import Spending, Step, Trail
from axon.tasks import Claim, Draft, State, Task

__all__ = [
    "Comment",
    "Event",
    "Fate",
    "Figure",
    "Flight",
    "Finding",
    "Imported",
    "Lease",
    "Ledger",
    "Letter",
    "Limits",
    "Message",
    "Note",
    "OnConflict",
    "Outcome",
    "Run",
    "Session",
    "Spending",
    "Step",
    "Undone",
    "Usage",
    "Used",
    "Waiting",
    "WorkerStatus",
    "ledger_from",
    "limits_of",
    "open_ledger",
    "restore",
]


class Ledger(Edits, Messages, Outbox, Trail, Protocol):
    """Every write is one transaction, durable when acknowledged unless said otherwise.

    A write that carries a Claim or a Lease raises StaleClaim once that was lost.
    """

    # tasks
    def add(
        self, drafts: Sequence[Draft], *, actor: str = "person", dry_run: bool = False
    ) -> list[Task]:
        """Add all or none. UsageError: unknown dependency or parent, cycle, empty title.

        `dry_run`: answer what would be added, and change nothing.
        """
        ...

    def task(self, identifier: str) -> Task:
        """NotFound when there is none."""
        ...

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
        """`text` is looked for in identifier, title and description. `sort`: age (the oldest
        first), priority (then age), or updated (the latest first); always in the same order."""
        ...

    def counts(self) -> dict[str, int]:
        """How many tasks are in each state, every state named."""
        ...

    def teams(self) -> dict[str, int]:
        """How many tasks each team key has."""
        ...

    def figures(self, *, team: str = "", project: str = "", since: float = 0.0) -> list[Figure]:
        """Sums by state and priority, and how many of those were last changed after `since`."""
        ...

    def move(self, identifier: str, target: State, *, why: str = "", actor: str = "person") -> Task:
        """A person's move to the state `target`, along the table. BadMove says what forbids it.

        To in_progress: only a task that is ready, and without a lease; it holds until moved on.
        """
        ...

    def comment(self, identifier: str, body: str, *, actor: str = "person") -> None: ...
    def comments(self, identifier: str) -> list[Comment]:
        """Oldest first."""
        ...

    def waiting(self, *, identifier: str = "", limit: int = 100) -> list[Waiting]:
        """Tasks to do that others hold up, those only a person can free first."""
        ...

    # work
    def claim(
        self, *, worker: str, run: str, lease_seconds: float, among: Sequence[str] | None = None
    ) -> Task | None:
        """Give `worker` the most urgent, then oldest task that is ready, or None.

        `among`: only one of these, the first that is ready.

        Ready: todo, no open dependency, no open child, `not_before` and back-off passed,
        `paths` overlap no running task's, no pause, the run neither halted nor stopping, and
        its `max_tasks` not reached by other tasks. The returned Task's `token` is the claim's.
        """
        ...

    def ready_in(self, run: str = "") -> float | None:
        """Seconds until `run` could claim something: 0 is now, pauses and paths aside.

        None: nothing, unless a task that is now in progress or in review ends well, or a
        person acts.
        """
        ...

    def renew(self, claim: Claim, lease_seconds: float) -> None:
        """Prolong the lease; need not be durable."""
        ...

    def note(self, claim: Claim, **facts: Any) -> None:
        """Keep facts about the task: branch, commit, engine_session, feedback, result, target."""
        ...

    def submit(self, claim: Claim, *, commit: str, verified: bool, why: str = "") -> Task:
        """in_progress -> review. `verified`: a gate passed in the workspace."""
        ...

    def submit_and_claim(
        self, claim: Claim, *, commit: str, verified: bool, lease_seconds: float
    ) -> Task | None:
        """Submit, and answer with the claim of the next, in one transaction."""
        ...

    def fail(
        self,
        claim: Claim,
        why: str,
        *,
        feedback: str = "",
        data: dict[str, Any] | None = None,
        final: bool = False,
    ) -> Task:
        """Counted failure: back to todo with back-off, or failed at the attempt cap.

        `final`: failed at once, for trying again cannot help.
        """
        ...

    def release(self, claim: Claim, why: str, *, worked: bool = True, lost: bool = False) -> Task:
        """Back to todo, not a failure. `worked=False`: nor an attempt (the engine could not).

        `lost`: its worker died; after `max_losses` of those the task is given up as failed.
        """
        ...

    def expire(self) -> list[Task]:
        """Release every task whose lease has ended; those of other boots at once."""
        ...

    def claims(self, run: str) -> list[Claim]:
        """Tasks in progress for workers of this run."""
        ...

    # landing
    def lease(self, name: str, holder: str, seconds: float) -> Lease | None:
        """Take or prolong the duty; None while another holder's lease is current."""
        ...

    def drop_lease(self, lease: Lease) -> None:
        """Give the duty up; nothing happens when it was lost already."""
        ...

    def drop_leases(self, holder: str) -> None:
        """Free all that a holder had who has gone."""
        ...

    def landed(
        self, lease: Lease, identifier: str, *, commit: str, target: str, verified: bool
    ) -> Task:
        """review -> done, with the proof: `commit` is reachable from branch `target`."""
        ...

    def reject(self, lease: Lease, identifier: str, why: str, *, feedback: str) -> Task:
        """review -> todo with back-off, or failed at the cap: conflict, or red gate once merged."""
        ...

    # runs, workers, sessions
    def start_run(self, run: Run, lease_seconds: float) -> None: ...
    def renew_run(self, run: str, lease_seconds: float) -> None: ...
    def halt_run(self, run: str, fault: str, reason: str) -> None:
        """The run must end with this engine fault (first one wins); seen by its coordinator."""
        ...

    def request_stop(self, run: str) -> None: ...
    def reserve(self, run: str, identifier: str) -> None:
        """Count this task as one the run has taken: with `max_tasks` 1 it takes no other."""
        ...

    def end_run(self, run: str) -> None: ...
    def run(self, run: str) -> Run: ...
    def runs(self, limit: int = 20) -> list[Run]:
        """Newest first."""
        ...

    def set_worker(self, status: WorkerStatus) -> None:
        """Not durable."""
        ...

    def drop_worker(self, run: str, name: str) -> None: ...
    def workers(self, run: str) -> list[WorkerStatus]: ...

    def start_session(self, session: Session, *, token_hash: str, claim: Claim) -> None: ...
    def end_session(
        self, session: str, *, outcome: str, engine_session: str = "", turns: int = 0
    ) -> None: ...
    def session_of(self, token_hash: str) -> Session | None:
        """The open session (not ended) that holds this gateway token."""
        ...

    def session(self, session: str) -> Session:
        """NotFound when there is none."""
        ...

    def sessions(self, identifier: str = "", *, limit: int = 100) -> list[Session]:
        """Oldest first."""
        ...

    def spend(self, usage: Usage) -> None:
        """Add to the request log and to the session's, the task's and the run's sums."""
        ...

    def spent(self, *, session: str = "", identifier: str = "", run: str = "") -> float:
        """USD known to be spent by that session, task or run."""
        ...

    def used(self, *, identifier: str = "", run: str = "") -> Used:
        """By that task or run; by neither: this whole day, by the clock of this host."""
        ...

    def fly(self, run: str, flight: Flight) -> Flight:
        """Say what that run has on its way; answers what all others at work have."""
        ...

    # pauses
    def pause(self, reason: str, *, until: float | None = None, actor: str = "person") -> None: ...
    def resume(self, *, actor: str = "person") -> None: ...
    def paused(self) -> tuple[str, float | None] | None:
        """Reason and end of the pause that holds now; one whose end has passed holds no more."""
        ...

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
        """Append an event that moves nothing."""
        ...

    def events(
        self, *, after: int = 0, identifier: str = "", run: str = "", limit: int = 1000
    ) -> list[Event]: ...
    def last_seq(self) -> int: ...

    # upkeep
    def check(self) -> list[Finding]:
        """Everything that is not as it must be; empty when the ledger is sound."""
        ...

    def backup(self, path: Path) -> None:
        """A consistent, verified copy while others go on writing; an older one is replaced whole.

        LedgerError: the ledger is damaged (the older copy stays), or `path` cannot be written.
        """
        ...

    def compact(self) -> None:
        """Give unused space back to the disk. LedgerError: others use the ledger now."""
        ...

    def stats(self) -> dict[str, Any]:
        """Sizes and counts, by stable names."""
        ...

    def close(self) -> None: ...
