"""Which events are told, and in which words. Pure: whoever calls it has looked things up."""

from collections.abc import Mapping
from dataclasses import dataclass

from axon.core.terminal import one_line, plain
from axon.integrations.notify import Notice
from axon.ledger import Event, Run
from axon.tasks import Task
from axon.tasks.text import shortened
from axon.team.screen.words import duration, event_detail, money

MAX_QUESTION = 12_000
MAX_WHY = 1500
MAX_TITLE = 160
# What is told as an alert; the words stand before the reason that the event gives.
ALERTS = {
    "run_halted": "the run must end",
    "run_lost": "a run was killed",
    "worker_died": "a process of the run died",
    "session_fault": "the engine failed",
    "gateway_refused": "the gateway refuses requests",
    "budget": "a budget is spent",
    "landing_deferred": "work cannot land",
    "config_kept": "the new configuration is not used",
    "heartbeat": "something stands still",
    "errand_failed": "a service cannot be reached",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What must be known besides the event."""

    project: str
    task: Task | None = None
    run: Run | None = None
    counts: Mapping[str, int] | None = None


def notice_of(event: Event, scene: Scene) -> Notice | None:
    """None: it is not told, or is an alert, which is told differently."""
    task, name = scene.task, event.identifier
    told = shortened(one_line(task.title), MAX_TITLE) if task else ""
    match event.action:
        case "claim" if event.attempt == 1:
            return _notice(event, "started", f"▶ {name} started", told, quiet=True)
        case "land":
            lines = (told, event_detail(event, task), _cost(task))
            return _notice(event, "landed", f"✅ {name} landed", *lines, quiet=True)
        case "give_up":
            why = shortened(plain(event.why), MAX_WHY)
            return _notice(event, "failed", f"❌ {name} failed", told, why, f"/retry {name}")
        case "ask":
            question = shortened(plain(event.why), MAX_QUESTION)
            how = f"Answer: /answer {name} your text"
            return _notice(event, "blocked", f"❓ {name} asks", told, "", question, "", how)
        case "run_ended":
            return _finished(event, scene)
    return None


def is_alert(event: Event) -> bool:
    return event.action in ALERTS


def alert_text(event: Event) -> str:
    """One line; the same error has the same, but for numbers."""
    name = f"{event.identifier}: " if event.identifier else ""
    return shortened(f"{name}{ALERTS[event.action]}: {' '.join(event.why.split())}", MAX_WHY)


def _notice(event: Event, kind: str, title: str, *lines: str, quiet: bool = False) -> Notice:
    kept = "\n".join(lines).strip("\n")
    return Notice(
        key=f"event {event.seq}",
        kind=kind,
        title=title,
        body=kept,
        identifier=event.identifier,
        run=event.run,
        at=event.at,
        quiet=quiet,
    )


def _cost(task: Task | None) -> str:
    if task is None:
        return ""
    attempts = f"{task.attempts} attempts" if task.attempts > 1 else ""
    return ", ".join(part for part in (money(task.cost_usd), attempts) if part)


def _finished(event: Event, scene: Scene) -> Notice:
    run, counts = scene.run, scene.counts or {}
    done = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
    took = duration(event.at - run.started_at) if run else ""
    cost = money(run.cost_usd) if run else ""
    why = run.halt_reason if run else ""
    facts = " · ".join(part for part in (took, cost and f"{cost} spent") if part)
    return _notice(event, "finished", f"🏁 {scene.project}: the run has ended", done, facts, why)
