"""Fill the tables that carry proofs from the ones that did not; the old ones go."""

import json
import sqlite3
from dataclasses import replace
from typing import Any

from axon.ledger import counts, history
from axon.ledger.clock import system_clock
from axon.ledger.columns import APART, COLUMNS, FRESH, LISTS, SHOWN
from axon.ledger.proof import row_sum
from axon.ledger.records import Limits
from axon.ledger.rows import DEFAULTS, bring
from axon.ledger.tables import (
    CHANGE,
    CHANGE_TASK,
    COMMENT,
    DEPENDENCY,
    LEASE,
    MESSAGE,
    PAUSE,
    RUN,
    RUN_TASK,
    SESSION,
    SPENT_DAY,
    TEAM,
    USAGE,
    WORKER,
    Table,
)
from axon.ledger.transaction import Tx
from axon.tasks.paths import folder_of

# What these tables had not yet when rows got their sums.
LATER = {"run": ("max_tokens", "tokens"), "session": ("max_tokens", "agent")}
LATER["usage"] = ("agent", "retries")
GROWN = (CHANGE, CHANGE_TASK, COMMENT, LEASE, MESSAGE, PAUSE, RUN_TASK, TEAM, USAGE, WORKER)


def prove_all(db: sqlite3.Connection) -> None:
    """Inside the transaction of the migration."""
    clock = system_clock()
    tx = Tx(db=db, now=clock.wall(), boot=clock.boot(), boot_id=clock.boot_id, limits=Limits())
    # what was kept of deleted tasks fits the old tables only
    db.execute("UPDATE change SET undone = 1 WHERE action = 'delete'")
    for table in GROWN:
        _sum(tx, _early(table))
    _events(tx)
    _dependencies(tx)
    _runs(tx)
    _sessions(tx)
    _tasks(tx)
    _totals(tx)
    history.flush(tx)


def sum_again(db: sqlite3.Connection) -> None:
    """Sums over the new columns too, and what each day has cost; a damaged row stays damaged."""
    clock = system_clock()
    tx = Tx(db=db, now=clock.wall(), boot=clock.boot(), boot_id=clock.boot_id, limits=Limits())
    for table in (RUN, SESSION, USAGE):
        early = _early(table).columns
        for known in _rows(tx, f"SELECT * FROM {table.name}"):
            if row_sum(tuple(known[name] for name in early)) == known["sum"]:
                _put_sum(tx, table, known)
    tokens = "input_tokens + output_tokens + cache_read_tokens + cache_write_tokens"
    for run, count in db.execute(f"SELECT run, total({tokens}) FROM usage GROUP BY run").fetchall():
        for known in RUN.select(tx, "WHERE id = ?", (run,)):
            RUN.update(tx, known, tokens=count)
    by_day = f"date(at, 'unixepoch', 'localtime'), total(cost_usd), total({tokens})"
    for day, cost, count in db.execute(f"SELECT {by_day} FROM usage GROUP BY 1").fetchall():
        SPENT_DAY.insert(tx, day=day, cost_usd=cost, tokens=count)


def _early(table: Table) -> Table:
    later = LATER.get(table.name, ())
    return replace(table, columns=tuple(name for name in table.columns if name not in later))


def _rows(tx: Tx, sql: str) -> list[dict[str, Any]]:
    cursor = tx.db.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor]


def _sum(tx: Tx, table: Table) -> None:
    for known in _rows(tx, f"SELECT * FROM {table.name}"):
        _put_sum(tx, table, known)


def _put_sum(tx: Tx, table: Table, known: dict[str, Any]) -> None:
    values = tuple(known[name] for name in table.columns)
    keys = table.columns[: table.keys]
    where = " AND ".join(f"{name} = ?" for name in keys)
    key = tuple(known[name] for name in keys)
    tx.db.execute(f"UPDATE {table.name} SET sum = ? WHERE {where}", (row_sum(values), *key))


def _events(tx: Tx) -> None:
    """The same events with the same numbers; a gap between those is closed."""
    history.load(tx)
    for number, values in enumerate(
        tx.db.execute(f"SELECT {', '.join(history.COLUMNS)} FROM old_event ORDER BY seq"), start=1
    ):
        tx.seq = number
        tx.pending.append((number, *values[1:]))


def _dependencies(tx: Tx) -> None:
    for known in _rows(tx, "SELECT * FROM old_dependency"):
        DEPENDENCY.insert(tx, **known)


def _runs(tx: Tx) -> None:
    first = dict(tx.db.execute("SELECT run, min(seq) FROM old_event GROUP BY run").fetchall())
    taken = dict(tx.db.execute("SELECT run, count(*) FROM run_task GROUP BY run").fetchall())
    for number, known in enumerate(_rows(tx, "SELECT * FROM old_run ORDER BY rowid"), start=1):
        known |= {"number": number, "first_event": first.get(known["id"], 1)}
        _early(RUN).insert(tx, **known, taken=taken.get(known["id"], 0))
        tx.counts[counts.RUNS] = number


def _sessions(tx: Tx) -> None:
    for number, known in enumerate(_rows(tx, "SELECT * FROM old_session ORDER BY rowid"), start=1):
        _early(SESSION).insert(tx, **known, number=number)
        tx.counts[counts.SESSIONS] = number


def _tasks(tx: Tx) -> None:
    for old in _rows(tx, "SELECT * FROM old_task ORDER BY id"):
        known = {"id": old["id"]} | {name: old[name] for name in SHOWN} | FRESH
        known |= {name: old[name] for name in COLUMNS if name in old}
        apart = {name: old[name] for name in APART}
        apart |= {name: json.loads(apart[name]) for name in LISTS if name in apart}
        apart = {name: value for name, value in apart.items() if value != DEFAULTS[name]}
        identifier, number = old["identifier"], old["id"]
        known |= {
            "folder": folder_of(json.loads(old["paths"])),
            "dependents": _count(tx, "dependency WHERE needs = ?", number),
            "comments": _count(tx, "comment WHERE identifier = ?", identifier),
            "events": _count(tx, "old_event WHERE identifier = ?", identifier),
            "sessions": _count(tx, "session WHERE identifier = ?", identifier),
            "messages": _count(tx, "message WHERE identifier = ?", identifier),
            "unread": _count(tx, "message WHERE identifier = ? AND read_at IS NULL", identifier),
        }
        bring(tx, known, apart)


def _totals(tx: Tx) -> None:
    tx.counts[counts.PAUSES] = _count(tx, "pause WHERE ? = ''", "")
    tx.counts[counts.LEASES] = _count(tx, "lease WHERE ? = ''", "")
    last = tx.db.execute("SELECT coalesce(max(last), 0) FROM change").fetchone()[0]
    tx.counts[counts.LAST_TASK] = max(tx.counts[counts.LAST_TASK], last)


def _count(tx: Tx, what: str, value: str | int) -> int:
    return int(tx.db.execute(f"SELECT count(*) FROM {what}", (value,)).fetchone()[0])
