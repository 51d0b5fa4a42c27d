"""What an attempt's agent may say, and what it is told: tools, messages, and a person's answer."""

from dataclasses import replace

from axon.core.inbox import Inbox
from axon.core.prompts import answered_prompt
from axon.ledger import Event
from axon.mcp.talk import talk_tools
from axon.tasks import State
from axon.team.attempt.agent import Brief
from axon.team.attempt.assignment import Assignment
from axon.team.gate import gate_of
from axon.team.workspace import Workspace


def with_talk(at: Assignment, brief: Brief) -> Brief:
    """The session that works on the task itself; a reviewer's or planner's has no such tools."""

    def show(text: str) -> None:
        at.pulse.doing = text

    tools = talk_tools(at.ledger, at.claim, at.task, show, lambda text: at.redactor.text(text))
    return replace(brief, talk=tools, inbox=Inbox(at.ledger, at.claim))


def told_answer(at: Assignment, workspace: Workspace, state: str) -> str:
    """The prompt that goes on after a person's answer, when that is what brought the task back."""
    back = brought_back(at)
    if back is None or back.action != "answer":
        return ""
    task = at.task
    asked = f"Question: {task.question}\nAnswer: "
    _, found, answer = task.answers.rpartition(asked)
    return answered_prompt(
        task,
        answer=answer if found else back.why,
        workspace=str(workspace.path),
        branch=workspace.branch,
        state=state,
        gate=gate_of(at.crew.config, task),
        own=at.crew.overrides.prompts,
    )


def was_answered(at: Assignment) -> bool:
    """Whether a person's answer has brought the task back."""
    back = brought_back(at)
    return back is not None and back.action == "answer"


def brought_back(at: Assignment) -> Event | None:
    """The last move to todo."""
    events = at.ledger.events(identifier=at.task.identifier, limit=100_000)
    return next((event for event in reversed(events) if event.after is State.TODO), None)
