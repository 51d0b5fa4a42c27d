"""Keeps in a run's cassette how its tasks met on the target: who began on what, what landed."""

import logging
from pathlib import Path

from axon.gateway.cassette import Kind, Step, append, step_line
from axon.ledger import Ledger
from axon.tasks import Task
from axon.team.crew import Crew
from axon.team.project import Project
from axon.team.workspace.place import pin_of

log = logging.getLogger(__name__)

TRAILER = "Axon-Task"
BEGUN: Kind = "begun"


def keep(crew: Crew, kind: Kind, task: Task, after: str = "") -> None:
    """Never in the way of the work."""
    if not crew.tape:
        return
    step = Step(kind=kind, task=task.identifier, title=task.title, after=after)
    try:
        append(Path(crew.tape), step_line(step))
    except OSError as error:
        log.error("not recorded task=%s reason=%r", task.identifier, str(error))


def begun(crew: Crew, project: Project, ledger: Ledger, task: Task) -> None:
    """An attempt has its files: it does not see what lands from now on."""
    if crew.tape:
        keep(crew, BEGUN, task, newest_landed(project, pin_of(task.identifier)))
    if crew.order:  # who follows it must know
        ledger.record(BEGUN, actor=task.owner, identifier=task.identifier, run=crew.run)


def newest_landed(project: Project, commit: str) -> str:
    """The task that landed last of all that `commit` has."""
    found = project.git.attempt(
        "log", "-1", "--first-parent", f"--grep=^{TRAILER}: ",
        f"--format=%(trailers:key={TRAILER},valueonly)", commit, "--",
    )  # fmt: skip
    return found.out.strip() if found.ok else ""
