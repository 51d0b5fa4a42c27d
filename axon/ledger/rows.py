"""Tasks as rows: proved when they are read, saved with only what changed, counted as they move."""

import json
from collections.abc import Iterator
from functools import cache
from operator import itemgetter
from typing import Any

from axon.errors import NotFound
from axon.ledger import counts, history
from axon.ledger.columns import (
    ABSENT,
    APART,
    BACKOFF,
    BY_ID,
    BY_NAME,
    COLUMNS,
    EMPTY,
    HELD,
    INSERT,
    LATER,
    LISTS,
    NAMED,
    NAMES,
    PRIORITY,
    QUEUES,
    READY,
    RUNNING,
    SCAN,
    SCOPED_READY,
    SELECT,
    SHOWN,
    STATE,
    WIDTH,
    Known,
    kept,
    stored,
)
from axon.ledger.proof import damaged, row_sum, text_sum
from axon.ledger.transaction import Tx
from axon.tasks import Task
from axon.tasks.paths import folder_of
from axon.tasks.text import clean

SUMS = "SELECT sum, events FROM task WHERE identifier = ?"
DERIVED = ("queue", "apart", "folder")
WAITING = {
    SCOPED_READY: counts.SCOPED_READY,
    HELD: counts.HELD,
    LATER: counts.DATED,
    BACKOFF: counts.BACKING_OFF,
}
DEFAULTS = {name: kept(name, getattr(EMPTY, name)) for name in APART}
decode = json.JSONDecoder().raw_decode
shown = itemgetter(*SHOWN)
counted = itemgetter("state", "queue", "paths")


class Row:
    """A proved task row. `known`: its columns as they are stored; `apart`: what is kept apart."""

    __slots__ = ("_task", "apart", "known", "total")

    def __init__(self, known: Known, apart: Known, total: int) -> None:
        self.known = known
        self.apart = apart
        self.total = total
        self._task: Task | None = None

    @property
    def id(self) -> int:
        return int(self.known["id"])

    @property
    def run(self) -> str:
        return str(self.known["run"])

    @property
    def lease_boot(self) -> str:
        return str(self.known["lease_boot"])

    @property
    def task(self) -> Task:
        if self._task is None:
            fields = dict(zip(SHOWN, shown(self.known), strict=True))
            fields["state"] = STATE[fields["state"]]
            fields["priority"] = PRIORITY[fields["priority"]]
            fields["paths"] = () if fields["paths"] == "[]" else tuple(json.loads(fields["paths"]))
            if fields["verified"] is not None:
                fields["verified"] = bool(fields["verified"])
            for name, value in self.apart.items():
                fields[name] = tuple(value) if name in LISTS else value
            self._task = Task(**fields)
        return self._task


def proved(values: tuple[Any, ...]) -> Row:
    """The row that a SELECT of ours has found."""
    *plain, total, facts = values
    known = dict(zip(COLUMNS, plain, strict=True))
    if row_sum(tuple(plain)) != total:
        damaged(f"task {known['identifier']}")
    if facts is None:
        if known["apart"]:
            damaged(f"task {known['identifier']}", "a part of it is missing")
        return Row(known, {}, total)
    if known["apart"] != text_sum(facts):
        damaged(f"task {known['identifier']}", "a part of it has changed by itself")
    return Row(known, decode(facts)[0], total)


def select(tx: Tx, tail: str, values: tuple[Any, ...] = ()) -> Iterator[Row]:
    """The tasks that `tail` (WHERE, ORDER BY, LIMIT) asks for."""
    return map(proved, tx.db.execute(f"{SELECT} {tail}", values))


def everything(tx: Tx) -> Iterator[Row]:
    """All tasks, in the order of their age; one that is missing is noticed."""
    return map(proved, _whole(tx, f"{SELECT} ORDER BY task.id"))


def scan(tx: Tx, *names: str) -> Iterator[tuple[Any, ...]]:
    """Those columns of every task; `everything` at a third of its cost."""
    choose = [COLUMNS.index(name) for name in names]
    for values in _whole(tx, SCAN):
        if row_sum(values[:WIDTH]) != values[WIDTH]:
            damaged(f"task {values[1]}")
        yield tuple(values[place] for place in choose)


def _whole(tx: Tx, sql: str) -> Iterator[tuple[Any, ...]]:
    history.load(tx)
    expected, last = tx.counts[counts.TASKS], tx.counts[counts.LAST_TASK]
    number = 0
    for number, values in enumerate(tx.db.execute(sql), start=1):
        if expected == last and values[0] != number:  # no task was ever taken out
            damaged(f"task number {number}", "it is missing")
        yield values
    if number != expected:
        damaged("the tasks", f"{number} of {expected} are there")


def find(tx: Tx, identifier: str) -> Row | None:
    identifier = clean(identifier)
    seen: Row | None = tx.seen.rows.get(identifier)
    if seen and tx.db.execute(SUMS, (identifier,)).fetchone() == (seen.total, seen.known["events"]):
        return seen
    found = tx.db.execute(BY_NAME, (identifier,)).fetchone()
    if found is None:
        _prove_absent(tx, identifier)
        return None
    row = proved(found)
    if row.known["identifier"] != identifier:
        damaged(f"task {identifier}", "its index leads to another task")
    return row


def by_id(tx: Tx, number: int) -> Row:
    """A task that must be there."""
    found = tx.db.execute(BY_ID, (number,)).fetchone()
    if found is None:
        damaged(f"task number {number}", "it is missing")
    return proved(found)


