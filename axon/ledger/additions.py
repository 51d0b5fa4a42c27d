"""New tasks: names resolved, circles refused, everything or nothing added."""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from itertools import islice
from typing import NamedTuple

from axon.errors import UsageError
from axon.facts import dataclass
from axon.ledger import counts, history, links, newrows
from axon.ledger.edits import Stream
from axon.ledger.links import settled
from axon.ledger.newrows import New
from axon.ledger.remains import remains
from axon.ledger.remarks import take_over
from axon.ledger.rows import Row, by_id, find, put
from axon.ledger.tables import TEAM
from axon.ledger.transaction import Tx
from axon.tasks import Draft, Head, Record, State, Task
from axon.tasks.graph import find_cycle
from axon.tasks.text import clean, shortened, titled

FIRST_TEAM = "ENG"  # of drafts that name none
AT_ONCE = 500  # rows that are written together
STATES = tuple(State)
PLACES = {state: place for place, state in enumerate(STATES)}
REACHES = """
    WITH RECURSIVE reached (id) AS (
        SELECT needs FROM dependency WHERE task = ?
        UNION SELECT needs FROM dependency JOIN reached ON dependency.task = reached.id
    ) SELECT 1 FROM reached WHERE id = ?
"""


Drafts = Sequence[Draft] | Stream


class Known(NamedTuple):
    """A task that others may refer to: of this batch, or there before."""

    id: int
    identifier: str
    state: State = State.TODO


@dataclass(slots=True)
class Batch:
    """New tasks by their numbers, who waits for whom, and every name that was looked up.

    An import has a hundred thousand: what is kept of each are a few bytes.
    """

    first: int
    teams: list[str] = field(default_factory=list)
    team: "array[int]" = field(default_factory=lambda: array("i"))  # place in `teams`
    suffix: "array[int]" = field(default_factory=lambda: array("i"))  # of the identifier
    state: "array[int]" = field(default_factory=lambda: array("b"))  # place in STATES
    keys: dict[str, int] = field(default_factory=dict)  # to numbers of new tasks
    others: dict[str, Known | None] = field(default_factory=dict)  # there before, by name
    before: dict[int, Known] = field(default_factory=dict)  # the same, by number
    # Whose turn it is has the links from starts[place] on: task, needs, whether it is a child.
    starts: "array[int]" = field(default_factory=lambda: array("i"))
    links: "array[int]" = field(default_factory=lambda: array("i"))
    blocked: "array[int]" = field(default_factory=lambda: array("i"))  # of the new tasks
    needed: "array[int]" = field(default_factory=lambda: array("i"))
    old_blocked: Counter[int] = field(default_factory=Counter)  # more of those there before
    old_needed: Counter[int] = field(default_factory=Counter)
    used: dict[str, int] = field(default_factory=dict)  # the last number a team had before

    def was_there(self, draft: Head | Draft) -> bool:
        """May a task have had this identifier before?"""
        team, _, suffix = _named(draft).rpartition("-")
        return bool(suffix) and int(suffix) <= self.used.get(team, 0)

    def known(self, number: int) -> Known:
        if number < self.first:
            return self.before[number]
        place = number - self.first
        return Known(id=number, identifier=self.name(number), state=STATES[self.state[place]])

    def name(self, number: int) -> str:
        if number < self.first:
            return self.before[number].identifier
        place = number - self.first
        return f"{self.teams[self.team[place]]}-{self.suffix[place]}"

    def tied(self, place: int) -> Iterator[tuple[int, int, int]]:
        """The links that a task has brought."""
        end = self.starts[place + 1] if place + 1 < len(self.starts) else len(self.links)
        for at in range(self.starts[place], end, 3):
            yield self.links[at], self.links[at + 1], self.links[at + 2]

    def tie(self, task: Known, needs: Known, *, child: bool) -> None:
        self.links.extend((task.id, needs.id, child))
        if needs.id >= self.first:
            self.needed[needs.id - self.first] += 1
        else:
            self.old_needed[needs.id] += 1
        if settled(needs.state, child=child):
            return
        if task.id >= self.first:
            self.blocked[task.id - self.first] += 1
        else:
            self.old_blocked[task.id] += 1


