"""Figures of the ledger: series for Prometheus, and the same numbers for `axon status --json`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from axon import __version__
from axon.config import Config
from axon.ledger import Ledger, Run
from axon.ledger.stale import stale_tasks
from axon.ledger.totals import Requests, Totals
from axon.tasks import Priority, State

Kind = Literal["gauge", "counter", "summary"]
MOST_RUNS = 1000
TOKENS = ("input", "output", "cache_read", "cache_write")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number; `part` is what a summary adds to its name."""

    labels: tuple[tuple[str, str], ...] = ()
    value: float = 0
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A family of samples that have one name and meaning."""

    name: str
    kind: Kind
    doc: str
    samples: tuple[Sample, ...]


def metrics_text(ledger: Ledger, config: Config, now: float) -> str:
    """The text format of Prometheus, version 0.0.4."""
    return "".join(line for one in all_series(ledger, config, now) for line in _lines(one))


def metrics_view(ledger: Ledger, config: Config, now: float) -> dict[str, float]:
    """The same as a flat table: each sample under its whole name."""
    return {
        _named(one, sample): sample.value
        for one in all_series(ledger, config, now)
        for sample in one.samples
    }


def all_series(ledger: Ledger, config: Config, now: float) -> Iterator[Series]:
    runs = [run for run in ledger.runs(MOST_RUNS) if run.alive]
    yield _one("axon_build_info", "gauge", "1, with the version of axon", 1, version=__version__)
    yield from _tasks(ledger, config, now)
    yield from _team(ledger, runs)
    sums = ledger.totals()
    yield from _history(ledger, sums)
    yield from _model(sums.requests)
    yield from _budgets(ledger, config, runs)


def _tasks(ledger: Ledger, config: Config, now: float) -> Iterator[Series]:
    counts = {"state": ledger.counts()}
    yield _by("axon_tasks", "gauge", "tasks in each state", counts)
    queue = dict.fromkeys((priority.label for priority in Priority), 0)
    for figure in ledger.figures():
        if figure.state is State.TODO:
            queue[figure.priority.label] += figure.count
    yield _by("axon_queue_tasks", "gauge", "tasks to do, by priority", {"priority": queue})
    oldest = ledger.tasks(states=(State.TODO,), limit=1)
    yield _one(
        "axon_queue_oldest_timestamp_seconds",
        "gauge",
        "when the oldest task to do was made; 0: there is none",
        oldest[0].created_at if oldest else 0,
    )
    asking = sum(1 for task in ledger.tasks(states=(State.BLOCKED,)) if task.question)
    yield _one("axon_questions_open", "gauge", "tasks that wait for an answer", asking)
    stale = stale_tasks(
        ledger, hours=config.stale_hours, now=now, recordings=config.state_dir / "sessions"
    )
    yield _one("axon_tasks_stale", "gauge", "tasks begun without progress for long", len(stale))


def _team(ledger: Ledger, runs: list[Run]) -> Iterator[Series]:
    workers = [worker for run in runs for worker in ledger.workers(run.id)]
    busy = sum(1 for worker in workers if worker.identifier)
    yield _one("axon_runs_alive", "gauge", "teams at work", len(runs))
    yield _one("axon_workers", "gauge", "processes of these that work or land", len(workers))
    yield _one("axon_workers_busy", "gauge", "those with a task", busy)
    paused = int(ledger.paused() is not None)
    yield _one("axon_paused", "gauge", "1 while a pause holds", paused)


def _history(ledger: Ledger, sums: Totals) -> Iterator[Series]:
    for name, doc, actions in (
        ("claims", "tasks taken by a worker", ("claim",)),
        ("submissions", "attempts whose work passed its check", ("submit",)),
        ("landings", "tasks landed on the target", ("land",)),
        ("failures", "attempts that failed", ("fail", "give_up")),
        ("releases", "tasks given back without a failure", ("release",)),
        ("retries", "failed tasks tried again by a person", ("retry",)),
        ("questions", "questions of agents to a person", ("ask",)),
        ("denials", "tool calls the policy denied", ("denied",)),
        ("guard_findings", "attempts a guard held back", ("guard",)),
        ("pauses", "pauses set by a person or a limit", ("pause",)),
        ("budget_stops", "requests refused for a budget", ("budget",)),
        ("worker_deaths", "processes of a run that died", ("worker_died",)),
        ("runs", "runs begun", ("run_started",)),
        ("runs_lost", "runs whose coordinator was killed", ("run_lost",)),
    ):
        yield _one(f"axon_{name}_total", "counter", doc, sums.event(*actions))
    gates = tuple(
        Sample(
            labels=(("where", where), ("result", "passed" if passed else "failed")),
            value=sums.gates.get((where, passed), 0),
        )
        for where in ("workspace", "landing")
        for passed in (True, False)
    )
    doc = "checks run, by place and result"
    yield Series(name="axon_gates_total", kind="counter", doc=doc, samples=gates)
    yield _one("axon_events_total", "counter", "events in the history", sum(sums.events.values()))
    yield _one("axon_sessions_total", "counter", "sessions of agents", ledger.session_count())
    ended = {"outcome": sums.sessions}
    yield _by("axon_sessions_ended_total", "counter", "those that ended, by outcome", ended)
    yield Series(
        name="axon_session_duration_seconds",
        kind="summary",
        doc="how long those took",
        samples=_summary((), sums.session_seconds, sum(sums.sessions.values())),
    )


def _model(requests: tuple[Requests, ...]) -> Iterator[Series]:
    for name, doc, field in (
        ("axon_requests_total", "requests to the model", "count"),
        ("axon_requests_failed_total", "those that got no good answer", "failed"),
        ("axon_requests_unpriced_total", "those whose price is not known", "unpriced"),
        ("axon_request_retries_total", "times the gateway asked again", "retries"),
        ("axon_spent_usd_total", "USD known to be spent", "cost_usd"),
    ):
        samples = {one.model: getattr(one, field) for one in requests}
        yield _by(name, "counter", doc, {"model": samples})
    tokens = tuple(
        Sample(
            labels=(("model", one.model), ("kind", kind)),
            value=getattr(one, f"{kind}_tokens"),
        )
        for one in requests
        for kind in TOKENS
    )
    yield Series(name="axon_tokens_total", kind="counter", doc="tokens used", samples=tokens)
    for name, doc, seconds, count in (
        ("axon_request_duration_seconds", "from request to end of answer", "seconds", "count"),
        ("axon_request_first_token_seconds", "to the first token", "first_token_seconds", "begun"),
    ):
        sums = [
            sample
            for one in requests
            for sample in _summary(
                (("model", one.model),), getattr(one, seconds), getattr(one, count)
            )
        ]
        yield Series(name=name, kind="summary", doc=doc, samples=tuple(sums))


def _budgets(ledger: Ledger, config: Config, runs: list[Run]) -> Iterator[Series]:
    """What runs and this day may still spend; there are samples only where a budget is set."""
    day = ledger.used()
    usd = [("run", run.id, run.max_usd, run.cost_usd or 0.0) for run in runs]
    tokens = [("run", run.id, run.max_tokens, run.tokens) for run in runs]
    usd.append(("day", "", config.day_usd, day.usd))
    tokens.append(("day", "", config.day_tokens, day.tokens))
    for unit, known in (("usd", usd), ("tokens", tokens)):
        left = tuple(
            Sample(labels=(("scope", scope), ("run", run)), value=max(0, most - used))
            for scope, run, most, used in known
            if most is not None
        )
        doc = f"{unit.upper() if unit == 'usd' else unit} that may still be spent"
        yield Series(name=f"axon_budget_left_{unit}", kind="gauge", doc=doc, samples=left)
    yield _one("axon_day_spent_usd", "gauge", "USD known to be spent this day", day.usd)
    yield _one("axon_day_tokens", "gauge", "tokens used this day", day.tokens)


def _one(name: str, kind: Kind, doc: str, value: float, **labels: str) -> Series:
    sample = Sample(labels=tuple(labels.items()), value=value)
    return Series(name=name, kind=kind, doc=doc, samples=(sample,))


def _by(name: str, kind: Kind, doc: str, values: dict[str, Any]) -> Series:
    """`values`: the name of the label, and the number of each of its values."""
    samples = tuple(
        Sample(labels=((label, key),), value=value)
        for label, numbers in values.items()
        for key, value in numbers.items()
    )
    return Series(name=name, kind=kind, doc=doc, samples=samples)


def _summary(labels: tuple[tuple[str, str], ...], total: float, count: int) -> tuple[Sample, ...]:
    return (
        Sample(labels=labels, value=total, part="_sum"),
        Sample(labels=labels, value=count, part="_count"),
    )


def _lines(series: Series) -> Iterable[str]:
    yield f"# HELP {series.name} {series.doc}\n# TYPE {series.name} {series.kind}\n"
    for sample in series.samples:
        yield f"{_named(series, sample)} {_number(sample.value)}\n"


def _named(series: Series, sample: Sample) -> str:
    name = f"{series.name}{sample.part}"
    said = ",".join(f'{key}="{_escaped(text)}"' for key, text in sample.labels)
    return f"{name}{{{said}}}" if said else name


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
