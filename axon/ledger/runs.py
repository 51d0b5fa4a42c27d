"""Runs of a team, whether they are alive, and what each of their workers is doing."""

from dataclasses import fields

from axon.errors import NotFound
from axon.ledger import counts, history, landing
from axon.ledger.proof import damaged, row_sum
from axon.ledger.records import Run, WorkerStatus
from axon.ledger.rows import fetch
from axon.ledger.tables import RUN, RUN_TASK, WORKER, Known
from axon.ledger.transaction import Tx
from axon.tasks.text import clean, shortened

MAX_DOING = 300
SHOWN = tuple(field.name for field in fields(Run) if field.name != "alive")
SUM = "SELECT sum FROM run WHERE id = ?"
ABSENT = "SELECT total(id = ?), count(*) FROM run NOT INDEXED"


def find(tx: Tx, run: str) -> Known | None:
    """The run's row, or a proof that there is none."""
    run = clean(run)
    total, known = tx.seen.runs.get(run, (None, {}))
    if known and tx.db.execute(SUM, (run,)).fetchone() == (total,):
        return dict(known)
    found = RUN.select(tx, "WHERE id = ?", (run,))
    if found:
        known = found[0]
        tx.seen.runs = {run: (row_sum(tuple(known.values())), known)}
        return dict(known)
    history.load(tx)
    unlike, count = tx.db.execute(ABSENT, (run,)).fetchone()
    if unlike or count != tx.counts[counts.RUNS]:
        damaged(f"run {run}", "it cannot be found")
    return None


def fetch_run(tx: Tx, run: str) -> Known:
    known = find(tx, run)
    if known is None:
        raise NotFound(f"no run {run}; axon status shows the latest")
    return known


def start(tx: Tx, run: Run, lease_seconds: float) -> None:
    data = {"pid": run.pid, "target": run.target, "engine": run.engine, "workers": run.workers}
    seq = history.append(tx, "run_started", actor="coordinator", run=run.id, data=data)
    tx.counts[counts.RUNS] += 1
    RUN.insert(
        tx,
        number=tx.counts[counts.RUNS],
        id=clean(run.id),
        pid=run.pid,
        host=clean(run.host),
        target=clean(run.target),
        engine=clean(run.engine),
        workers=run.workers,
        max_tasks=run.max_tasks,
        max_usd=run.max_usd,
        max_tokens=run.max_tokens,
        tokens=0,
        started_at=run.started_at or tx.now,
        ended_at=None,
        halt="",
        halt_reason="",
        stop_requested=False,
        cost_usd=None,
        lease_boot=tx.boot_id,
        lease_until=tx.boot + lease_seconds,
        taken=0,
        first_event=seq,
    )


def renew(tx: Tx, run: str, lease_seconds: float) -> None:
    RUN.update(tx, fetch_run(tx, run), lease_boot=tx.boot_id, lease_until=tx.boot + lease_seconds)


def halt(tx: Tx, run: str, fault: str, reason: str) -> None:
    known = find(tx, run)
    if known is None or known["halt"]:
        return
    reason = shortened(clean(reason), history.MAX_WHY)
    RUN.update(tx, known, halt=clean(str(fault)), halt_reason=reason)
    history.append(
        tx, "run_halted", actor="coordinator", run=run, why=reason, data={"fault": str(fault)}
    )


def request_stop(tx: Tx, run: str) -> None:
    known = find(tx, run)
    if known and not known["stop_requested"]:
        RUN.update(tx, known, stop_requested=True)
        history.append(tx, "stop_requested", actor="person", run=run)


def reserve(tx: Tx, run: str, identifier: str) -> None:
    take(tx, fetch_run(tx, run), fetch(tx, identifier).id)


def take(tx: Tx, known: Known, task: int) -> None:
    """Count the task among those of the run."""
    if RUN_TASK.find(tx, known["id"], task) is None:
        RUN_TASK.insert(tx, run=known["id"], task=task)
        RUN.update(tx, known, taken=known["taken"] + 1)


def end(tx: Tx, run: str) -> None:
    known = find(tx, run)
    for worker in _workers(tx, run):
        WORKER.delete(tx, worker)
    landing.drop_all(tx, run)  # its processes have gone
    if known and known["ended_at"] is None:
        RUN.update(tx, known, ended_at=tx.now, lease_until=0.0)
        history.append(tx, "run_ended", actor="coordinator", run=run)


def run(tx: Tx, run: str) -> Run:
    return _run(tx, fetch_run(tx, run))


def runs(tx: Tx, limit: int) -> list[Run]:
    found = RUN.select(tx, "ORDER BY number DESC LIMIT ?", (max(0, limit),))
    history.load(tx)
    last = tx.counts[counts.RUNS]
    if [known["number"] for known in found] != list(range(last, last - len(found), -1)):
        damaged("the runs", "one is missing")
    if len(found) < min(limit, last):
        damaged("the runs", f"{len(found)} of {last} are there")
    return [_run(tx, known) for known in found]


def set_worker(tx: Tx, status: WorkerStatus) -> None:
    values = {name: getattr(status, name) for name in WORKER.columns}
    values["doing"] = shortened(clean(status.doing), MAX_DOING)
    values["updated_at"] = status.updated_at or tx.now
    WORKER.put(tx, **values)


def drop_worker(tx: Tx, run: str, name: str) -> None:
    if known := WORKER.find(tx, clean(run), clean(name)):
        WORKER.delete(tx, known)


def workers(tx: Tx, run: str) -> list[WorkerStatus]:
    return [WorkerStatus(**known) for known in _workers(tx, run)]


def _workers(tx: Tx, run: str) -> list[Known]:
    """There are few: all are read, so that none can be missed."""
    return [known for known in WORKER.select(tx, "ORDER BY name") if known["run"] == clean(run)]


def _run(tx: Tx, known: Known) -> Run:
    shown = {name: known[name] for name in SHOWN}
    shown["stop_requested"] = bool(shown["stop_requested"])
    return Run(**shown, alive=is_alive(tx, known))


def is_alive(tx: Tx, known: Known) -> bool:
    current = known["lease_boot"] == tx.boot_id and known["lease_until"] > tx.boot
    return known["ended_at"] is None and bool(current)
