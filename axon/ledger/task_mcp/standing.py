"""How this host stands with the task server: shared by all its processes, kept in the ledger."""

import os
import secrets

from axon.facts import dataclass
from axon.ledger.tables import LEASE
from axon.ledger.transaction import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How this host stands with the server. Times are seconds ago or from now; None: not at all."""

    name: str  # of this file, in what it tells the server
    seq: int  # the last event the server knows of
    sending: int  # the event that was being told when somebody died, or is now
    synced: float | None
    failing: float | None  # since the first failure that no success followed
    retry: float  # until it may be tried again
    newest_first: bool | None  # how it lists comments; None: not learned yet


def prepare(tx: Tx) -> None:
    """Give the file a name of its own, once."""
    tx.db.execute("INSERT OR IGNORE INTO remote (id, name) VALUES (1, ?)", (secrets.token_hex(4),))


def standing(tx: Tx) -> Standing:
    found = tx.db.execute(
        "SELECT name, seq, sending, boot, synced, failed, retry, newest_first FROM remote"
    ).fetchone()
    name, seq, sending, boot, synced, failed, retry, newest_first = found
    here = boot == tx.boot_id
    return Standing(
        name=name,
        seq=seq,
        sending=sending,
        synced=tx.boot - synced if here and synced else None,
        failing=tx.boot - failed if here and failed else None,
        retry=max(0.0, retry - tx.boot) if here else 0.0,
        newest_first=None if newest_first is None else bool(newest_first),
    )


def told_up_to(tx: Tx, seq: int) -> None:
    tx.db.execute("UPDATE remote SET seq = ?, sending = 0", (seq,))


def sending(tx: Tx, seq: int) -> None:
    tx.db.execute("UPDATE remote SET sending = ?", (seq,))


def synced(tx: Tx) -> None:
    """Looked at the server now: others need not for a while."""
    tx.db.execute("UPDATE remote SET boot = ?, synced = ?", (tx.boot_id, tx.boot))


def not_synced(tx: Tx) -> None:
    tx.db.execute("UPDATE remote SET synced = 0")


def failed(tx: Tx, pause: float) -> None:
    now = standing(tx)
    first = tx.boot - now.failing if now.failing is not None else tx.boot
    tx.db.execute(
        "UPDATE remote SET boot = ?, failed = ?, retry = ?", (tx.boot_id, first, tx.boot + pause)
    )


def recovered(tx: Tx) -> None:
    tx.db.execute("UPDATE remote SET failed = 0, retry = 0")


def learned(tx: Tx, newest_first: bool) -> None:
    tx.db.execute("UPDATE remote SET newest_first = ?", (newest_first,))


def free_of_the_dead(tx: Tx) -> None:
    """Duties of processes of this host that are gone need not run out first."""
    for known in LEASE.select(tx, "WHERE name IN ('election', 'mirror') AND holder <> ''"):
        if not _lives(int(known["holder"].partition("-")[0])):
            LEASE.update(tx, known, holder="", until=0.0)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
