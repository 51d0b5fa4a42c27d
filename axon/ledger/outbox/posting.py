"""The SQL of the outbox and of bookmarks."""

import json
from collections.abc import Sequence
from typing import Any

from axon.ledger.outbox import Fate, Letter, Note, Outcome
from axon.ledger.tables import BOOKMARK, OUTBOX, Known
from axon.ledger.transaction import Tx
from axon.tasks.text import clean, shortened

MAX_ERROR = 1000
# The condition is that of the partial index.
OPEN = "WHERE channel = ? AND fate IN ('pending', 'sending') ORDER BY id LIMIT ?"
KEYED = "WHERE channel = ? AND key = ?"
FATES = "SELECT channel, fate, count(*) FROM outbox GROUP BY channel, fate ORDER BY channel, fate"
SETTLED = "DELETE FROM outbox WHERE at < ? AND fate NOT IN ('pending', 'sending')"


def post(tx: Tx, channel: str, letters: Sequence[Note]) -> int:
    channel, count = clean(channel), 0
    for letter in letters:
        if OUTBOX.select(tx, KEYED, (channel, clean(letter.key))):
            continue
        row = tx.db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        OUTBOX.insert(
            tx,
            id=(row[0] if row else 0) + 1,
            channel=channel,
            key=clean(letter.key),
            kind=clean(letter.kind),
            body=clean(json.dumps(letter.body)),
            fate=Fate.PENDING,
            at=tx.now,
            attempts=0,
            doubts=0,
            next_at=0.0,
            sent_at=None,
            error="",
            receipt="",
        )
        count += 1
    return count


def open_letters(tx: Tx, channel: str, *, limit: int) -> list[Letter]:
    return [_letter(known) for known in OUTBOX.select(tx, OPEN, (clean(channel), limit))]


def letters(tx: Tx, channel: str, *, key: str, limit: int) -> list[Letter]:
    wanted = {"channel": clean(channel), "key": clean(key)}
    conditions = [f"{name} = ?" for name, value in wanted.items() if value]
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    values = (*(value for value in wanted.values() if value), limit)
    found = OUTBOX.select(tx, f"{where}ORDER BY id DESC LIMIT ?", values)
    return [_letter(known) for known in reversed(found)]


def channels(tx: Tx) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for channel, fate, count in tx.db.execute(FATES):
        found.setdefault(channel, {})[fate] = count
    return found


def begin_sending(tx: Tx, letter: Letter) -> bool:
    known = OUTBOX.find(tx, letter.id)
    if known is None or known["fate"] != Fate.PENDING:
        return False
    OUTBOX.update(tx, known, fate=Fate.SENDING)
    return True


def end_sending(tx: Tx, letter: Letter, outcome: Outcome) -> None:
    known = OUTBOX.find(tx, letter.id)
    if known is None or known["fate"] != Fate.SENDING:
        return
    OUTBOX.update(
        tx,
        known,
        fate=outcome.fate,
        attempts=known["attempts"] + outcome.counted,
        doubts=known["doubts"] + outcome.doubtful,
        next_at=outcome.next_at,
        sent_at=tx.now if outcome.fate is Fate.SENT else None,
        error=shortened(clean(outcome.error), MAX_ERROR),
        receipt=clean(outcome.receipt),
    )


def tidy(tx: Tx, before: float) -> int:
    return int(tx.db.execute(SETTLED, (before,)).rowcount)


def bookmark(tx: Tx, name: str) -> str:
    known = BOOKMARK.find(tx, clean(name))
    return str(known["value"]) if known else ""


def bookmarks(tx: Tx, prefix: str) -> dict[str, str]:
    prefix = clean(prefix)
    found = BOOKMARK.select(tx, "WHERE substr(name, 1, ?) = ? ORDER BY name", (len(prefix), prefix))
    return {known["name"]: known["value"] for known in found}


def set_bookmark(tx: Tx, name: str, value: str) -> None:
    if value:
        BOOKMARK.put(tx, name=clean(name), value=clean(value))
    elif known := BOOKMARK.find(tx, clean(name)):
        BOOKMARK.delete(tx, known)


def _letter(known: Known) -> Letter:
    body: dict[str, Any] = json.loads(known["body"])
    return Letter(**known | {"body": body, "fate": Fate(known["fate"])})
