"""The last phase of a task: whether a person was told of it, and if not, why."""

from collections.abc import Sequence
from contextlib import suppress

from axon.agents.roster import NO_SENDER
from axon.errors import NotFound
from axon.ledger import Ledger
from axon.mcp.config import TELEGRAM
from axon.tasks import State, Task
from axon.team.crew import Crew
from axon.team.project import Project

PHASE = "notify"


def conclude(ledger: Ledger, task: Task, *, run: str, why_not: str, by: Sequence[str] = ()) -> None:
    """Store the phase, once for each landing. `by`: the channels on which the courier reports it.

    `why_not`: for the case that nobody is told.
    """
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
        actor="landing",
        identifier=task.identifier,
        run=run,
        why=f"by {', '.join(by)}" if by else "" if told else f"skipped: {why_not}",
        data={"phase": PHASE, "skipped": not (told or by), "attempt": task.token, "by": list(by)},
    )


def conclude_left(project: Project, ledger: Ledger) -> None:
    """For work that landed just before its lander was killed: its workspace still stands."""
    work = project.state_dir / "work"
    names = sorted(path.name for path in work.iterdir()) if work.is_dir() else []
    for name in (name for name in names if not name.startswith(".")):
        with suppress(NotFound):  # of an earlier ledger
            task = ledger.task(name)
            if task.state is State.DONE:
                conclude(ledger, task, run="", why_not="its run was killed")


def why_nobody(crew: Crew) -> str:
    """Is told of what lands in this run."""
    if not crew.run:
        return "a person landed it"
    if not any(server.name == TELEGRAM for server in crew.servers):
        return NO_SENDER
    if not crew.solo:
        return "only axon run has an agent that sends"
    return "the orchestrator did not ask for it"
