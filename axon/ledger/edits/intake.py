"""Import tasks: added, matched with those that are there, or left out, all in one step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from axon.errors import UsageError
from axon.facts import dataclass
from axon.ledger import additions, counts, history
from axon.ledger.edits import Imported, Intake, OnConflict, journal, links
from axon.ledger.edits.fields import apply
from axon.ledger.records import Comment
from axon.ledger.remarks import remarks, take_over
from axon.ledger.rows import Row, everything, fetch, find, scan
from axon.ledger.transaction import Tx
from axon.tasks import Record, Task
from axon.tasks.editing import EDITABLE, tidied


@dataclass(slots=True, kw_only=True)
class _Plan:
    """Which records are new, and which meet a task that is there."""

    new: list[Record] = field(default_factory=list)
    known: list[tuple[Record, Row]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # key in the file: identifier here


def take_in(
    tx: Tx, records: Intake, *, conflict: OnConflict, actor: str, most: int | None = None
) -> Imported:
    change = journal.begin(tx, "import", actor)
    first = tx.counts[counts.LAST_TASK] + 1
    if _all_new(tx, records):
        added = additions.bring(tx, records, actor=actor, most=most)
        journal.seal(tx, change, first=first, last=first + len(records) - 1)
        return Imported(added=tuple(added), updated=(), skipped=(), count=len(records))
    plan = _plan(tx, list(records), conflict)
    new = [_linked(record, plan.names) for record in plan.new]
    added = additions.bring(tx, new, actor=actor)
    for record, task in zip(new, added, strict=True):
        if record.key:
            plan.names[record.key] = task.identifier
    updates = [(_linked(r, plan.names), row) for r, row in plan.known if conflict == "update"]
    before = {row.id: row.task.version for _, row in updates}
    tasks = _update(tx, change, updates, actor=actor)
    updated = [t for t, (_, row) in zip(tasks, updates, strict=True) if t.version != before[row.id]]
    same = {task.identifier for task in updated}
    journal.seal(
        tx, change, first=first if added else 0, last=first + len(added) - 1 if added else 0
    )
    return Imported(
        added=tuple(added),
        updated=tuple(updated),
        skipped=tuple(
            fetch(tx, row.task.identifier).task
            for _, row in plan.known
            if row.task.identifier not in same
        ),
        count=len(added),
    )


def _all_new(tx: Tx, records: Intake) -> bool:
    """Does no record meet a task that is there? Most imports are like that."""
    history.load(tx)
    if not tx.counts[counts.TASKS]:
        return True
    titles, origins = set(), set()
    for record in records if isinstance(records, Sequence) else records.heads():
        if record.origin:
            origins.add(record.origin)
        elif not record.identifier:
            titles.add(record.title)
        elif find(tx, record.identifier):
            return False
    return not (_titles(tx, titles) or _origins(tx, origins))


def take_out(tx: Tx, tasks: Iterable[Task]) -> list[tuple[Task, list[Comment]]]:
    return [(task, remarks(tx, fetch(tx, task.identifier))) for task in tasks]


def _plan(tx: Tx, records: Sequence[Record], conflict: OnConflict) -> _Plan:
    plan = _Plan()
    titles = _titles(tx, {r.title for r in records if not (r.identifier or r.origin)})
    origins = _origins(tx, {record.origin for record in records if record.origin})
    met: dict[str, str] = {}
    for record in records:
        row = _match(tx, record, origins if record.origin else titles, conflict)
        if row is None:
            plan.new.append(record)
        elif conflict == "duplicate":
            plan.new.append(replace(record, identifier=""))
        elif met.setdefault(row.task.identifier, record.title) is not record.title:
            raise UsageError(
                f"“{record.title}” and another task of the file both stand for"
                f" {row.task.identifier}; name their identifiers"
            )
        else:
            plan.known.append((record, row))
            for name in filter(None, (record.key, record.identifier)):
                plan.names[name] = row.task.identifier
    return plan


def _match(
    tx: Tx, record: Record, known: Mapping[str, list[str]], conflict: OnConflict
) -> Row | None:
    if record.identifier:
        return find(tx, record.identifier)
    found = known.get(record.origin or record.title, ())
    if len(found) > 1 and conflict == "update":
        raise UsageError(
            f"“{record.origin or record.title}” is the {'label' if record.origin else 'title'} of"
            f" {', '.join(found[:5])}; name the identifier of the one to update"
        )
    return fetch(tx, found[0]) if found else None


def _titles(tx: Tx, wanted: set[str]) -> dict[str, list[str]]:
    """The tasks that have one of these titles; one pass, for titles have no index."""
    found: dict[str, list[str]] = {}
    if wanted:
        for title, identifier in scan(tx, "title", "identifier"):
            if title in wanted:
                found.setdefault(title, []).append(identifier)
    return found


def _origins(tx: Tx, wanted: set[str]) -> dict[str, list[str]]:
    """The tasks that came from other tools under these names: their labels tell."""
    found: dict[str, list[str]] = {}
    for row in everything(tx) if wanted else ():
        for label in row.apart.get("labels", ()):
            if label in wanted:
                found.setdefault(label, []).append(row.known["identifier"])
    return found


def _linked(record: Record, names: Mapping[str, str]) -> Record:
    """What it says of tasks that are here already, said with their identifiers here."""
    if record.parent not in names and not any(name in names for name in record.depends):
        return record
    return replace(
        record,
        depends=tuple(dict.fromkeys(names.get(name, name) for name in record.depends)),
        parent=names.get(record.parent, record.parent),
    )


def _update(
    tx: Tx, change: int, updates: Sequence[tuple[Record, Row]], *, actor: str
) -> list[Task]:
    """Links that go, go first: on the way no circle is seen that will not be."""
    wanted = [_fields(record, row.task) for record, row in updates]
    for fields, (_, row) in zip(wanted, updates, strict=True):
        if fields.get("depends", row.task.depends) != row.task.depends:
            links.refuse_at_work(row.task)
        if fields.keys() & {"depends", "parent"}:
            depends = [name for name in row.task.depends if name in fields.get("depends", ())]
            links.cut(
                tx,
                row,
                depends=depends if "depends" in fields else row.task.depends,
                parent=row.task.parent
                if fields.get("parent", row.task.parent) == row.task.parent
                else "",
            )
    tasks = []
    for fields, (record, row) in zip(wanted, updates, strict=True):
        apply(tx, change, row, fields, actor=actor, cut=False)
        take_over(tx, row.task.identifier, record.comments)
        tasks.append(fetch(tx, row.task.identifier).task)
    return tasks


def _fields(record: Record, task: Task) -> dict[str, Any]:
    """Those the file names. Where a task stands and what became of it, the ledger knows better."""
    named = {name: getattr(record, name) for name in EDITABLE if name in record.given}
    fields = tidied(task, named)
    if record.origin and task.state not in links.FREE:
        fields = {name: found for name, found in fields.items() if name != "depends"}
    elif "depends" in record.given:
        fields["depends"] = links.canonical(record.depends)
    return fields
