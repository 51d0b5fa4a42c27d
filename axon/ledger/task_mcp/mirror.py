"""Tell the task server what happened here: the ledger's own history is the outbox."""

import logging
from dataclasses import replace

from axon.errors import NotFound
from axon.facts import dataclass
from axon.ledger.file import FileLedger
from axon.ledger.records import Event
from axon.ledger.store import Store
from axon.ledger.task_mcp import copies, standing
from axon.ledger.task_mcp.board import Board
from axon.ledger.task_mcp.copies import REMOTE, Copy
from axon.ledger.task_mcp.election import release_text
from axon.ledger.task_mcp.faults import Refusal
from axon.ledger.task_mcp.issues import Issue
from axon.ledger.transaction import Tx
from axon.tasks import ENDED, State, Task
from axon.tasks.text import shortened

log = logging.getLogger(__name__)

LEASE, LEASE_SECONDS = "mirror", 60.0
LONGEST = 10_000  # of a comment
GIVEN_BACK = (State.TODO, *ENDED)  # in these nobody here has the task any more


@dataclass(slots=True)
class Mirror:
    """One process at a time tells; each event is told whole before the next."""

    ledger: FileLedger
    store: Store
    board: Board
    holder: str

    def tell(self) -> bool:
        """Whether the server knows of everything now. False: another process is telling."""
        lease = self.ledger.lease(LEASE, self.holder, LEASE_SECONDS)
        if lease is None:
            return False
        try:
            now = self.store.read(standing.standing)
            while events := self.ledger.events(after=now.seq, limit=100):
                for event in events:
                    self._tell(event, now.name, in_doubt=now.sending == event.seq)
                    self.ledger.lease(LEASE, self.holder, LEASE_SECONDS)
                now = replace(now, seq=events[-1].seq)
            for copy in self.store.read(copies.stray_bids):
                self._release(copy, "it was moved by others")
            return True
        finally:
            self.ledger.drop_lease(lease)

    def _tell(self, event: Event, name: str, *, in_doubt: bool) -> None:
        if event.identifier and event.actor != REMOTE and _matters(event):
            self.store.lag(standing.sending, event.seq)
            try:
                self._send(event, f"[axon {name}:{event.seq}]", in_doubt=in_doubt)
            except NotFound:
                log.info("nothing to tell of a task that has gone task=%s", event.identifier)
        self.store.lag(standing.told_up_to, event.seq)

    def _send(self, event: Event, tag: str, *, in_doubt: bool) -> None:
        task = self.ledger.task(event.identifier)
        copy = self.store.read(copies.copy_of, event.identifier)
        if copy is None:
            self._adopt(task, in_doubt=in_doubt)
            return
        if event.action in ("edit", "depend"):
            self._update(copy, task, event)
            return
        text = _text(event, self._body(event))
        if text and not (in_doubt and self._said(copy, tag)):
            self.board.comment(copy.remote, f"{shortened(text, LONGEST)} {tag}")
        if event.after in GIVEN_BACK and copy.bid:
            self._release(copy, event.action)
        if event.after is not None and event.after is not event.before:
            self._move(copy, event.after, event.why)

    def _release(self, copy: Copy, why: str) -> None:
        """Our bid has had its time: others may have the issue."""
        self.board.comment(copy.remote, release_text(copy.bid, why))
        self.store.lag(copies.clear_bid, copy.identifier)

    def _move(self, copy: Copy, state: State, why: str) -> None:
        if self.board.name_of(state) == copy.told:
            return
        try:
            told = self.board.move(copy.remote, state, why)
        except Refusal as error:
            log.warning("server refused task=%s reason=%r", copy.identifier, str(error))
            # what has ended here stays so; of anything else the server's word is followed
            told = self.board.issue(copy.remote).state_name if state in ENDED else ""
        self.store.lag(copies.set_told, copy.identifier, told)

    def _adopt(self, task: Task, *, in_doubt: bool) -> None:
        """A task that was made here alone, as agents do."""
        issue = self._made_already(task) if in_doubt else None
        if issue is None:
            try:
                issue = self.board.create(self.store.read(remotely, task))
            except Refusal as error:
                log.warning("server takes no task=%s reason=%r", task.identifier, str(error))
                return
        self.store.write(copies.bind, task.identifier, issue)

    def _made_already(self, task: Task) -> Issue | None:
        """The issue that was made for it before somebody died, and before that was noted."""
        listed, _ = self.board.todo()
        known = self.store.read(copies.by_remote, [issue.remote for issue in listed])
        return next((i for i in listed if i.title == task.title and i.remote not in known), None)

    def _update(self, copy: Copy, task: Task, event: Event) -> None:
        names = [str(name) for name in event.data.get("fields", ())]
        try:
            self.board.update(copy.remote, self.store.read(remotely, task), names)
        except Refusal as error:
            log.warning("server takes no change task=%s reason=%r", copy.identifier, str(error))

    def _said(self, copy: Copy, tag: str) -> bool:
        return any(tag in said.body for said in self.board.issue(copy.remote).comments)

    def _body(self, event: Event) -> str:
        """The whole text of a comment; its event has only the start."""
        if event.action != "comment":
            return event.why
        comments = self.ledger.comments(event.identifier)
        return next((c.body for c in comments if c.at == event.at), event.why)


def remotely(tx: Tx, task: Task) -> Task:
    """With the server's names for the tasks it refers to."""

    def named(identifier: str) -> str:
        copy = copies.copy_of(tx, identifier)
        return copy.remote if copy else ""

    depends = tuple(name for d in task.depends if (name := named(d)))
    return replace(task, depends=depends, parent=named(task.parent) if task.parent else "")


def _matters(event: Event) -> bool:
    return event.after is not None or event.action in ("comment", "edit", "depend")


def _text(event: Event, body: str) -> str:
    """What people who look at the server should read about it."""
    data = event.data
    if event.action == "submit":
        return f"axon: handed in as {str(data.get('commit'))[:12]}"
    if event.action == "land" and data:
        how = "verified" if data.get("verified") else "not verified by any check"
        return f"axon: landed on {data.get('target')} as {str(data.get('commit'))[:12]} ({how})"
    if event.action in ("fail", "give_up"):
        return f"axon: attempt {event.attempt} failed: {body}"
    if event.action == "ask":
        return f"axon asks: {body}"
    if event.action in ("comment", "answer"):
        return f"{event.actor}: {body}"
    return f"axon: {body}" if body else ""
