"""What people change in the ledger, each change as one step that can be taken back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

from axon.facts import dataclass
from axon.ledger.records import Comment
from axon.tasks import Claim, Head, Record, State, Task

OnConflict = Literal["skip", "update", "duplicate"]


class Stream(Protocol):
    """Records that are not all in memory: read anew each time they are wanted."""

    def __iter__(self) -> Iterator[Record]: ...
    def __len__(self) -> int: ...
    def heads(self) -> Iterator[Head]: ...
    @property
    def named(self) -> bool:
        """Has any of them an identifier?"""
        ...


Intake = Sequence[Record] | Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A change that was taken back: when and by whom it was made, and the tasks as they are now."""

    action: str
    at: float
    actor: str
    tasks: tuple[Task, ...]
    removed: tuple[str, ...]  # tasks that an import had added


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the tasks of a file. Where `most` was asked for, `added` may lack some."""

    added: tuple[Task, ...]
    updated: tuple[Task, ...]
    skipped: tuple[Task, ...]  # as they are in the ledger
    count: int  # of those added


class Edits(Protocol):
    """The part of the Ledger that people drive. What changes many tasks changes all or none."""

    def edit(
        self,
        identifiers: Sequence[str],
        fields: Mapping[str, Any],
        *,
        if_version: int | None = None,
        actor: str = "person",
    ) -> list[Task]:
        """Set fields, as `axon.tasks.editing` names them. Conflict: not at `if_version` any more.

        A running attempt goes on with what it was given. Forbidden: the state does not allow it.
        """
        ...

    def depend(
        self,
        identifier: str,
        *,
        on: Sequence[str] = (),
        off: Sequence[str] = (),
        if_version: int | None = None,
        actor: str = "person",
    ) -> Task:
        """Wait for other tasks, or no longer. UsageError: unknown, or a circle would come of it."""
        ...

    def change(self, identifier: str, action: str, *, why: str = "", actor: str = "person") -> Task:
        """A person's move: retry (failures start anew), cancel, reopen."""
        ...

    def change_all(
        self, identifiers: Sequence[str], action: str, *, why: str = "", actor: str = "person"
    ) -> list[Task]: ...

    def move_all(
        self, identifiers: Sequence[str], target: State, *, why: str = "", actor: str = "person"
    ) -> list[Task]:
        """As `move`, for many. A blocked task wants an answer before it goes to todo."""
        ...

    def ask(self, claim: Claim, question: str) -> Task:
        """in_progress -> blocked: a person must answer; the worker is released."""
        ...

    def answer(self, identifier: str, text: str, *, actor: str = "person") -> Task:
        """blocked -> todo; the next prompt of the task holds question and answer."""
        ...

    def delete(
        self, identifiers: Sequence[str], *, why: str = "", actor: str = "person"
    ) -> list[Task]:
        """Take tasks out; their history stays. Forbidden: at work, or others depend on them."""
        ...

    def undo(self, *, actor: str = "person") -> Undone:
        """Take back the actor's last edit, move, answer, dependency, deletion or import, whole.

        Forbidden: none is left, or others have moved or changed one of its tasks since, workers
        among them. Comments stay.
        """
        ...

    def take_in(
        self,
        records: Intake,
        *,
        conflict: OnConflict = "skip",
        dry_run: bool = False,
        actor: str = "person",
        most: int | None = None,
    ) -> Imported:
        """Import all or none. A conflict: a task of the same identifier, or where the record
        names none, of the same title. `most`: how many of those added are told at most."""
        ...

    def take_out(self, tasks: Sequence[Task]) -> list[tuple[Task, list[Comment]]]:
        """Those tasks with what was said about them, for an export."""
        ...
