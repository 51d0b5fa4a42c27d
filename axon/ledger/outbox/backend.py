"""The outbox of the file ledger: each question and each fact a transaction."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from axon.ledger.outbox import Letter, Note, Outcome, posting
from axon.ledger.store import Store

T = TypeVar("T")


class FileOutbox:
    """Implements `axon.ledger.outbox.Outbox` for whoever has a store."""

    _store: Store

    def post(self, channel: str, letters: Sequence[Note]) -> int:
        return self._store.write(posting.post, channel, letters)

    def open_letters(self, channel: str, *, limit: int = 20) -> list[Letter]:
        return self._store.read(posting.open_letters, channel, limit=limit)

    def letters(self, channel: str = "", *, key: str = "", limit: int = 100) -> list[Letter]:
        return self._store.read(posting.letters, channel, key=key, limit=limit)

    def channels(self) -> dict[str, dict[str, int]]:
        return self._store.read(posting.channels)

    def begin_sending(self, letter: Letter) -> bool:
        return self._store.write(posting.begin_sending, letter)

    def end_sending(self, letter: Letter, outcome: Outcome) -> None:
        self._store.write(posting.end_sending, letter, outcome)

    def tidy_outbox(self, before: float) -> int:
        return self._store.lag(posting.tidy, before)

    def bookmark(self, name: str) -> str:
        return self._store.read(posting.bookmark, name)

    def bookmarks(self, prefix: str) -> dict[str, str]:
        return self._store.read(posting.bookmarks, prefix)

    def set_bookmark(self, name: str, value: str) -> None:
        self._store.write(posting.set_bookmark, name, value)

    def together(self, work: Callable[[], T]) -> T:
        return self._store.together(work)
