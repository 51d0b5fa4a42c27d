"""Tell whether a ledger's tables and indexes are still those that axon has made."""

import re
import sqlite3
from contextlib import closing

from axon.ledger.schema import MIGRATIONS, migrate

# SQLite's own are left out; so is STRICT, which old ones do not know.
MISSHAPEN = "it is not as it was made"
MADE = "SELECT name, type, tbl_name, sql FROM sqlite_master WHERE substr(name, 1, 7) <> 'sqlite_'"


def misshapen(db: sqlite3.Connection) -> str:
    """The first table or index that is not as it was made; empty when all are, or are older."""
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] != len(MIGRATIONS):
            return ""
        found = _shape(db)
    except (sqlite3.Error, UnicodeDecodeError):
        return "the schema"
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, 0)
        made = _shape(fresh)
    changed = {name for name in found.keys() | made.keys() if found.get(name) != made.get(name)}
    return min(map(str, changed), default="")


def _shape(db: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    return {
        name: (kind, table, re.sub(r" STRICT,?", "", sql or ""))
        for name, kind, table, sql in db.execute(MADE)
    }