def add(tx: Tx, drafts: Sequence[Draft], *, actor: str) -> list[Task]:
    return bring(tx, drafts, actor=actor)


def bring(tx: Tx, drafts: Drafts, *, actor: str, most: int | None = None) -> list[Task]:
    """Add what is in memory or not; answers the first `most` of the tasks."""
    if not len(drafts):
        return []
    if isinstance(drafts, Sequence):
        drafts = [_tidy(draft) for draft in drafts]
    batch = _numbered(tx, drafts)
    _tie(tx, batch, drafts)
    _refuse_cycle(batch, drafts)
    added: list[Task] = []
    queue = iter(drafts)
    place = 0
    while some := list(islice(queue, AT_ONCE)):
        rows = _insert(tx, batch, place, some, actor)
        place += len(some)
        wanted = len(rows) if most is None else max(0, most - len(added))
        added += [row.task for row, _ in rows[:wanted]]
    for number, more in batch.old_needed.items():
        links.count(tx, number, more)
    _hold_parents(tx, batch)
    return added


def _heads(drafts: Drafts) -> Iterable[Head | Draft]:
    return drafts if isinstance(drafts, Sequence) else drafts.heads()


def _tidy(draft: Draft) -> Draft:
    title, description = titled(draft.title, draft.description)
    if (title, description) == (draft.title, draft.description) and draft.team:
        return draft
    return replace(draft, title=title, description=description, team=draft.team or FIRST_TEAM)


def _named(draft: Head | Draft) -> str:
    """The identifier it had and keeps, if any."""
    return "" if type(draft) is Draft else draft.identifier  # type: ignore[union-attr]


def _numbered(tx: Tx, drafts: Drafts) -> Batch:
    history.load(tx)
    batch = Batch(tx.counts[counts.LAST_TASK] + 1)  # no number is given again: undo may need it
    last = {known["key"]: known["last"] for known in TEAM.select(tx)}
    batch.used |= last
    some = isinstance(drafts, Sequence) or drafts.named
    for draft in _heads(drafts) if some else ():  # what is kept comes before what is given
        if name := _named(draft):
            team, _, suffix = name.rpartition("-")
            last[team] = max(last.get(team, 0), int(suffix))
    places: dict[str, int] = {}
    for number, draft in enumerate(_heads(drafts), start=batch.first):
        _number(batch, number, draft, places, last)
    for key, number in last.items():
        TEAM.put(tx, key=key, last=number)
    return batch


def _number(
    batch: Batch, number: int, draft: Head | Draft, places: dict[str, int], last: dict[str, int]
) -> None:
    name = _named(draft)
    team = name.rpartition("-")[0] or draft.team or FIRST_TEAM
    if team not in places:
        if not re.fullmatch(r"[A-Z0-9]{1,20}", team):
            raise UsageError(f"team key {team!r} must be capital letters and digits, as ENG")
        places[team] = len(places)
        batch.teams.append(team)
    if not name:
        last[team] = last.get(team, 0) + 1
    batch.team.append(places[team])
    batch.suffix.append(int(name.rpartition("-")[2]) if name else last[team])
    state = State.TODO if type(draft) is Draft else draft.state  # type: ignore[union-attr]
    batch.state.append(PLACES[state])
    if draft.key and batch.keys.setdefault(draft.key, number) != number:
        raise UsageError(f"two tasks have the key {draft.key!r}; give each its own")


def _tie(tx: Tx, batch: Batch, drafts: Drafts) -> None:
    batch.blocked.extend([0] * len(drafts))
    batch.needed.extend([0] * len(drafts))
    for number, draft in enumerate(_heads(drafts), start=batch.first):
        batch.starts.append(len(batch.links))
        if not draft.depends and not draft.parent:
            continue
        needed = {
            known.id: known
            for name in draft.depends
            for known in [_look_up(tx, batch, draft, name, "depends on")]
        }
        me = batch.known(number)
        for known in needed.values():
            batch.tie(me, known, child=False)
        if draft.parent:
            parent = _look_up(tx, batch, draft, draft.parent, "is part of")
            batch.tie(parent, me, child=True)


