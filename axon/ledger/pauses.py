"""The pause that holds all claims: set by a person or a limit, ended by either or by its time."""

import math

from axon.ledger import history
from axon.ledger.store import Tx
from axon.tasks.text import clean


def holding(tx: Tx) -> tuple[str, float | None] | None:
    """Reason and end of the pause that holds now."""
    found = tx.db.execute("SELECT reason, until FROM pause").fetchone()
    if found is None or (found[1] is not None and found[1] <= tx.now):
        return None
    return found[0], found[1]


def pause(tx: Tx, reason: str, *, until: float | None, actor: str) -> None:
    if until is not None and not math.isfinite(until):
        until = None
    tx.db.execute(
        "INSERT OR REPLACE INTO pause (id, at, actor, reason, until) VALUES (1, ?, ?, ?, ?)",
        (tx.now, clean(actor), clean(reason), until),
    )
    history.append(tx, "pause", actor=actor, why=reason, data={"until": until})


def resume(tx: Tx, *, actor: str) -> None:
    held = holding(tx) is not None
    tx.db.execute("DELETE FROM pause")
    if held:
        history.append(tx, "resume", actor=actor)
