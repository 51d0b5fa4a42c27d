"""Prove a ledger sound: the file, every sum, every digest, every state, every count."""

import sqlite3
from collections import Counter
from collections.abc import Generator, Iterator

from axon.ledger import counts, history
from axon.ledger.columns import QUEUES, SELECT, STATE, TODO
from axon.ledger.links import settled
from axon.ledger.proof import Damage, row_sum
from axon.ledger.records import Finding, Limits
from axon.ledger.rows import Row, proved
from axon.ledger.shape import MISSHAPEN, misshapen
from axon.ledger.tables import DEPENDENCY, TABLES, Table
from axon.ledger.transaction import Tx
from axon.tasks import MOVES

MOST = 100  # findings are for people: what follows the first hundred is the same damage
# How many rows there must be of each kind, by the column of the task that says so.
BELONGING = (
    ("events", "event", "identifier"),
    ("comments", "comment", "identifier"),
    ("sessions", "session", "identifier"),
    ("messages", "message", "identifier"),
)

PLAYED = """
    SELECT seq, identifier, action, before, after FROM event NOT INDEXED
    WHERE after IS NOT NULL OR action = 'delete' ORDER BY seq
"""
TOTALS = {
    counts.TASKS: "SELECT count(*) FROM task NOT INDEXED",
    **{
        place: f"SELECT count(*) FROM task NOT INDEXED WHERE state = '{state}'"
        for state, place in counts.STATES.items()
    },
    counts.SCOPED_READY: "SELECT count(*) FROM task NOT INDEXED WHERE queue = 3",
    counts.HELD: "SELECT count(*) FROM task NOT INDEXED WHERE queue = 4",
    counts.DATED: "SELECT count(*) FROM task NOT INDEXED WHERE queue = 5",
    counts.BACKING_OFF: "SELECT count(*) FROM task NOT INDEXED WHERE queue = 6",
    counts.SCOPED: "SELECT count(*) FROM task NOT INDEXED WHERE queue = 1 AND paths <> '[]'",
    counts.RUNS: "SELECT count(*) FROM run NOT INDEXED",
    counts.SESSIONS: "SELECT count(*) FROM session NOT INDEXED",
    counts.PAUSES: "SELECT count(*) FROM pause",
    counts.LEASES: "SELECT count(*) FROM lease",
}


def audit(tx: Tx) -> list[Finding]:
    """Everything that is not as it must be, at most `MOST` findings."""
    found: list[Finding] = []
    for part in (_file, _rows, _events, _tasks, _links, _totals):
        try:
            for finding in part(tx):
                found.append(finding)
                if len(found) >= MOST:
                    return found
        except Damage as damage:
            found.append(Finding(where=damage.where, what=damage.what))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            found.append(Finding(where="file", what=" ".join(str(error).split())))
    return list(dict.fromkeys(found))


def findings(db: sqlite3.Connection) -> list[Finding]:
    """As `audit`, for a file that no ledger has open."""
    return audit(Tx(db=db, now=0.0, boot=0.0, boot_id="", limits=Limits()))


def _file(tx: Tx) -> Iterator[Finding]:
    for (said,) in tx.db.execute(f"PRAGMA integrity_check({MOST})"):
        if said != "ok":
            yield Finding(where="file", what=said)
    if name := misshapen(tx.db):
        yield Finding(where=name, what=MISSHAPEN)


def _rows(tx: Tx) -> Iterator[Finding]:
    """Each row of the small tables, by its sum."""
    for table in TABLES:
        yield from _proved(tx, table)


def _proved(tx: Tx, table: Table) -> Iterator[Finding]:
    names = ", ".join((*table.columns, "sum"))
    for *values, total in tx.db.execute(f"SELECT {names} FROM {table.name}"):
        if row_sum(tuple(values)) != total:
            where = table.where(dict(zip(table.columns, values, strict=True)))
            yield Finding(where=where, what="its content has changed by itself")


