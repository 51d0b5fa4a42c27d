"""What an import need not add, because the ledger already has it."""

from collections.abc import Sequence
from dataclasses import replace

from axon.tasks import Draft, Task


def without_known(drafts: Sequence[Draft], tasks: Sequence[Task]) -> list[Draft]:
    """The drafts whose title no task has; what they say of the others names those tasks.

    So `axon team TASKS.md` can be repeated, and goes on where it was.
    """
    by_title = {task.title: task.identifier for task in tasks}
    names: dict[str, str] = {}
    for draft in drafts:
        if known := by_title.get(draft.title):
            names[draft.title] = known
            if draft.key:
                names[draft.key] = known
    return [
        replace(
            draft,
            depends=tuple(names.get(name, name) for name in draft.depends),
            parent=names.get(draft.parent, draft.parent),
        )
        for draft in drafts
        if draft.title not in by_title
    ]
