"""A process of its own that works a ledger: `python -m tests.claimant WHAT PATH NAME`."""

import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from axon.ledger import Ledger, open_ledger
from axon.ledger.file import FileLedger
from axon.ledger.rows import fetch, put
from axon.ledger.transaction import Tx
from axon.tasks import Claim, Draft, Task

SECONDS = 600.0


def drain(ledger: Ledger, name: str) -> None:
    """Claim and submit until nothing is left; print what was acknowledged."""
    task = ledger.claim(worker=name, run="", lease_seconds=SECONDS)
    while task is not None:
        print(task.identifier, flush=True)
        task = ledger.submit_and_claim(
            _claim(task, name), commit=name, verified=True, lease_seconds=SECONDS
        )


def hold(ledger: Ledger, name: str) -> None:
    """Claim one task and work on it for ever."""
    task = ledger.claim(worker=name, run="", lease_seconds=SECONDS)
    print(task.identifier if task else "nothing", flush=True)
    threading.Event().wait()


def lock(ledger: Ledger, name: str) -> None:
    """Stop in the middle of a write."""
    assert isinstance(ledger, FileLedger)

    def stop(tx: Tx) -> None:
        put(tx, fetch(tx, "ENG-1"), {"title": "half written"})
        print("locked", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)

    ledger._store.write(stop)
    print("written", flush=True)


def shut(ledger: Ledger, name: str) -> None:
    """Stop while nobody else can even open it, as whoever closes last can be."""
    assert isinstance(ledger, FileLedger)

    def stop(db: sqlite3.Connection, path: Path) -> None:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
        print("locked", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        db.execute("PRAGMA locking_mode = NORMAL")
        db.execute("SELECT count(*) FROM task")

    ledger._store.tend(stop, alone=True)
    ledger.close()
    print("closed", flush=True)


def keep(ledger: Ledger, name: str) -> None:
    """Take long over a write, until a line comes in."""
    assert isinstance(ledger, FileLedger)

    def wait(tx: Tx) -> None:
        put(tx, fetch(tx, "ENG-1"), {"title": "half written"})
        print("locked", flush=True)
        sys.stdin.readline()

    ledger._store.write(wait)
    print("written", flush=True)


def _claim(task: Task, name: str) -> Claim:
    return Claim(identifier=task.identifier, token=task.token, worker=name, run="")


def create(ledger: Ledger, name: str) -> None:
    """Add a task to a ledger that this process may have made."""
    ledger.add([Draft(title=name)])


if __name__ == "__main__":
    what, path, who = sys.argv[1:]
    work = {"drain": drain, "hold": hold, "lock": lock, "keep": keep, "shut": shut,
            "create": create}[what]  # fmt: skip
    work(open_ledger(f"file:{path}", create=work is create), who)
