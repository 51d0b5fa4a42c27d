"""Which task comes next: the most urgent, then oldest that is ready and collides with none."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from axon.ledger import counts, history
from axon.ledger.columns import BACKOFF, FIELDS, JOIN, LATER, READY, RUNNING, SCOPED_READY
from axon.ledger.proof import damaged
from axon.ledger.rows import Row, by_id, proved, put, select
from axon.ledger.tables import RUN_TASK, Known
from axon.ledger.transaction import Tx
from axon.tasks.paths import cover, overlap

LOOKED_AT = 5000  # tasks not met before, before others are sought folder by folder
SCANNED = 20_000  # places of the queue that are gone through in order
MEMORY = 100_000  # tasks of which one connection remembers with what they collide
WOKEN = 500  # at most at once: nobody is kept waiting for all that a reboot has freed
LAST = "\U0010ffff"
NEVER = (1 << 63, 0)  # after all places of the queue
NOT_YET = (counts.HELD, counts.DATED, counts.BACKING_OFF)

IN_ORDER = f"""
    SELECT {FIELDS} FROM task INDEXED BY task_queue {JOIN}
    WHERE queue = ? ORDER BY priority, task.id LIMIT ?
"""
QUEUE = f"""
    SELECT priority, id FROM task INDEXED BY task_queue
    WHERE queue = {SCOPED_READY} ORDER BY priority, id LIMIT ?
"""
EDITED = "SELECT 1 FROM event WHERE seq > ? AND action IN ('edit', 'undo') LIMIT 1"
NEXT_FOLDER = f"""
    SELECT folder FROM task INDEXED BY task_folder
    WHERE queue = {SCOPED_READY} AND priority = ? AND folder >= ? ORDER BY folder LIMIT 1
"""
IN_FOLDER = f"""
    SELECT {FIELDS} FROM task INDEXED BY task_folder {JOIN}
    WHERE queue = {SCOPED_READY} AND priority = ? AND folder = ? ORDER BY task.id
"""
DUE = f"""
    SELECT id FROM task INDEXED BY task_later
    WHERE queue = {LATER} AND not_before <= ? LIMIT {WOKEN}
"""
BACK = f"""
    SELECT id FROM task INDEXED BY task_backoff
    WHERE queue = {BACKOFF} AND backoff_boot = ? AND backoff_until <= ? LIMIT {WOKEN}
"""
OTHER_BOOTS = f"""
    SELECT id FROM task INDEXED BY task_backoff
    WHERE queue = {BACKOFF} AND backoff_boot < :boot
    UNION ALL SELECT id FROM task INDEXED BY task_backoff
    WHERE queue = {BACKOFF} AND backoff_boot > :boot LIMIT {WOKEN}
"""
NEXT_DUE = f"""
    SELECT {FIELDS} FROM task INDEXED BY task_later {JOIN}
    WHERE queue = {LATER} ORDER BY not_before LIMIT 1
"""
NEXT_BACK = f"""
    SELECT {FIELDS} FROM task INDEXED BY task_backoff {JOIN}
    WHERE queue = {BACKOFF} AND backoff_boot = ? ORDER BY backoff_until LIMIT 1
"""
FIRST_BACK = f"""
    SELECT {FIELDS} FROM task INDEXED BY task_backoff {JOIN}
    WHERE queue = {BACKOFF} ORDER BY backoff_boot LIMIT 1
