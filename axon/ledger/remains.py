"""What a task that was taken out has left behind under its name, and gets again with it."""

from axon.ledger import history
from axon.ledger.transaction import Tx

COUNTED = {"comments": "comment", "sessions": "session", "messages": "message"}


def remains(tx: Tx, identifier: str) -> dict[str, int]:
    """The counts its row must carry."""
    found = {"events": history.told(tx, identifier)}
    for name, table in COUNTED.items():
        sql = f"SELECT count(*) FROM {table} WHERE identifier = ?"
        found[name] = int(tx.db.execute(sql, (identifier,)).fetchone()[0])
    sql = "SELECT count(*) FROM message WHERE identifier = ? AND read_at IS NULL"
    found["unread"] = int(tx.db.execute(sql, (identifier,)).fetchone()[0])
    return found
