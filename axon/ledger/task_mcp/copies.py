"""Copies of a task server's issues as tasks of the file ledger, and what joins the two."""

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any

from axon.facts import dataclass
from axon.ledger import additions
from axon.ledger.rows import find
from axon.ledger.task_mcp.issues import Issue
from axon.ledger.transaction import Tx
from axon.tasks import Record, State, Task
from axon.tasks.text import titled

REMOTE = "remote"  # the actor of all that we only follow; never told to the server again
ELSEWHERE = "elsewhere"  # owner of what others work on
OURS_TOO = (State.TODO, State.BLOCKED, State.DONE, State.FAILED, State.CANCELED)
COPY = """
    SELECT remote_task.identifier, remote, told, bid, bidding, state, token, lease_boot <> '',
        title, priority, seen
    FROM remote_task JOIN task ON task.identifier = remote_task.identifier
"""
PENDING = """
    SELECT 1 FROM event WHERE identifier = ? AND identifier <> ''
    AND seq > (SELECT seq FROM remote) AND after IS NOT NULL AND actor <> 'remote' LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A task and the issue it stands for. Two that are equal were not touched in between."""

    identifier: str
    remote: str
    told: str  # state the server had when we last looked or told it
    bid: str  # ours that won, or stands
    bidding: bool  # its outcome is open
    state: State
    token: int
    leased: bool  # a worker of this host holds it
    title: str
    priority: int
    seen: float = field(compare=False)  # boot time of the last look at it alone


def open_copies(tx: Tx) -> tuple[list[Copy], float]:
    """Of all tasks that are not over; those not looked at for longest come first. And the time."""
    where = " WHERE state IN ('todo', 'in_progress', 'review', 'blocked') ORDER BY seen, task.id"
    return [as_copy(values) for values in tx.db.execute(COPY + where).fetchall()], tx.boot


def copy_of(tx: Tx, identifier: str) -> Copy | None:
    found = tx.db.execute(COPY + " WHERE remote_task.identifier = ?", (identifier,)).fetchone()
    return as_copy(found) if found else None


def by_remote(tx: Tx, remotes: Sequence[str]) -> dict[str, Copy]:
    sql = COPY + " WHERE remote = ?"
    found = (tx.db.execute(sql, (remote,)).fetchone() for remote in remotes)
    return {copy.remote: copy for values in found if values and (copy := as_copy(values))}


def as_copy(values: tuple[Any, ...]) -> Copy:
    """A row of COPY."""
    identifier, remote, told, bid, bidding, state, token, leased, title, priority, seen = values
    return Copy(
        identifier=identifier,
        remote=remote,
        told=told,
        bid=bid,
        bidding=bool(bidding),
        state=State(state),
        token=token,
        leased=bool(leased),
        title=title,
        priority=priority,
        seen=seen,
    )


def stray_bids(tx: Tx) -> list[Copy]:
    """Of tasks that others took from us: nothing of our own doing has ended the bid."""
    where = (
        " WHERE bid <> '' AND NOT bidding AND state <> 'review' AND state <> 'blocked'"
        " AND NOT (state = 'in_progress' AND lease_boot <> '')"
    )
    return [as_copy(values) for values in tx.db.execute(COPY + where).fetchall()]


def set_told(tx: Tx, identifier: str, told: str) -> None:
    tx.db.execute(
        "UPDATE remote_task SET told = ?, seen = ? WHERE identifier = ?",
        (told, tx.boot, identifier),
    )


def clear_bid(tx: Tx, identifier: str) -> None:
    tx.db.execute("UPDATE remote_task SET bid = '' WHERE identifier = ?", (identifier,))


def bind(tx: Tx, identifier: str, issue: Issue) -> None:
    """The task stands for this issue from now on."""
    tx.db.execute(
        "INSERT OR REPLACE INTO remote_task (identifier, remote, told, seen) VALUES (?, ?, ?, ?)",
        (identifier, issue.remote, issue.state_name, tx.boot),
    )


def take_in(tx: Tx, issues: Sequence[Issue], *, links: bool = True) -> list[Task]:
    """Copy issues that have none yet. UsageError: they wait for each other."""
    known = by_remote(tx, [issue.remote for issue in issues])
    new = [issue for issue in issues if issue.remote not in known]
    records = [_record(tx, issue, new, links=links) for issue in new]
    tasks = additions.add(tx, records, actor=REMOTE)
    for issue, task in zip(new, tasks, strict=True):
        bind(tx, task.identifier, issue)
    return tasks


def _record(tx: Tx, issue: Issue, new: Sequence[Issue], *, links: bool) -> Record:
    identifier = issue.identifier
    if identifier and find(tx, identifier) is not None:
        identifier = ""  # a task of ours has that name
    team = identifier.rpartition("-")[0] or issue.team.upper()
    title, description = titled(issue.title, issue.description)
    facts = dict(issue.facts)
    keys = {other.remote for other in new}
    depends = _names(tx, facts.pop("depends", ()), keys) if links else ()
    parent = _names(tx, [facts.pop("parent", "")], keys) if links else ()
    state = issue.state if issue.state in OURS_TOO else State.IN_PROGRESS
    return Record(
        identifier=identifier,
        key=issue.remote,
        title=title,
        description=description,
        team=team if team.isalnum() and team.isascii() and len(team) <= 20 else "",
        depends=tuple(name for name in depends if name != issue.remote),
        parent=next(iter(parent), ""),
        state=state,
        facts={"owner": ELSEWHERE} if state is State.IN_PROGRESS else {},
        **{name: value for name, value in facts.items() if name not in ("depends", "parent")},
    )


def _names(tx: Tx, remotes: Iterable[str], keys: set[str]) -> tuple[str, ...]:
    """What we call them; one that we do not know holds nobody up."""
    wanted = [name for name in remotes if name]
    known = by_remote(tx, wanted)
    found = [known[n].identifier if n in known else n if n in keys else "" for n in wanted]
    return tuple(name for name in found if name)


def is_pending(tx: Tx, identifier: str) -> bool:
    """Has the task moved in a way that the server was not told of yet?"""
    return tx.db.execute(PENDING, (identifier,)).fetchone() is not None
