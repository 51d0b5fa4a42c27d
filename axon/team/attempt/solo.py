"""The orchestrator of a solo run: the same task, worked by delegation."""

from dataclasses import replace

from axon.agents.bundled import ORCHESTRATOR
from axon.agents.roster import roster
from axon.core.prompts import execute_prompt
from axon.team.attempt.agent import Brief
from axon.team.attempt.assignment import Assignment
from axon.team.attempt.looking import known
from axon.team.attempt.phases import resume_point
from axon.team.gate import gate_of
from axon.team.workspace import Workspace

NEW = "Nothing has been done for this task yet."
AGAIN = (
    "Earlier sessions have worked on this task{reached}. What they left is in `git log`, in what "
    "is not committed, and in the task's comments."
)


def solo_brief(at: Assignment, workspace: Workspace, more: str, goes_on: str) -> Brief:
    """Each iteration has a fresh context: what is known is in the prompt, not in a session.

    `more` is what earlier attempts have left to say. `goes_on`: the session that ended with a
    question, now answered in `more`; it is the one iteration that a person interrupted.
    """
    found = roster(at.crew.config, at.crew.overrides)
    first = execute_prompt(
        at.task,
        workspace=str(workspace.path),
        branch=workspace.branch,
        target=workspace.target,
        gate=gate_of(at.crew.config, at.task),
        state=_state(at),
        briefing=known(at, workspace),
        own=at.crew.overrides.prompts,
    )
    brief = Brief(
        prompt=f"{first}\n\n{more}" if more else first,
        system_prompt=found.orchestrator.prompt,
        model=found.orchestrator.model,
        tools=found.orchestrator.tools,
        agents=found.agents,
        agent=ORCHESTRATOR,
    )
    return replace(brief, prompt=more, fresh=brief.prompt, resume=goes_on) if goes_on else brief


def _state(at: Assignment) -> str:
    if at.task.token == 1:
        return NEW
    events = at.ledger.events(identifier=at.task.identifier, limit=100_000)
    phase = resume_point(events).phase
    return AGAIN.format(reached=f"; the last had come to {phase}" if phase else "")
