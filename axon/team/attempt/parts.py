"""A task that was split comes back when its parts are done, to be judged as a whole."""

from dataclasses import replace

from axon.core.prompts import shorten
from axon.tasks import State, Task
from axon.team.attempt.assignment import Assignment
from axon.team.attempt.phases import WAITS_FOR_PARTS
from axon.team.attempt.talking import brought_back

REASON = (
    "It was split, its parts are done, and their work is in your workspace. Check that together "
    "they are what was asked, and change only what is missing between them. The parts, with what "
    "their agents said at the end:"
)
MOST_CHARS = 800  # of what one of them said


def rolled_up(at: Assignment) -> Task | None:
    """The task with its parts as feedback, when their end is what brought it back."""
    back = brought_back(at)
    if back is None or back.why != WAITS_FOR_PARTS:
        return None
    parts = [task for task in at.ledger.tasks() if task.parent == at.task.identifier]
    return replace(at.task, feedback="\n\n".join(map(_told, parts)))


def _told(part: Task) -> str:
    head = f"{part.identifier} {part.state.label}: {part.title}"
    said = shorten(part.result.strip(), MOST_CHARS) if part.state is State.DONE else ""
    return f"{head}\n{said}" if said else head
