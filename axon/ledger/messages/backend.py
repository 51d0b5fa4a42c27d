"""The messages of the file ledger: each a transaction."""

from collections.abc import Sequence
from typing import Any

from axon.ledger.messages import Message, posting
from axon.ledger.store import Store
from axon.tasks import Claim, Draft, Task


class FileMessages:
    """Implements `axon.ledger.messages.Messages` for whoever has a store."""

    _store: Store

    def send(
        self, identifier: str, body: str, *, sender: str = "person", claim: Claim | None = None
    ) -> Message:
        return self._store.write(posting.send, identifier, body, sender=sender, claim=claim)

    def unread(self, identifier: str) -> list[Message]:
        return self._store.read(posting.unread, identifier)

    def acknowledge(self, ids: Sequence[int], claim: Claim) -> None:
        self._store.write(posting.acknowledge, ids, claim)

    def messages(self, identifier: str, *, limit: int = 100) -> list[Message]:
        return self._store.read(posting.messages, identifier, limit=limit)

    def remark(self, claim: Claim, body: str, *, on: str = "") -> None:
        self._store.write(posting.remark, claim, body, on=on)

    def follow_up(self, claim: Claim, draft: Draft) -> Task:
        return self._store.write(posting.follow_up, claim, draft)

    def report(self, claim: Claim, action: str, text: str, **data: Any) -> None:
        self._store.lag(posting.report, claim, action, text, data)
