"""Tasks as rows: proved when they are read, saved with only what changed, counted as they move."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from axon.errors import NotFound
from axon.ledger import counts, history
from axon.ledger.columns import (
    ABSENT,
    BACKOFF,
    BY_ID,
    BY_NAME,
    COLUMNS,
    COUNTED,
    FRESH,
    HELD,
    INSERT,
    LATER,
    LISTS,
    LONG,
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
    row_of,
    stored,
)
from axon.ledger.proof import damaged, row_sum, text_sum
from axon.ledger.transaction import Tx
from axon.tasks import Task
from axon.tasks.paths import folder_of
from axon.tasks.text import clean


class Row:
    """A proved task row. `known`: its columns as they are stored; `long`: its long texts."""

    __slots__ = ("_task", "known", "long", "total")

    def __init__(self, known: Known, long: dict[str, str], total: int) -> None:
        self.known = known
        self.long = long
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
            known = self.known
            shown = {name: known[name] for name in SHOWN}
            shown["state"] = STATE[shown["state"]]
            shown["priority"] = PRIORITY[shown["priority"]]
            for name in LISTS:
                text = shown[name]
                shown[name] = () if text == "[]" else tuple(json.loads(text))
            if shown["verified"] is not None:
                shown["verified"] = bool(shown["verified"])
            shown |= self.long
            self._task = Task(**shown)
        return self._task


def proved(values: tuple[Any, ...]) -> Row:
    """The row that a SELECT of ours has found."""
    *_, total, texts, texts_total = values
    plain = values[:WIDTH]
    known = dict(zip(COLUMNS, plain, strict=True))
    if row_sum(plain) != total:
        damaged(f"task {known['identifier']}")
    if texts is None:
        if known["long"]:
            damaged(f"task {known['identifier']}", "its long texts are missing")
        return Row(known, {}, total)
    if not known["long"] or text_sum(texts) != texts_total:
        damaged(f"task {known['identifier']}", "its long texts have changed by themselves")
    return Row(known, json.loads(texts), total)


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
    known = row.known.copy()
    long = row.long
    for name, value in changes.items():
        if name in LONG:
            if long.get(name, "") != value:
                long = {**long, name: clean(value)}
        else:
            known[name] = stored(name, value)
    if long is not row.long:
        long = {name: text for name, text in long.items() if text}
        known["long"] = int(bool(long))
        _put_long(tx, row.id, long)
    if "paths" in changes:
        known["folder"] = folder_of(json.loads(known["paths"]))
    known["queue"] = queue_of(tx, known)
    _count(tx, row.known, known)
    changed = tuple(name for name, value in known.items() if value != row.known[name])
    if not changed:
        return row
    values = [known[name] for name in changed]
    total = row_sum(tuple(known.values()))
    done = tx.db.execute(_update(changed), (*values, total, known["id"], row.total))
    if not done.rowcount:
        raise RuntimeError(f"task {known['identifier']} was changed since it was read")
    return Row(known, long, total)


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


def insert(tx: Tx, number: int, task: Task, hidden: Known | None = None) -> Row:
    known: Known = {"id": number, **row_of(task), **FRESH, **(hidden or {})}
    long = {name: text for name in LONG if (text := clean(getattr(task, name)))}
    known["long"] = int(bool(long))
    known["folder"] = folder_of(task.paths)
    return bring(tx, known, long)


def bring(tx: Tx, known: Known, long: dict[str, str]) -> Row:
    """Insert a whole row: a new one, or one that was taken out."""
    known["queue"] = queue_of(tx, known)
    _count(tx, None, known)
    tx.counts[counts.LAST_TASK] = max(tx.counts[counts.LAST_TASK], known["id"])
    values = tuple(known[name] for name in COLUMNS)
    total = row_sum(values)
    tx.db.execute(INSERT, (*values, total))
    if long:
        _put_long(tx, known["id"], long)
    return Row(known, long, total)


def drop(tx: Tx, row: Row) -> None:
    """Take the row out; what refers to it is the caller's to see to."""
    _count(tx, row.known, None)
    tx.db.execute("DELETE FROM long WHERE id = ?", (row.id,))
    tx.db.execute("DELETE FROM task WHERE id = ?", (row.id,))


def _put_long(tx: Tx, number: int, long: dict[str, str]) -> None:
    if not long:
        tx.db.execute("DELETE FROM long WHERE id = ?", (number,))
        return
    texts = json.dumps(long, ensure_ascii=False)
    tx.db.execute(
        "INSERT OR REPLACE INTO long (id, texts, sum) VALUES (?, ?, ?)",
        (number, texts, text_sum(texts)),
    )


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


def _count(tx: Tx, before: Known | None, after: Known | None) -> None:
    history.load(tx)
    if before and after and all(before[name] == after[name] for name in COUNTED):
        return
    for known, one in ((before, -1), (after, 1)):
        if known is None:
            continue
        tx.counts[counts.TASKS] += one
        tx.counts[counts.STATES[known["state"]]] += one
        queue = known["queue"]
        if queue == HELD:
            tx.counts[counts.HELD] += one
        elif queue == LATER:
            tx.counts[counts.DATED] += one
        elif queue == BACKOFF:
            tx.counts[counts.BACKING_OFF] += one
        elif queue == RUNNING and known["paths"] != "[]":
            tx.counts[counts.SCOPED] += one
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
