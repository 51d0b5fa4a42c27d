"""Make drafts or records of a file's entries, and keep them where they need no memory."""

from collections.abc import Iterable, Iterator

from axon.errors import UsageError
from axon.tasks import Draft, Head, Priority, Record, State
from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.names import Names, Told, told_by
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.spool import Spool
from axon.tasks.text import titled

# Nobody works on them where they are imported.
AT_WORK = (State.IN_PROGRESS, State.REVIEW)
STATE = {state.value: state for state in State}
PRIORITY = {priority.value: priority for priority in Priority}
NAMED = ("key", "team", "depends", "parent")  # what a Head has


class Records:
    """The records of a file, read anew each time they are wanted."""

    def __init__(self, notes: Notes | None = None) -> None:
        self.notes = Notes() if notes is None else notes  # what could not be taken over
        self._heads = Spool()
        self._bodies = Spool()
        self._given: dict[frozenset[str], int] = {}  # most tasks of a file name the same fields
        self._count = 0
        self.named = False  # has any of them an identifier?

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        given = list(self._given)
        for head, body in zip(self.heads(), self._bodies.read(), strict=True):
            description, values, facts, comments, place = body
            if "priority" in values:
                values["priority"] = PRIORITY[values["priority"]]
            yield Record(
                title=head.title,
                description=description,
                key=head.key,
                team=head.team,
                depends=head.depends,
                parent=head.parent,
                identifier=head.identifier,
                state=head.state,
                facts=facts,
                comments=comments,
                given=given[place],
                origin=head.origin,
                **values,
            )

    def heads(self) -> Iterator[Head]:
        """What they are called and whom they refer to, which costs a part of the whole."""
        for title, key, team, identifier, state, *rest in self._heads.read():
            yield Head(title, key, team, identifier, STATE[state], *rest)

    def close(self) -> None:
        self._heads.close()
        self._bodies.close()

    def take(self, entries: Iterable[Entry], names: Names, told: Spool) -> None:
        """The first time through: everything is kept, and every name known at the end."""
        for entry in entries:
            around = entry.parent
            said = told_by(entry)
            names.add(said)
            if around is not None:
                names.nest(said, around.values.get("key", ""))
            if not entry.done:
                title = self._keep(entry)
                said = said._replace(titled=title)
            told.put(tuple(said))

    def resolve(self, names: Names, told: Spool) -> None:
        """The second time: everybody is named as the ledger will look for him."""

        def everybody() -> Iterator[Told]:
            return map(Told._make, told.read())

        names.learn(everybody())
        for said in everybody():
            if said.done:
                continue
            needs = names.needs(said, everybody)
            parent = names.parent(said, everybody)
            key = names.key_of(said)
            self._heads.put(
                (said.titled, key, said.team, said.identifier, said.state)
                + (needs, parent, said.origin)
            )
            self._count += 1
            self.named = self.named or bool(said.identifier)

    def _keep(self, entry: Entry) -> str:
        try:
            title, description = titled(entry.title, entry.description)
        except UsageError as error:
            raise UsageError(f"{entry.where}: {error}") from None
        values = {name: found for name, found in entry.values.items() if name not in NAMED}
        if "priority" in values:
            values["priority"] = int(values["priority"])
        if attempts := entry.facts.get("attempts"):
            entry.facts["token"] = attempts
        given = frozenset([*entry.given, "parent"] if entry.parent else entry.given)
        place = self._given.setdefault(given, len(self._given))
        self._bodies.put((description, values, entry.facts, tuple(entry.comments), place))
        return title


def as_drafts(entries: Iterable[Entry], file: str) -> list[Draft]:
    """What is done is left out, and holds nobody up."""

    def left() -> Iterator[Entry]:
        for entry in entries:
            entry.done = entry.done or entry.state is State.DONE
            yield _called(entry)

    records = _read(left(), file)
    names = Draft.__dataclass_fields__
    try:
        return [Draft(**{name: getattr(record, name) for name in names}) for record in records]
    finally:
        records.close()


def as_records(
    entries: Iterable[Entry], file: str, team: str, notes: Notes | None = None
) -> Records:
    """What is ticked off is left out, unless its state is named."""

    def left() -> Iterator[Entry]:
        for entry in entries:
            entry.done = entry.done and entry.state is None
            if entry.state in AT_WORK:
                entry.state = State.TODO
            entry.values["team"] = entry.values.get("team") or team
            if entry.identifier:  # its letters are those of its team
                entry.values["team"] = entry.identifier.rpartition("-")[0]
            yield _called(entry)

    return _read(left(), file, notes)


def _called(entry: Entry) -> Entry:
    if entry.identifier:
        entry.values.setdefault("key", entry.identifier)
    return entry


def _read(entries: Iterable[Entry], file: str, notes: Notes | None = None) -> Records:
    records, told = Records(notes), Spool()
    names = Names(file=file, notes=records.notes)
    try:
        records.take(entries, names, told)
        records.resolve(names, told)
    except BaseException:
        records.close()
        raise
    finally:
        told.close()
    return records