def fetch(tx: Tx, identifier: str) -> Row:
    row = find(tx, identifier)
    if row is None:
        raise NotFound(f"no task {identifier}; axon task list shows those there are")
    return row


def _prove_absent(tx: Tx, identifier: str) -> None:
    """An index that has lost an entry must not make a task vanish: read the rows themselves.

    Where many names are looked up, as in an import, the whole index is proved instead, once.
    """
    if tx.misses > 1:
        return
    tx.misses += 1
    question = ABSENT if tx.misses == 1 else NAMED
    unlike, found = tx.db.execute(question, {"name": identifier}).fetchone()
    history.load(tx)
    if found != tx.counts[counts.TASKS] or unlike:
        damaged(f"task {identifier}", "the index of names does not fit the tasks")


def put(tx: Tx, row: Row, changes: Known) -> Row:
    """Save what differs, the sums and counts that follow from it included."""
    old, apart = row.known, row.apart
    known = old.copy()
    changed = []
    for name, value in changes.items():
        if name in old:
            if (value := stored(name, value)) != old[name]:
                known[name] = value
                changed.append(name)
        elif (value := kept(name, value)) != apart.get(name, DEFAULTS[name]):
            apart = {**apart, name: value}
    if apart is not row.apart:
        apart = {name: value for name, value in apart.items() if value != DEFAULTS[name]}
        known["apart"] = _put_apart(tx, row.id, apart)
    if "paths" in changes:
        known["folder"] = folder_of(json.loads(known["paths"]))
    known["queue"] = queue_of(tx, known)
    changed += [name for name in DERIVED if known[name] != old[name]]
    if not changed:
        return row
    count(tx, old, known)
    total = row_sum(tuple(known.values()))
    values = [known[name] for name in changed]
    done = tx.db.execute(_update(tuple(changed)), (*values, total, known["id"], row.total))
    if not done.rowcount:
        raise RuntimeError(f"task {known['identifier']} was changed since it was read")
    saved = Row(known, apart, total)
    if known["identifier"] in tx.seen.rows:  # one of ours: renewed, noted, moved
        tx.wrote[known["identifier"]] = saved
    return saved


@cache
def _update(changed: tuple[str, ...]) -> str:
    settings = ", ".join(f'"{name}" = ?' for name in (*changed, "sum"))
    return f"UPDATE task SET {settings} WHERE id = ? AND sum = ?"


def save(tx: Tx, before: Task, after: Task, hidden: Known) -> Row:
    """Update what differs between the two, and the `hidden` columns that no Task shows."""
    changes = {
        name: value for name in NAMES if (value := getattr(after, name)) != getattr(before, name)
    }
    return put(tx, fetch(tx, before.identifier), changes | hidden)


def bring(tx: Tx, known: Known, apart: Known) -> Row:
    """Insert a whole row: a new one, or one that was taken out."""
    known["apart"] = _put_apart(tx, known["id"], apart) if apart else 0
    known["queue"] = queue_of(tx, known)
    count(tx, None, known)
    tx.counts[counts.LAST_TASK] = max(tx.counts[counts.LAST_TASK], known["id"])
    values = tuple(known[name] for name in COLUMNS)
    total = row_sum(values)
    tx.db.execute(INSERT, (*values, total))
    return Row(known, apart, total)


def drop(tx: Tx, row: Row) -> None:
    """Take the row out; what refers to it is the caller's to see to."""
    count(tx, row.known, None)
    tx.db.execute("DELETE FROM apart WHERE id = ?", (row.id,))
    tx.db.execute("DELETE FROM task WHERE id = ?", (row.id,))


def _put_apart(tx: Tx, number: int, apart: Known) -> int:
    """Answers the sum that the row keeps of it; 0 when there is none."""
    if not apart:
        tx.db.execute("DELETE FROM apart WHERE id = ?", (number,))
        return 0
    facts = json.dumps(apart, ensure_ascii=False)
    tx.db.execute("INSERT OR REPLACE INTO apart (id, facts) VALUES (?, ?)", (number, facts))
    return text_sum(facts)


def queue_of(tx: Tx, known: Known) -> int | None:
    """Where the task belongs now."""
    state = known["state"]
    if state != "todo":
        return QUEUES[state]
    if known["blocked"]:
        return HELD
    if known["not_before"] is not None and known["not_before"] > tx.now:
        return LATER
    if known["backoff_boot"] == tx.boot_id and known["backoff_until"] > tx.boot:
        return BACKOFF
    return READY if known["paths"] == "[]" else SCOPED_READY


def count(tx: Tx, before: Known | None, after: Known | None) -> None:
    if before and after and counted(before) == counted(after):
        return
    history.load(tx)
    totals = tx.counts
    if before is None or after is None:
        totals[counts.TASKS] += 1 if before is None else -1
    for known, one in ((before, -1), (after, 1)):
        if known is not None:
            totals[counts.STATES[known["state"]]] += one
            place = WAITING.get(known["queue"])
            if place is not None:
                totals[place] += one
            elif known["queue"] == RUNNING and known["paths"] != "[]":
                totals[counts.SCOPED] += one
    tx.recounted = True


def settle(tx: Tx) -> None:
    """Count on each task the events and comments that this transaction adds to it."""
    for identifier, (events, comments) in tx.told.items():
        found = tx.db.execute(BY_NAME, (identifier,)).fetchone()
        if found is not None:
            row = proved(found)
            known = row.known
            put(
                tx,
                row,
                {"events": known["events"] + events, "comments": known["comments"] + comments},
            )
    tx.told.clear()
