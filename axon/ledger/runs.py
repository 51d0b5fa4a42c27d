"""Runs of a team, whether they are alive, and what each of their workers is doing."""

from axon.errors import NotFound
from axon.ledger import history
from axon.ledger.records import Run, WorkerStatus
from axon.ledger.rows import fetch
from axon.ledger.store import Tx
from axon.tasks.text import clean, shortened

RUN = """
    SELECT id, pid, host, target, engine, workers, max_tasks, max_usd, started_at, ended_at,
        halt, halt_reason, stop_requested, cost_usd,
        ended_at IS NULL AND lease_boot = ? AND lease_until > ? AS alive
    FROM run
"""
WORKER = (
    "run", "name", "pid", "identifier", "attempt", "doing", "turns", "cost_usd", "since",
    "updated_at",
)  # fmt: skip
MAX_DOING = 300


def start(tx: Tx, run: Run, lease_seconds: float) -> None:
    tx.db.execute(
        "INSERT INTO run (id, pid, host, target, engine, workers, max_tasks, max_usd, started_at,"
        " lease_boot, lease_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            clean(run.id),
            run.pid,
            clean(run.host),
            clean(run.target),
            clean(run.engine),
            run.workers,
            run.max_tasks,
            run.max_usd,
            run.started_at or tx.now,
            tx.boot_id,
            tx.boot + lease_seconds,
        ),
    )
    data = {"pid": run.pid, "target": run.target, "engine": run.engine, "workers": run.workers}
    history.append(tx, "run_started", actor="coordinator", run=run.id, data=data)


def renew(tx: Tx, run: str, lease_seconds: float) -> None:
    changed = tx.db.execute(
        "UPDATE run SET lease_boot = ?, lease_until = ? WHERE id = ?",
        (tx.boot_id, tx.boot + lease_seconds, clean(run)),
    ).rowcount
    if not changed:
        raise _unknown(run)


def halt(tx: Tx, run: str, fault: str, reason: str) -> None:
    changed = tx.db.execute(
        "UPDATE run SET halt = ?, halt_reason = ? WHERE id = ? AND halt = ''",
        (clean(fault), shortened(clean(reason), history.MAX_WHY), clean(run)),
    ).rowcount
    if changed:
        history.append(
            tx, "run_halted", actor="coordinator", run=run, why=reason, data={"fault": str(fault)}
        )


def request_stop(tx: Tx, run: str) -> None:
    changed = tx.db.execute(
        "UPDATE run SET stop_requested = 1 WHERE id = ? AND stop_requested = 0", (clean(run),)
    ).rowcount
    if changed:
        history.append(tx, "stop_requested", actor="person", run=run)


def reserve(tx: Tx, run: str, identifier: str) -> None:
    row = fetch(tx, identifier)
    tx.db.execute("INSERT OR IGNORE INTO run_task (run, task) VALUES (?, ?)", (run, row.id))


def end(tx: Tx, run: str) -> None:
    changed = tx.db.execute(
        "UPDATE run SET ended_at = ?, lease_until = 0 WHERE id = ? AND ended_at IS NULL",
        (tx.now, clean(run)),
    ).rowcount
    tx.db.execute("DELETE FROM worker WHERE run = ?", (clean(run),))
    if changed:
        history.append(tx, "run_ended", actor="coordinator", run=run)


def run(tx: Tx, run: str) -> Run:
    found = tx.db.execute(RUN + " WHERE id = ?", (tx.boot_id, tx.boot, clean(run))).fetchone()
    if found is None:
        raise _unknown(run)
    return _run(found)


def runs(tx: Tx, limit: int) -> list[Run]:
    found = tx.db.execute(
        RUN + " ORDER BY rowid DESC LIMIT ?", (tx.boot_id, tx.boot, max(0, limit))
    ).fetchall()
    return [_run(values) for values in found]


def set_worker(tx: Tx, status: WorkerStatus) -> None:
    values = {name: getattr(status, name) for name in WORKER}
    values["doing"] = shortened(clean(status.doing), MAX_DOING)
    values["updated_at"] = status.updated_at or tx.now
    tx.db.execute(
        f"INSERT OR REPLACE INTO worker ({', '.join(WORKER)})"
        f" VALUES ({', '.join('?' * len(WORKER))})",
        tuple(values.values()),
    )


def drop_worker(tx: Tx, run: str, name: str) -> None:
    tx.db.execute("DELETE FROM worker WHERE run = ? AND name = ?", (clean(run), clean(name)))


def workers(tx: Tx, run: str) -> list[WorkerStatus]:
    found = tx.db.execute(
        f"SELECT {', '.join(WORKER)} FROM worker WHERE run = ? ORDER BY name", (clean(run),)
    ).fetchall()
    return [WorkerStatus(**dict(zip(WORKER, values, strict=True))) for values in found]


def _run(values: tuple[object, ...]) -> Run:
    names = (
        "id", "pid", "host", "target", "engine", "workers", "max_tasks", "max_usd", "started_at",
        "ended_at", "halt", "halt_reason", "stop_requested", "cost_usd", "alive",
    )  # fmt: skip
    known = dict(zip(names, values, strict=True))
    known["stop_requested"] = bool(known["stop_requested"])
    known["alive"] = bool(known["alive"])
    return Run(**known)  # type: ignore[arg-type]


def _unknown(run: str) -> NotFound:
    return NotFound(f"no run {run}; axon status shows the latest")