def _look_up(tx: Tx, batch: Batch, draft: Head | Draft, name: str, how: str) -> Known:
    if (number := batch.keys.get(name)) is not None:
        return batch.known(number)
    if name not in batch.others:
        row = find(tx, clean(name).upper())
        batch.others[name] = None if row is None else _known(row)
    known = batch.others[name]
    if known is None:
        title = shortened(draft.title, 60)
        raise UsageError(f"“{title}” {how} {name}, which does not exist; add it first")
    batch.before[known.id] = known
    return known


def _known(row: Row) -> Known:
    known = row.known
    return Known(id=row.id, identifier=known["identifier"], state=State(known["state"]))


def _refuse_cycle(batch: Batch, drafts: Drafts) -> None:
    tied = list(zip(batch.links[::3], batch.links[1::3], strict=True)) if _may_turn(batch) else []
    waits: dict[int, list[int]] = {}
    for task, needs in tied:
        waits.setdefault(task, []).append(needs)
    if cycle := find_cycle(waits):
        titles = {
            number: draft.title for number, draft in enumerate(_heads(drafts), start=batch.first)
        }
        names = [shortened(titles.get(number) or batch.name(number), 40) for number in cycle]
        circle = " → ".join(f"“{name}”" for name in [*names, names[0]])
        raise UsageError(f"these tasks wait for each other: {circle}; remove one dependency")


def _may_turn(batch: Batch) -> bool:
    """Links that all lead to older tasks, or all to newer ones, make no circle."""
    pairs = zip(batch.links[::3], batch.links[1::3], strict=True)
    return len({(task > needs) - (task < needs) for task, needs in pairs} | {0}) == 3 or any(
        batch.links[at] == batch.links[at + 1] for at in range(0, len(batch.links), 3)
    )


def _insert(tx: Tx, batch: Batch, place: int, drafts: Sequence[Draft], actor: str) -> list[New]:
    """Write some of the tasks, from `place` in the batch on, and all that hangs on them."""
    rows: list[New] = []
    ties: list[tuple[int, int, int]] = []
    for at, draft in enumerate(drafts, start=place):
        number, name = batch.first + at, batch.name(batch.first + at)
        tied = list(batch.tied(at))
        parent = next((task for task, _, child in tied if child), 0)
        hidden = {"events": 1, "dependents": batch.needed[at]}
        if batch.was_there(draft):
            hidden |= remains(tx, name)
            hidden["events"] += 1
        made = newrows.row(
            tx,
            draft,
            {"id": number, "identifier": name, "team": draft.team or FIRST_TEAM}
            | {"state": STATES[batch.state[at]].value, "blocked": batch.blocked[at]}
            | hidden,
            depends=[batch.name(needs) for _, needs, child in tied if not child],
            parent=batch.name(parent) if parent else "",
        )
        rows.append(made)
        ties += [(needs, task, child) for task, needs, child in tied]
        history.append(
            tx,
            "add",
            actor=actor,
            identifier=name,
            after=STATES[batch.state[at]],
            counted=True,
        )
    newrows.write(tx, rows, ties)
    history.spill(tx)
    for draft, (row, _) in zip(drafts, rows, strict=True):
        if isinstance(draft, Record):
            take_over(tx, row.known["identifier"], draft.comments)
    return rows


def _hold_parents(tx: Tx, batch: Batch) -> None:
    """Tasks that were there before wait for their new children, unless these wait for them."""
    for at in range(0, len(batch.links), 3):
        task, needs = batch.links[at], batch.links[at + 1]
        if task < batch.first and tx.db.execute(REACHES, (needs, task)).fetchone():
            raise UsageError(
                f"{batch.name(task)} would wait for its own part {batch.name(needs)},"
                " which depends on it; remove the dependency or the parent"
            )
    for number, count in batch.old_blocked.items():
        row = by_id(tx, number)
        put(tx, row, {"blocked": row.known["blocked"] + count})
