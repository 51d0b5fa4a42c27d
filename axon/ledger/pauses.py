"""The pause that holds all claims: set by a person or a limit, ended by either or by its time."""

import math

from axon.ledger import counts, history
from axon.ledger.proof import damaged
from axon.ledger.tables import PAUSE, Known
from axon.ledger.transaction import Tx
from axon.tasks.text import clean


def holding(tx: Tx) -> tuple[str, float | None] | None:
    """Reason and end of the pause that holds now."""
    known = _set(tx)
    if known is None or (known["until"] is not None and known["until"] <= tx.now):
        return None
    return known["reason"], known["until"]


def pause(tx: Tx, reason: str, *, until: float | None, actor: str) -> None:
    if until is not None and not math.isfinite(until):
        until = None
    PAUSE.put(tx, id=1, at=tx.now, actor=clean(actor), reason=clean(reason), until=until)
    history.append(tx, "pause", actor=actor, why=reason, data={"until": until})
    tx.counts[counts.PAUSES] = 1


def resume(tx: Tx, *, actor: str) -> None:
    known = _set(tx)
    if known is None:
        return
    if holding(tx):
        history.append(tx, "resume", actor=actor)
    PAUSE.delete(tx, known)
    tx.counts[counts.PAUSES] = 0
    tx.recounted = True


def _set(tx: Tx) -> Known | None:
    history.load(tx)
    known = PAUSE.find(tx, 1)
    if bool(known) != bool(tx.counts[counts.PAUSES]):
        damaged("the pause", "it is missing" if known is None else "there should be none")
    return known
