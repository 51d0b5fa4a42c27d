"""Rows of new tasks, made and written many at once: an import has a hundred thousand of them."""

import json
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from axon.ledger import counts
from axon.ledger.columns import APART, EMPTY, FRESH, INSERT, Known, kept, row_of, stored
from axon.ledger.proof import row_sum, text_sum
from axon.ledger.rows import Row, count, queue_of
from axon.ledger.transaction import Tx
from axon.tasks import Draft, Record
from axon.tasks.paths import folder_of
from axon.tasks.text import clean

BLANK: Known = {"id": 0, **row_of(EMPTY), **FRESH}  # in the order of the columns
FROM_DRAFT = tuple(
    name
    for name in APART
    if name in Draft.__dataclass_fields__ and name not in ("depends", "parent")
)
DRAFTED = attrgetter(*FROM_DRAFT)
DEFAULTS = DRAFTED(EMPTY)
INSERT_APART = "INSERT OR REPLACE INTO apart (id, facts) VALUES (?, ?)"
INSERT_TIE = "INSERT INTO dependency (needs, task, child, sum) VALUES (?, ?, ?, ?)"
New = tuple[Row, str]  # and what is kept apart of it, as text
encoded = json.JSONEncoder(ensure_ascii=False).encode


def row(tx: Tx, draft: Draft, given: Known, *, depends: Sequence[str], parent: str) -> New:
    """The row of a draft, and what is kept apart of it; counted, but not written.

    `given`: what the ledger says of it.
    """
    known = BLANK.copy()
    known["title"] = clean(draft.title)
    known["priority"] = int(draft.priority)
    known["paths"], known["folder"] = _paths(draft.paths)
    if draft.not_before is not None:
        known["not_before"] = float(draft.not_before)
    known["created_at"] = known["updated_at"] = tx.now
    apart: Known = {
        name: kept(name, value)
        for name, value, default in zip(FROM_DRAFT, DRAFTED(draft), DEFAULTS, strict=True)
        if value != default
    }
    if isinstance(draft, Record) and draft.facts:
        _facts(known, apart, draft.facts)
    known.update(given)
    if depends:
        apart["depends"] = depends
    if parent:
        apart["parent"] = parent
    known["queue"] = queue_of(tx, known)
    text = encoded(apart) if apart else ""
    if text:
        known["apart"] = text_sum(text)
    count(tx, None, known)
    return Row(known, apart, row_sum(tuple(known.values()))), text


def write(tx: Tx, rows: Sequence[New], ties: Sequence[tuple[int, int, int]]) -> None:
    """`ties`: who is needed by whom, and whether as a child."""
    tx.db.executemany(INSERT_APART, [(row.id, text) for row, text in rows if text])
    tx.db.executemany(INSERT, [(*row.known.values(), row.total) for row, _ in rows])
    tx.db.executemany(INSERT_TIE, [(*tie, row_sum(tie)) for tie in ties])
    last = max(row.id for row, _ in rows)
    tx.counts[counts.LAST_TASK] = max(tx.counts[counts.LAST_TASK], last)


@lru_cache(maxsize=1000)
def _paths(paths: tuple[str, ...]) -> tuple[str, str]:
    """As they are stored, and the folder they are in."""
    return stored("paths", paths), folder_of(paths)


def _facts(known: Known, apart: Known, facts: Any) -> None:
    for name, value in facts.items():
        if name not in APART:
            known[name] = stored(name, value)
        elif value != getattr(EMPTY, name):
            apart[name] = kept(name, value)
