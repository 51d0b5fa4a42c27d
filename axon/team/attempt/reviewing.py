"""Let a reviewer with eyes only look at work that has passed its gate."""

from collections.abc import Sequence

from axon.core import review as rules
from axon.core.prompts import render
from axon.core.review import SCHEMA, Review
from axon.engines import Engine
from axon.errors import EngineFault
from axon.ledger import Event
from axon.team import workspace as workspaces
from axon.team.attempt.agent import run_agent
from axon.team.attempt.assignment import Assignment
from axon.team.attempt.judge import Verdict
from axon.team.attempt.looking import known, looking
from axon.team.changes import Changes, matches
from axon.team.gate import gate_of
from axon.team.workspace import Workspace

MAX_TURNS = 40
TRIES = 2
# The endpoint's doing, not the reviewer's: the attempt ends as if its agent had met it.
ENGINE_FAULTS = frozenset(
    {
        EngineFault.AUTH,
        EngineFault.QUOTA,
        EngineFault.BUG,
        EngineFault.BUDGET,
        EngineFault.RATE_LIMIT,
        EngineFault.OVERLOADED,
        EngineFault.NETWORK,
    }
)
MAX_FILES_SHOWN = 200


def doubtful(at: Assignment, found: Changes) -> list[str]:
    """The findings that somebody has to clear before this may land."""
    doubts = [f for f in found.findings if f.kind in at.crew.config.guard_block]
    if [f.kind for f in doubts] == ["empty"] and _has_parts(at):
        return []  # its parts have made the change
    return [str(finding) for finding in doubts]


def _has_parts(at: Assignment) -> bool:
    return any(task.parent == at.task.identifier for task in at.ledger.tasks())


def needs_review(at: Assignment, found: Changes, doubts: list[str]) -> bool:
    config = at.crew.config
    return config.engine == "claude" and rules.needed(
        config,
        doubtful=bool(doubts),
        solo=at.crew.solo,
        files=found.files,
        lines=found.insertions + found.deletions,
        matches=matches,
    )


def run_the_review(
    at: Assignment, workspace: Workspace, engine: Engine, commit: str, found: Changes
) -> Verdict:
    """A reviewer session, and one more when it gives no verdict."""
    at.enter("review", commit=commit)
    for _ in range(TRIES):
        at.pulse.doing = "review"
        brief = looking(at, "reviewer", _prompt(at, workspace, found), SCHEMA, MAX_TURNS)
        _, result = run_agent(at, workspace, engine, brief)
        workspaces.tidy(at.project, workspace)
        if at.cut_short():
            return Verdict(passed=False, stopped=True)
        if result.fault in ENGINE_FAULTS:
            return Verdict(passed=False, ended=result)
        review = rules.parse(result.structured) if result.fault is None else None
        if review is not None:
            return _verdict(at, commit, review)
    why = f"the reviewer gave no verdict ({result.fault or 'no structured answer'})"
    at.record("review", why, commit=commit, verdict="none")
    return Verdict(passed=False, why=why)


def _verdict(at: Assignment, commit: str, review: Review) -> Verdict:
    clean = at.redactor.text
    findings = [clean(str(finding)) for finding in review.findings]
    at.record(
        "review",
        clean(review.summary),
        commit=commit,
        verdict=review.verdict,
        findings=findings,
    )
    if review.approved:
        return Verdict(passed=True)
    return Verdict(
        passed=False,
        why=clean(f"review: {len(findings)} findings: {review.summary}"),
        feedback="\n".join([clean(review.summary), *findings]),
    )


def rounds_refused(events: Sequence[Event]) -> int:
    """Refusals since a person last said anything on the task."""
    count = 0
    for event in events:
        if event.action in ("answer", "retry", "reopen"):
            count = 0
        elif event.action == "review" and event.data.get("verdict") == "request_changes":
            count += 1
    return count


def _prompt(at: Assignment, workspace: Workspace, found: Changes) -> str:
    files = [f"- {name}" for name in found.files[:MAX_FILES_SHOWN]]
    more = len(found.files) - MAX_FILES_SHOWN
    if more > 0:
        files.append(f"- and {more} more (git diff is not at hand; Glob and Grep find them)")
    guard = "\n".join(f"- {finding}" for finding in found.findings)
    return render(
        "review_task",
        at.crew.overrides.prompts,
        identifier=at.task.identifier,
        title=at.task.title,
        description=at.task.description or "(The title says it all.)",
        branch=workspace.branch,
        target=workspace.target,
        gate=f"`{gate}`" if (gate := gate_of(at.crew.config, at.task)) else "it has none",
        changes=f"{found.insertions} lines added, {found.deletions} removed\n" + "\n".join(files),
        briefing=known(at, workspace),
        guard=f"A guard found in it:\n{guard}" if guard else "A guard found nothing odd in it.",
    )
