"""What requests on their way to the model may still use, for budgets that several runs share."""

from dataclasses import asdict, fields

from axon.ledger import runs
from axon.ledger.records import Flight
from axon.ledger.tables import FLIGHT
from axon.ledger.transaction import Tx
from axon.tasks.text import clean

FLYING = """
CREATE TABLE flight (
    run TEXT PRIMARY KEY,
    tokens INTEGER NOT NULL,
    usd REAL NOT NULL,
    most_tokens INTEGER NOT NULL,
    most_usd REAL NOT NULL,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""
FIGURES = tuple(field.name for field in fields(Flight))


def fly(tx: Tx, run: str, flight: Flight) -> Flight:
    """Of a run that is over nothing is on its way, whatever its gateway has said last."""
    run = clean(run)
    FLIGHT.put(tx, run=run, **asdict(flight))
    others = []
    for known in FLIGHT.select(tx):
        other = runs.find(tx, known["run"]) if known["run"] != run else None
        if other and runs.is_alive(tx, other):
            others.append(known)
        elif known["run"] != run:
            FLIGHT.delete(tx, known)
    return Flight(**{name: sum(known[name] for known in others) for name in FIGURES})