"""
LAST_BACK = FIRST_BACK.replace("LIMIT", "DESC LIMIT")


def wake(tx: Tx) -> None:
    """Let those whose time has come be found."""
    history.load(tx)
    found: list[tuple[int]] = []
    if tx.counts[counts.DATED]:
        found += tx.db.execute(DUE, (tx.now,)).fetchall()
    if tx.counts[counts.BACKING_OFF]:
        found += tx.db.execute(BACK, (tx.boot_id, tx.boot)).fetchall()
        found += tx.db.execute(OTHER_BOOTS, {"boot": tx.boot_id}).fetchall()
    for (number,) in found:
        put(tx, by_id(tx, number), {})


def pick(tx: Tx) -> Row | None:
    """Of all tasks."""
    counted = tx.counts
    scoped = counted[counts.SCOPED_READY]
    plain = None
    if counted[counts.STATES["todo"]] > scoped + sum(counted[place] for place in NOT_YET):
        found = tx.db.execute(IN_ORDER, (READY, 1)).fetchone()
        if found is None:
            damaged("the index of ready tasks", "none is found in it")
        plain = proved(found)
    return _scoped(tx, scoped, plain) if scoped else plain


def _scoped(tx: Tx, count: int, plain: Row | None) -> Row | None:
    """`plain`, or one that comes before it, declares paths, and collides with none that runs.

    Thousands may collide with one that runs: that is remembered of each for as long as any task
    with the same glob runs, and only the index is read of them.
    """
    free = Free(running_paths(tx))
    known = _collisions(tx)
    globs, end = free.globs, order(plain) if plain else NEVER
    seen = new = 0
    for place in tx.db.execute(QUEUE, (SCANNED,)):
        if end < place:
            return plain
        seen += 1
        number = place[1]
        if known.get(number) in globs:
            continue
        if new == LOOKED_AT:
            return _by_folder(tx, free, plain)
        new += 1
        row = by_id(tx, number)
        if row.known["queue"] != SCOPED_READY:
            damaged("the index of ready tasks", f"{row.known['identifier']} is not ready")
        glob = free.collision(row.known["paths"])
        if not glob:
            return row
        known[number] = glob
    if seen == SCANNED:
        return _by_folder(tx, free, plain)
    if seen != count:
        damaged("the index of ready tasks", f"{seen} of {count} tasks are found in it")
    return plain


def _collisions(tx: Tx) -> dict[int, str]:
    """With which glob tasks collide, as far as this connection has found out; edits end that."""
    seen = tx.seen
    committed = tx.seq - len(tx.pending)
    if seen.collisions and (
        len(seen.collisions) > MEMORY
        or committed - seen.edited > MEMORY
        or tx.db.execute(EDITED, (seen.edited,)).fetchone()
    ):
        seen.collisions.clear()
    seen.edited = committed
    return seen.collisions


def order(row: Row) -> tuple[int, int]:
    return row.known["priority"], row.known["id"]


class Free:
    """Tells whether tasks with certain paths collide with none of those that run."""

    def __init__(self, busy: Sequence[Sequence[str]]) -> None:
        self._busy = busy
        self.globs = {glob for globs in busy for glob in globs}
        self._verdicts: dict[str, str] = {"[]": ""}

    def __call__(self, paths: str) -> bool:
        return not self.collision(paths)

    def collision(self, paths: str) -> str:
        """A glob of a running task that overlaps with one of `paths`."""
        if paths not in self._verdicts:
            own = json.loads(paths)
            met = (glob for glob in self.globs if overlap(own, (glob,)))
            self._verdicts[paths] = next(met, "")
        return self._verdicts[paths]

    def covered(self, folder: str) -> str | None:
        """The start of all that a running task may change around `folder`, if it has it all."""
        found = (cover(others, folder) for others in self._busy)
        return next((start for start in found if start is not None), None)


def _by_folder(tx: Tx, free: Free, plain: Row | None) -> Row | None:
    """Many in a row collide: leap over the folders in which all do."""
    for priority in range(plain.known["priority"] + 1 if plain else 4):
        best = plain if plain and plain.known["priority"] == priority else None
        folder = ""
        while found := tx.db.execute(NEXT_FOLDER, (priority, folder)).fetchone():
            folder = found[0]
            start = free.covered(folder)
            if start is not None:
                folder = start + LAST
                continue
            for values in tx.db.execute(IN_FOLDER, (priority, folder)):
                row = proved(values)
                if best is not None and best.id < row.id:
                    break
                if free(row.known["paths"]):
                    best = row
                    break
            folder += "\0"
        if best is not None:
            return best
    return None


def running(tx: Tx) -> list[Row]:
    """The tasks in progress."""
    found = list(select(tx, "WHERE queue = ? ORDER BY task.id", (RUNNING,)))
    history.load(tx)
    if len(found) != (expected := tx.counts[counts.STATES["in_progress"]]):
        damaged("the index of running tasks", f"{len(found)} of {expected} are found in it")
    return found


def running_paths(tx: Tx) -> list[list[str]]:
    """What the tasks in progress may change, of those that say so."""
    history.load(tx)
    if not tx.counts[counts.SCOPED]:
        return []
    return [json.loads(row.known["paths"]) for row in running(tx) if row.known["paths"] != "[]"]


def taken(tx: Tx, run: Known) -> list[Row]:
    """The tasks a run has taken."""
    found = RUN_TASK.select(tx, "WHERE run = ?", (run["id"],))
    if len(found) != run["taken"]:
        damaged(f"run {run['id']}", f"{len(found)} of its {run['taken']} tasks are there")
    return sorted((by_id(tx, known["task"]) for known in found), key=order)


def first(tx: Tx, rows: Sequence[Row]) -> Row | None:
    """Of those, in their order."""
    rows = [row for row in rows if row.known["queue"] in (READY, SCOPED_READY)]
    free = Free(running_paths(tx) if rows else [])
    return next((row for row in rows if free(row.known["paths"])), None)


def soonest(tx: Tx, rows: Sequence[Row] | None) -> float | None:
    """Seconds until one of `rows`, or of all tasks, is ready; None: no time will do."""
    if rows is None:
        rows = [
            proved(found)
            for sql, values in _QUESTIONS
            for found in tx.db.execute(sql, values(tx)).fetchall()
        ]
    waits = [_wait(tx, row.known) for row in rows]
    return min((wait for wait in waits if wait is not None), default=None)


_QUESTIONS: tuple[tuple[str, Callable[[Tx], tuple[Any, ...]]], ...] = (
    (IN_ORDER, lambda tx: (READY, 1)),
    (IN_ORDER, lambda tx: (SCOPED_READY, 1)),
    (NEXT_DUE, lambda tx: ()),
    (NEXT_BACK, lambda tx: (tx.boot_id,)),
    (FIRST_BACK, lambda tx: ()),  # of another boot, if there is any
    (LAST_BACK, lambda tx: ()),
)


def _wait(tx: Tx, known: dict[str, Any]) -> float | None:
    if known["queue"] not in (READY, SCOPED_READY, LATER, BACKOFF):
        return None
    waits = [0.0]
    if known["backoff_boot"] == tx.boot_id:
        waits.append(known["backoff_until"] - tx.boot)
    if known["queue"] == LATER:
        waits.append(known["not_before"] - tx.now)
    return max(waits)
