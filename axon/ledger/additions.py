"""New tasks: names resolved, circles refused, everything or nothing added."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Any

from axon.errors import UsageError
from axon.ledger import counts, history, links
from axon.ledger.columns import NAMES
from axon.ledger.links import settled
from axon.ledger.remains import remains
from axon.ledger.rows import Row, by_id, find, insert, put
from axon.ledger.tables import DEPENDENCY, TEAM
from axon.ledger.transaction import Tx
from axon.tasks import Draft, Record, State, Task
from axon.tasks.graph import find_cycle
from axon.tasks.text import clean, shortened, titled

FIRST_TEAM = "ENG"  # of drafts that name none
COPIED = tuple(item.name for item in fields(Draft) if item.name in NAMES)
COPY = attrgetter(*COPIED)
REACHES = """
    WITH RECURSIVE reached (id) AS (
        SELECT needs FROM dependency WHERE task = ?
        UNION SELECT needs FROM dependency JOIN reached ON dependency.task = reached.id
    ) SELECT 1 FROM reached WHERE id = ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A task that others may refer to: of this batch, or there before."""

    id: int
    identifier: str
    state: State = State.TODO


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`task` waits for `needs`: a dependency, or a child of it."""

    task: Known
    needs: Known
    child: bool

    @property
    def open(self) -> bool:
        return not settled(self.needs.state, child=self.child)


@dataclass(slots=True, kw_only=True)
class Batch:
    """Drafts with the ids they will have, and every name that was looked up."""

    drafts: Sequence[Draft]
    members: list[Known] = field(default_factory=list)
    names: dict[str, Known | None] = field(default_factory=dict)


def add(tx: Tx, drafts: Sequence[Draft], *, actor: str) -> list[Task]:
    if not drafts:
        return []
    batch = _numbered(tx, [_tidy(draft) for draft in drafts])
    links = [
        link
        for me, draft in zip(batch.members, batch.drafts, strict=True)
        for link in _links(tx, batch, me, draft)
    ]
    _refuse_cycle(batch, links)
    blocked = Counter(link.task.id for link in links if link.open)
    tasks = _tasks(tx, batch, links, blocked)
    _insert(tx, batch, tasks, links)
    _hold_parents(tx, batch, links, blocked)
    for task in tasks:
        history.append(
            tx, "add", actor=actor, identifier=task.identifier, after=task.state, counted=True
        )
    return tasks


def _tidy(draft: Draft) -> Draft:
    title, description = titled(draft.title, draft.description)
    if (title, description) == (draft.title, draft.description) and draft.team:
        return draft
    return replace(draft, title=title, description=description, team=draft.team or FIRST_TEAM)


def _numbered(tx: Tx, drafts: Sequence[Draft]) -> Batch:
    batch = Batch(drafts=drafts)
    history.load(tx)
    first = tx.counts[counts.LAST_TASK] + 1  # a number is never given again: undo may need it
    last = {known["key"]: known["last"] for known in TEAM.select(tx)}
    for draft in drafts:  # identifiers that are kept come before any that is given
        if isinstance(draft, Record) and draft.identifier:
            kept = int(draft.identifier.rpartition("-")[2])
            last[draft.team] = max(last.get(draft.team, 0), kept)
    for number, draft in enumerate(drafts, start=first):
        if not re.fullmatch(r"[A-Z0-9]{1,20}", draft.team):
            raise UsageError(f"team key {draft.team!r} must be capital letters and digits, as ENG")
        member = _member(number, draft, last)
        batch.members.append(member)
        if draft.key and batch.names.setdefault(draft.key, member) is not member:
            raise UsageError(f"two tasks have the key {draft.key!r}; give each its own")
    for key, number in last.items():
        TEAM.put(tx, key=key, last=number)
    return batch


def _member(number: int, draft: Draft, last: dict[str, int]) -> Known:
    record = draft if isinstance(draft, Record) else None
    if record and record.identifier:
        return Known(id=number, identifier=record.identifier, state=record.state)
    last[draft.team] = last.get(draft.team, 0) + 1
    state = record.state if record else State.TODO
    return Known(id=number, identifier=f"{draft.team}-{last[draft.team]}", state=state)


