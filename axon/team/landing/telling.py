"""The last phase of a task: whether a person was told of it, and if not, why."""

from axon.agents.roster import NO_SENDER
from axon.ledger import Ledger
from axon.mcp.config import TELEGRAM
from axon.tasks import Task
from axon.team.crew import Crew

PHASE = "notify"


def conclude(crew: Crew, ledger: Ledger, task: Task, actor: str) -> None:
    """Store the phase, once for each landing; to be repeated after a kill."""
    told = landed = False
    for event in ledger.events(identifier=task.identifier, limit=100_000):
        if event.action == "claim":
            told = landed = False
        elif event.action == "land":
            landed = True
        elif event.action == "phase" and event.data.get("phase") == PHASE:
            if landed:
                return
            told = True
    ledger.record(
        "phase",
        actor=actor,
        identifier=task.identifier,
        run=crew.run,
        why="" if told else f"skipped: {_reason(crew)}",
        data={"phase": PHASE, "skipped": not told, "attempt": task.token},
    )


def _reason(crew: Crew) -> str:
    if not crew.run:
        return "a person landed it"
    if not any(server.name == TELEGRAM for server in crew.servers):
        return NO_SENDER
    if not crew.solo:
        return "only axon run has an agent that sends"
    return "the orchestrator did not ask for it"
