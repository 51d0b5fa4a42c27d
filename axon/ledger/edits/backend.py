"""The edits of the file ledger: each one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from axon.ledger.edits import (  # fmt: skip
    Imported,
    Intake,
    OnConflict,
    Undone,
    fields,
    intake,
    moving,
    removal,
    undoing,
)
from axon.ledger.records import Comment
from axon.ledger.store import Store
from axon.ledger.transaction import Tx
from axon.tasks import Claim, State, Task


class _Tried(Exception):
    """Carries the answer of a dry run out of the transaction that it rolls back."""

    def __init__(self, imported: Imported) -> None:
        self.imported = imported


class FileEdits:
    """Implements `axon.ledger.edits.Edits` for whoever has a store."""

    _store: Store

    def edit(
        self,
        identifiers: Sequence[str],
        fields_: Mapping[str, Any],
        *,
        if_version: int | None = None,
        actor: str = "person",
    ) -> list[Task]:
        return self._store.write(
            fields.edit, identifiers, fields_, if_version=if_version, actor=actor
        )

    def depend(
        self,
        identifier: str,
        *,
        on: Sequence[str] = (),
        off: Sequence[str] = (),
        if_version: int | None = None,
        actor: str = "person",
    ) -> Task:
        return self._store.write(
            fields.depend, identifier, on=on, off=off, if_version=if_version, actor=actor
        )

    def change(self, identifier: str, action: str, *, why: str = "", actor: str = "person") -> Task:
        return self.change_all([identifier], action, why=why, actor=actor)[0]

    def change_all(
        self, identifiers: Sequence[str], action: str, *, why: str = "", actor: str = "person"
    ) -> list[Task]:
        return self._store.write(moving.change_all, identifiers, action, why=why, actor=actor)

    def move_all(
        self, identifiers: Sequence[str], target: State, *, why: str = "", actor: str = "person"
    ) -> list[Task]:
        return self._store.write(moving.move_all, identifiers, target, why=why, actor=actor)

    def ask(self, claim: Claim, question: str) -> Task:
        return self._store.write(moving.ask, claim, question)

    def answer(self, identifier: str, text: str, *, actor: str = "person") -> Task:
        return self._store.write(moving.answer, identifier, text, actor=actor)

    def delete(
        self, identifiers: Sequence[str], *, why: str = "", actor: str = "person"
    ) -> list[Task]:
        return self._store.write(removal.delete, identifiers, why=why, actor=actor)

    def undo(self, *, actor: str = "person") -> Undone:
        return self._store.write(undoing.undo, actor=actor)

    def take_in(
        self,
        records: Intake,
        *,
        conflict: OnConflict = "skip",
        dry_run: bool = False,
        actor: str = "person",
        most: int | None = None,
    ) -> Imported:
        if not dry_run:
            return self._store.write(
                intake.take_in, records, conflict=conflict, actor=actor, most=most
            )
        try:
            self._store.lag(_try, records, conflict=conflict, actor=actor, most=most)
        except _Tried as tried:
            return tried.imported
        raise AssertionError("a dry run always ends by its exception")

    def take_out(self, tasks: Sequence[Task]) -> list[tuple[Task, list[Comment]]]:
        return self._store.read(intake.take_out, tasks)


def _try(tx: Tx, records: Intake, /, **how: Any) -> None:
    raise _Tried(intake.take_in(tx, records, **how))
