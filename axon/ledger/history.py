"""The append-only history: who did what when, at which attempt, and why; chained by digests."""

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from axon.ledger.counts import LEASES, LENGTH
from axon.ledger.proof import DIGEST_BYTES, chained, damaged
from axon.ledger.records import Event
from axon.ledger.transaction import Tx
from axon.tasks import State
from axon.tasks.text import clean, shortened

MAX_WHY = 4000
COLUMNS = (
    "seq", "at", "identifier", "run", "actor", "action", "before", "after", "attempt", "why",
    "data",
)  # fmt: skip
INSERT = f"INSERT INTO event ({', '.join(COLUMNS)}, digest, counts) VALUES "
PLACES = f"({', '.join('?' * (len(COLUMNS) + 2))})"
INSERTS = {1: INSERT + PLACES, 2: f"{INSERT}{PLACES}, {PLACES}"}
HEAD = "SELECT seq, digest, counts FROM event ORDER BY seq DESC LIMIT 1"
SELECT = f"""
    SELECT {", ".join(COLUMNS)}, digest,
        (SELECT digest FROM event AS earlier WHERE earlier.seq = event.seq - 1) FROM event
"""
# The partial index is used only where its condition stands in the query.
OF_TASK = SELECT + " WHERE identifier = ? AND identifier <> '' AND seq > ? ORDER BY seq LIMIT ?"
TOLD = """
    SELECT count(DISTINCT seq), count(DISTINCT CASE WHEN seq > ? THEN seq END)
    FROM event WHERE identifier = ? AND identifier <> ''
"""
ALL = SELECT + " WHERE seq > ? ORDER BY seq LIMIT ?"
CHAIN = f"""
    SELECT {", ".join(COLUMNS)}, digest FROM event NOT INDEXED WHERE seq > ? ORDER BY seq LIMIT ?
"""
PAGE = 1000
BEGINNING = bytes(DIGEST_BYTES)  # what the first event builds on


def append(
    tx: Tx,
    action: str,
    *,
    actor: str,
    identifier: str = "",
    run: str = "",
    before: State | None = None,
    after: State | None = None,
    attempt: int = 0,
    why: str = "",
    data: dict[str, Any] | None = None,
    counted: bool = False,
) -> int:
    """Write an event with this transaction's commit; answers its number.

    `counted`: the caller counts it on the task itself.
    """
    if tx.seq < 0:
        load(tx)
    tx.seq += 1
    if identifier and not counted:
        tx.told.setdefault(identifier, [0, 0])[0] += 1
    tx.pending.append(
        (
            tx.seq,
            tx.now,
            clean(identifier),
            clean(run),
            clean(actor),
            clean(action),
            None if before is None else before.value,
            None if after is None else after.value,
            attempt,
            shortened(clean(why), MAX_WHY),
            json.dumps(data) if data else "{}",
        )
    )
    return tx.seq


def load(tx: Tx) -> None:
    """Know the last event and the counts it carries."""
    if tx.seq >= 0:
        return
    found = tx.db.execute(HEAD).fetchone()
    if found is None:
        tx.seq, tx.digest, tx.counts = 0, BEGINNING, [0] * LENGTH
        # what needs no event may be there before the first
        tx.counts[LEASES] = tx.db.execute("SELECT count(*) FROM lease").fetchone()[0]
        return
    seq, digest, text = found
    if found == tx.seen.head:
        tx.seq, tx.digest, tx.counts = seq, digest, tx.seen.counts.copy()
        return
    try:
        *counts, total = map(int, text.split())
    except ValueError:
        damaged(f"event {seq}")
    if total != _total(seq, digest, " ".join(map(str, counts))) or len(counts) != LENGTH:
        damaged(f"event {seq}")
    tx.seq, tx.digest, tx.counts = seq, digest, counts


def _total(seq: int, digest: bytes, counts: str) -> int:
    """The sum that vouches for the counts and for the end of the chain they stand at."""
    listed = counts.replace(" ", ", ")  # as the first ledgers summed them
    return zlib.crc32(f"{seq} [{listed}]".encode(), zlib.crc32(digest))


