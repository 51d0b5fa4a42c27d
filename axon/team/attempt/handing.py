"""Let an agent work through as many sessions as its context needs, handing over between them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from axon.core.context import Gauge
from axon.core.memory import facts_in, remember
from axon.core.prompts import render, shorten
from axon.engines import Engine, EngineEvent, SessionResult
from axon.ledger import Session
from axon.team import workspace as workspaces
from axon.team.attempt.agent import Brief, run_agent
from axon.team.attempt.assignment import Assignment
from axon.team.workspace import Workspace

MOST_SESSIONS = 5  # of one attempt: a task that fills more is too large
MAX_SUMMARY = 12_000  # characters


@dataclass(slots=True)
class _Watch:
    """Follows one session, and tells its agent when to be brief."""

    gauge: Gauge
    engine: Engine
    next: Callable[[EngineEvent], None]
    be_brief: str
    between: bool = False  # no tool of the main agent runs now

    def full(self) -> bool:
        return self.gauge.full and self.between

    def saw(self, event: EngineEvent) -> None:
        self.gauge.saw(event)
        if not event.agent and event.kind in ("tool", "tool_result"):
            self.between = event.kind == "tool_result"
        if self.gauge.compact_now:
            self.gauge.told = True
            self.engine.say(self.be_brief)
        self.next(event)


def work_through(
    at: Assignment,
    workspace: Workspace,
    engine: Engine,
    brief: Brief,
    saw: Callable[[EngineEvent], None],
) -> tuple[Session, SessionResult]:
    """The last session and how it ended: by itself, by a fault, or stopped from outside."""
    first = brief.fresh or brief.prompt
    be_brief = render("compact_note", at.crew.overrides.prompts)
    for _ in range(MOST_SESSIONS):
        gauge = Gauge(at.crew.config.max_context_tokens)
        watch = _Watch(gauge, engine, saw, be_brief)
        session, result = run_agent(at, workspace, engine, brief, watch.saw, enough=watch.full)
        if not watch.full() or at.cut_short() or result.fault is None:
            break
        summary = _hand_over(at, workspace, engine, result)
        if at.cut_short() or not summary:
            break
        at.record("hand_over", f"at {gauge.share:.0%} of the context", session=session.id)
        brief = replace(brief, prompt=f"{first}\n\n{summary}", resume="")
    if result.fault is None:
        remember(at.project.state_dir, facts_in(result.text))
    return session, result


def _hand_over(at: Assignment, workspace: Workspace, engine: Engine, result: SessionResult) -> str:
    """What the full session tells the next one; nothing when it cannot."""
    at.pulse.doing = "handing over"
    workspaces.keep_wip(at.project, workspace, "hand-over")
    own = at.crew.overrides.prompts
    brief = Brief(prompt=render("hand_over", own), tools=("Read",), resume=result.engine_session)
    _, told = run_agent(at, workspace, engine, brief)
    if told.fault is not None or not told.text.strip():
        return ""
    remember(at.project.state_dir, facts_in(told.text))
    return render("taken_over", own, summary=shorten(told.text.strip(), MAX_SUMMARY))