def _links(tx: Tx, batch: Batch, me: Known, draft: Draft) -> list[Link]:
    needed = {
        known.id: known
        for name in draft.depends
        for known in [_look_up(tx, batch, draft, name, "depends on")]
    }
    links = [Link(task=me, needs=known, child=False) for known in needed.values()]
    if draft.parent:
        parent = _look_up(tx, batch, draft, draft.parent, "is part of")
        links.append(Link(task=parent, needs=me, child=True))
    return links


def _look_up(tx: Tx, batch: Batch, draft: Draft, name: str, how: str) -> Known:
    if name not in batch.names:
        row = find(tx, clean(name).upper())
        batch.names[name] = None if row is None else _known(row)
    known = batch.names[name]
    if known is None:
        title = shortened(draft.title, 60)
        raise UsageError(f"“{title}” {how} {name}, which does not exist; add it first")
    return known


def _known(row: Row) -> Known:
    known = row.known
    return Known(id=row.id, identifier=known["identifier"], state=State(known["state"]))


def _refuse_cycle(batch: Batch, links: Sequence[Link]) -> None:
    waits: dict[int, list[int]] = {}
    for link in links:
        waits.setdefault(link.task.id, []).append(link.needs.id)
    cycle = find_cycle(waits)
    if cycle:
        titles = dict(
            zip((m.id for m in batch.members), (d.title for d in batch.drafts), strict=True)
        )
        told = {link.task.id: link.task.identifier for link in links}
        names = [shortened(titles.get(number, told[number]), 40) for number in cycle]
        circle = " → ".join(f"“{name}”" for name in [*names, names[0]])
        raise UsageError(f"these tasks wait for each other: {circle}; remove one dependency")


def _tasks(tx: Tx, batch: Batch, links: Sequence[Link], blocked: Counter[int]) -> list[Task]:
    depends: dict[int, list[str]] = {}
    parents: dict[int, str] = {}
    for link in links:
        if link.child:
            parents[link.needs.id] = link.task.identifier
        else:
            depends.setdefault(link.task.id, []).append(link.needs.identifier)
    return [
        _task(
            draft,
            me,
            parent=parents.get(me.id, ""),
            depends=tuple(depends.get(me.id, ())),
            blocked=blocked[me.id],
            now=tx.now,
        )
        for me, draft in zip(batch.members, batch.drafts, strict=True)
    ]


def _task(draft: Draft, me: Known, *, now: float, **links: Any) -> Task:
    facts = dict(zip(COPIED, COPY(draft), strict=True))
    facts["created_at"] = facts["updated_at"] = now
    if isinstance(draft, Record):
        facts.update(draft.facts)
    facts.update(links)
    facts["identifier"], facts["state"] = me.identifier, me.state
    return Task(**facts)


def _insert(tx: Tx, batch: Batch, tasks: Sequence[Task], links_: Sequence[Link]) -> None:
    needed = Counter(link.needs.id for link in links_)
    for me, draft, task in zip(batch.members, batch.drafts, tasks, strict=True):
        hidden = {"events": 1, "dependents": needed.pop(me.id, 0)}
        if isinstance(draft, Record) and draft.identifier:  # it may have been here before
            hidden |= remains(tx, me.identifier)
            hidden["events"] += 1
        insert(tx, me.id, task, hidden)
    for link in links_:
        DEPENDENCY.insert(tx, needs=link.needs.id, task=link.task.id, child=link.child)
    for number, more in needed.items():
        links.count(tx, number, more)


def _hold_parents(tx: Tx, batch: Batch, links: Sequence[Link], blocked: Counter[int]) -> None:
    """Tasks that were there before wait for their new children, unless these wait for them."""
    first = batch.members[0].id
    for link in links:
        if (
            link.task.id < first
            and tx.db.execute(REACHES, (link.needs.id, link.task.id)).fetchone()
        ):
            raise UsageError(
                f"{link.task.identifier} would wait for its own part {link.needs.identifier},"
                " which depends on it; remove the dependency or the parent"
            )
    for number, count in blocked.items():
        if number < first:
            row = by_id(tx, number)
            put(tx, row, {"blocked": row.known["blocked"] + count})