def _events(tx: Tx) -> Iterator[Finding]:
    """The chain, from the first event to the one that the counts stand with."""
    history.load(tx)
    number = 0
    for number, *_ in history.chain(tx, 0, -1):  # noqa: B007 - how far it goes
        pass
    if number != tx.seq:
        yield Finding(where=f"event {tx.seq}", what="it is missing")


def _tasks(tx: Tx) -> Iterator[Finding]:
    """Each task by its sum, its state by its events, and its counts by what they count."""
    states = yield from _played(tx)
    belonging = {name: _counted(tx, table, column) for name, table, column in BELONGING}
    for values in tx.db.execute(f"{SELECT} ORDER BY task.id"):
        try:
            row = proved(values)
        except Damage as damage:
            yield Finding(where=damage.where, what=damage.what)
            states.pop(values[1], None)
            continue
        yield from _task(row, states.pop(row.known["identifier"], None), belonging)
    for identifier in states:
        yield Finding(where=f"task {identifier}", what="is missing, but has events")


def _counted(tx: Tx, table: str, column: str) -> Counter[str]:
    sql = f"SELECT {column}, count(*) FROM {table} NOT INDEXED GROUP BY {column}"
    return Counter(dict(tx.db.execute(sql).fetchall()))


def _task(row: Row, told: str | None, belonging: dict[str, Counter[str]]) -> Iterator[Finding]:
    known = row.known
    where = f"task {known['identifier']}"
    if told != known["state"]:
        label = STATE[told].label if told in STATE else told or "nothing"
        yield Finding(where=where, what=f"is {known['state']}, but its events say {label}")
    queues = TODO if known["state"] == "todo" else (QUEUES[known["state"]],)
    if known["queue"] not in queues:
        yield Finding(where=where, what=f"stands in the wrong queue ({known['queue']})")
    for name, found in belonging.items():
        if (count := found[known["identifier"]]) != known[name]:
            yield Finding(where=where, what=f"counts {known[name]} {name}, but {count} are there")


def _played(tx: Tx) -> Generator[Finding, None, dict[str, str]]:
    """Play every event on an empty world: the state that each task must be in."""
    states: dict[str, str] = {}
    legal = {(before.value, after.value) for (before, _), after in MOVES.items()}
    for seq, identifier, action, before, after in tx.db.execute(PLAYED):
        known = states.pop(identifier, None)
        # an undo leads back to where the task was, which no move of the table may do
        lawful = before is None or action in ("undo", "delete") or (before, after) in legal
        if before != known or not lawful:
            what = f"moves {identifier} from {before} to {after}, but it was {known}"
            yield Finding(where=f"event {seq}", what=what)
        if after is not None:
            states[identifier] = after
    return states


def _links(tx: Tx) -> Iterator[Finding]:
    """What each task waits for, and how many wait for it, from the rows that tie them."""
    needed: Counter[int] = Counter()
    blocked: Counter[int] = Counter()
    states = dict(tx.db.execute("SELECT id, state FROM task NOT INDEXED").fetchall())
    for known in DEPENDENCY.select(tx):
        needed[known["needs"]] += 1
        state = states.get(known["needs"])
        if state is None or known["task"] not in states:
            yield Finding(where=DEPENDENCY.where(known), what="one of its tasks is missing")
        elif state in STATE and not settled(STATE[state], child=known["child"]):
            blocked[known["task"]] += 1
    counted = "SELECT id, identifier, blocked, dependents FROM task ORDER BY id"
    for number, identifier, holding, dependents in tx.db.execute(counted):
        where = f"task {identifier}"
        if holding != blocked[number]:
            what = f"counts {holding} open dependencies, but {blocked[number]} are open"
            yield Finding(where=where, what=what)
        if dependents != needed[number]:
            what = f"counts {dependents} dependents, but {needed[number]} are there"
            yield Finding(where=where, what=what)


def _totals(tx: Tx) -> Iterator[Finding]:
    """The counts that the last event carries."""
    history.load(tx)
    for place, sql in TOTALS.items():
        found = tx.db.execute(sql).fetchone()[0]
        if found != tx.counts[place]:
            what = f"says {tx.counts[place]} {counts.NAMES[place]}, but {found} are there"
            yield Finding(where="the counts", what=what)
