"""Fill each peer with tasks before it is measured."""

from contextlib import closing
from pathlib import Path

from axon.ledger import Run
from axon.tasks import Draft
from tests.bench.peers.works import RUN, TABLES, connect, hive, ledger

AT_ONCE = 50_000


def stock(kind: str, path: Path, *, durable: bool, tasks: int) -> None:
    """See to it that at least so many are waiting."""
    if kind in ("axon", "inside"):
        axon(path, tasks)
    elif kind == "huey":
        huey(path, tasks)
    else:
        plain(path, tasks, durable=durable)


def axon(path: Path, tasks: int) -> None:
    new = not path.exists()
    with closing(ledger(path, durable=False, create=True)) as books:
        if new:
            run = Run(id=RUN, pid=1, host="here", target="main", engine="command", workers=1)
            books.start_run(run, 3600.0)
        missing = tasks - books.counts()["todo"]
        for first in range(0, missing, AT_ONCE):
            count = min(AT_ONCE, missing - first)
            books.add([Draft(title=f"Task {number}") for number in range(count)])


def plain(path: Path, tasks: int, *, durable: bool) -> None:
    new = not path.exists()
    with closing(connect(path, durable)) as db:
        if new:
            db.executescript(TABLES)
        db.execute("BEGIN IMMEDIATE")
        waiting = db.execute("SELECT count(*) FROM task WHERE state = 'todo'").fetchone()[0]
        db.executemany(
            "INSERT INTO task (title, state, priority, owner) VALUES (?, 'todo', 2, '')",
            ((f"Task {number}",) for number in range(tasks - waiting)),
        )
        db.execute("COMMIT")


def huey(path: Path, tasks: int) -> None:
    books, nothing = hive(path, False)
    blob = memoryview(books.serialize_task(nothing.s()))
    with books.storage.db(commit=True) as cursor:
        cursor.execute("SELECT count(*) FROM task")
        missing = tasks - cursor.fetchone()[0]
        cursor.executemany(
            "INSERT INTO task (queue, data, priority) VALUES (?, ?, 0)",
            ((books.storage.name, blob) for _ in range(missing)),
        )
    books.storage.close()