def spill(tx: Tx) -> None:
    """Write what was appended so far, all but the last: that one will carry the counts."""
    *rows, last = tx.pending
    tx.pending[:] = [last]
    tx.db.executemany(INSERTS[1], _chain(tx, rows))


def _chain(tx: Tx, pending: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for values in pending:
        tx.digest = chained(tx.digest, values)
        yield (*values, tx.digest, "")


def flush(tx: Tx) -> None:
    """Write what was appended: each event chained to the one before, the counts with the last."""
    rows = list(_chain(tx, tx.pending))
    counts = " ".join(map(str, tx.counts))
    counts = f"{counts} {_total(tx.seq, tx.digest, counts)}"
    if not rows:  # counts that change without an event: time has passed for a task
        tx.db.execute("UPDATE event SET counts = ? WHERE seq = ?", (counts, tx.seq))
        return
    rows[-1] = (*rows[-1][:-1], counts)
    tx.pending.clear()
    tx.written = tx.seq
    tx.head = (tx.seq, tx.digest, counts)
    if insert := INSERTS.get(len(rows)):
        tx.db.execute(insert, [value for row in rows for value in row])
    else:
        tx.db.executemany(INSERTS[1], rows)


def events(tx: Tx, *, after: int, run: str, limit: int) -> list[Event]:
    if not run:
        return [event_of(values) for values in _following(tx, after, limit)]
    return _of_run(tx, clean(run), after, limit)


def story(tx: Tx, identifier: str, after: int, expected: int) -> list[Event]:
    """The events of a task after `after`, of the `expected` it has in all.

    An index that has lost one, or leads to where none is, must not make it vanish.
    """
    total, later = tx.db.execute(TOLD, (after, identifier)).fetchone()
    found = [event_of(values) for values in tx.db.execute(OF_TASK, (identifier, after, -1))]
    if total != expected or len(found) != later:
        damaged(f"task {identifier}", f"not all of its {expected} events are found")
    return found


def _of_run(tx: Tx, run: str, after: int, limit: int) -> list[Event]:
    """Those of a run stand close together: no index is kept for them."""
    first = tx.db.execute("SELECT first_event FROM run WHERE id = ?", (run,)).fetchone()
    after = max(after, first[0] - 1 if first else 0)
    events: list[Event] = []
    while len(events) < limit:
        page = [event_of(values) for values in _following(tx, after, PAGE)]
        if not page:
            break
        after = page[-1].seq
        events += [event for event in page if event.run == run]
    return events[:limit]


def _following(tx: Tx, after: int, limit: int) -> Iterator[tuple[Any, ...]]:
    """The events after `after`, without a gap."""
    for seq, values in enumerate(tx.db.execute(ALL, (after, limit)), start=after + 1):
        if values[0] != seq:
            damaged(f"event {seq}", "it is missing")
        yield values


def chain(tx: Tx, after: int, limit: int) -> Iterator[tuple[Any, ...]]:
    """The plain values of the events after `after`, each proved by the digest before it."""
    found = tx.db.execute("SELECT digest FROM event WHERE seq = ?", (after,)).fetchone()
    before = found[0] if found else BEGINNING
    for seq, values in enumerate(tx.db.execute(CHAIN, (after, limit)), start=after + 1):
        plain, digest = values[:-1], values[-1]
        if plain[0] != seq:
            damaged(f"event {seq}", "it is missing")
        if chained(before, plain) != digest:
            damaged(f"event {seq}")
        before = digest
        yield plain


def told(tx: Tx, identifier: str) -> int:
    """How many events there are of a task."""
    return int(tx.db.execute(TOLD, (0, identifier)).fetchone()[0])


def event_of(row: tuple[Any, ...]) -> Event:
    *values, digest, earlier = row
    if chained(earlier or BEGINNING, tuple(values)) != digest:
        damaged(f"event {values[0]}")
    known = dict(zip(COLUMNS, values, strict=True))
    known["before"] = known["before"] and State(known["before"])
    known["after"] = known["after"] and State(known["after"])
    return Event(**known | {"data": json.loads(known["data"])})


def last_seq(tx: Tx) -> int:
    load(tx)
    return tx.seq
