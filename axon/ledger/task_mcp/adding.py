"""New tasks: made on the task server first, so that everybody calls them the same."""

from collections.abc import Sequence
from dataclasses import fields, replace

from axon.errors import UsageError
from axon.facts import dataclass
from axon.ledger import additions
from axon.ledger.edits import Imported
from axon.ledger.rows import find
from axon.ledger.store import Store
from axon.ledger.task_mcp import copies
from axon.ledger.task_mcp.board import Board
from axon.ledger.task_mcp.faults import Refusal, Unreachable
from axon.ledger.task_mcp.issues import Issue
from axon.ledger.transaction import Tx
from axon.tasks import Draft, Record, Task
from axon.tasks.text import titled

DRAFT = tuple(item.name for item in fields(Draft) if item.name not in ("key", "depends", "parent"))


@dataclass(slots=True)
class Adding:
    store: Store
    board: Board

    def add(self, drafts: Sequence[Draft], *, actor: str) -> list[Task]:
        """Drafts that were found good. Unreachable says which had been added before."""
        made: dict[int, Task] = {}
        names: dict[str, Task] = {}  # what the batch calls them
        for number in _order(drafts):
            draft = drafts[number]
            depends = tuple(self._local(name, names) for name in draft.depends)
            parent = self._local(draft.parent, names) if draft.parent else ""
            title, description = titled(draft.title, draft.description)
            here = replace(
                draft,
                title=title,
                description=description,
                depends=depends,
                parent=parent,
                key="",
            )
            try:
                issue = self.board.create(self.store.read(_there, here))
            except Refusal as error:
                raise UsageError(_so_far(str(error), made)) from None
            except Unreachable as error:
                told = f"{error}; “{draft.title}” may have been added"
                raise Unreachable(_so_far(told, made)) from None
            made[number] = self.store.write(_keep, here, issue, actor)
            if draft.key:
                names[draft.key] = made[number]
        return [made[number] for number in range(len(drafts))]

    def _local(self, name: str, names: dict[str, Task]) -> str:
        return names[name].identifier if name in names else name.upper()


def drafts_of(records: Sequence[Record], planned: Imported) -> list[Draft]:
    """The records of an import that are new; what they say of the others names those tasks."""
    known = {t.identifier: t for t in planned.skipped} | {t.title: t for t in planned.skipped}
    names: dict[str, str] = {}
    new: list[Record] = []
    for record in records:
        task = known.get(record.identifier or record.title)
        if task is None:
            new.append(record)
        elif key := record.key or record.identifier:
            names[key] = task.identifier
    return [
        Draft(
            **{name: getattr(record, name) for name in DRAFT},
            depends=tuple(names.get(name, name) for name in record.depends),
            parent=names.get(record.parent, record.parent),
            key=record.key or record.identifier,
        )
        for record in new
    ]


def _there(tx: Tx, draft: Draft) -> Draft:
    """With the server's names for what it refers to."""

    def named(identifier: str) -> str:
        copy = copies.copy_of(tx, identifier)
        return copy.remote if copy else identifier

    return replace(
        draft,
        depends=tuple(named(name) for name in draft.depends),
        parent=named(draft.parent) if draft.parent else "",
    )


def _keep(tx: Tx, draft: Draft, issue: Issue, actor: str) -> Task:
    """Our copy has all that was said, also what the server has no place for."""
    known = copies.by_remote(tx, [issue.remote])
    if known:  # another process of ours was quicker to look
        row = find(tx, known[issue.remote].identifier)
        assert row is not None
        return row.task
    free = issue.identifier and find(tx, issue.identifier) is None
    record = Record(
        **{name: getattr(draft, name) for name in DRAFT}
        | ({"team": issue.identifier.rpartition("-")[0]} if free else {}),
        depends=draft.depends,
        parent=draft.parent,
        identifier=issue.identifier if free else "",
    )
    task = additions.add(tx, [record], actor=actor)[0]
    copies.bind(tx, task.identifier, issue)
    return task


def _order(drafts: Sequence[Draft]) -> list[int]:
    """Each after all it refers to. UsageError: that cannot be."""
    keys = {draft.key: number for number, draft in enumerate(drafts) if draft.key}
    needs = [
        {keys[name] for name in (*draft.depends, draft.parent) if name in keys} - {number}
        for number, draft in enumerate(drafts)
    ]
    order: list[int] = []
    placed: set[int] = set()
    while len(order) < len(drafts):
        ready = [n for n in range(len(drafts)) if n not in placed and needs[n] <= placed]
        if not ready:
            raise UsageError(
                "a task of these depends on its own part, which a task server cannot be told;"
                " leave that dependency out: a whole waits for its parts anyway"
            )
        order += ready
        placed |= set(ready)
    return order


def _so_far(told: str, made: dict[int, Task]) -> str:
    if not made:
        return told
    names = ", ".join(task.identifier for task in made.values())
    return f"{told}; added before that: {names}"
