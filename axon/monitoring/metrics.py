"""Figures of the ledger in Prometheus' text format."""

from collections.abc import Iterable, Iterator

from axon.ledger import Ledger

Sample = tuple[dict[str, str], float]


def metrics_text(ledger: Ledger) -> str:
    """What `axon status --json` tells too, as far as it is a number."""
    runs = ledger.runs(1000)
    alive = [run for run in runs if run.alive]
    workers = [worker for run in alive for worker in ledger.workers(run.id)]
    spent = sum(run.cost_usd or 0.0 for run in runs)
    families: tuple[tuple[str, str, str, Iterable[Sample]], ...] = (
        (
            "axon_tasks",
            "gauge",
            "tasks in each state",
            [({"state": state}, count) for state, count in ledger.counts().items()],
        ),
        ("axon_runs_alive", "gauge", "teams at work", [({}, len(alive))]),
        ("axon_workers", "gauge", "workers of these", [({}, len(workers))]),
        (
            "axon_workers_busy",
            "gauge",
            "workers with a task",
            [({}, sum(1 for worker in workers if worker.identifier))],
        ),
        ("axon_paused", "gauge", "1 while a pause holds", [({}, int(ledger.paused() is not None))]),
        ("axon_spent_usd_total", "counter", "USD known to be spent by all runs", [({}, spent)]),
        ("axon_sessions_total", "counter", "sessions of agents", [({}, ledger.session_count())]),
        ("axon_events_total", "counter", "events in the history", [({}, ledger.last_seq())]),
    )
    return "".join(line for family in families for line in _lines(*family))


def _lines(name: str, kind: str, doc: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {doc}\n# TYPE {name} {kind}\n"
    for labels, value in samples:
        said = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{name}{{{said}}} {value:g}\n" if said else f"{name} {value:g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
