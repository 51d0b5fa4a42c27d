"""Bring the messages for a task into the session that works on it, each of them once."""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from axon.engines import Engine, EngineEvent
from axon.errors import LedgerError
from axon.ledger import Ledger, Message
from axon.tasks import Claim

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # between two looks for new messages

HEAD = "# Messages\n\nThey came while you were away. A person's word on this task counts."


@dataclass(slots=True)
class Inbox:
    """For one claim; carry it from session to session of the attempt.

    A message stays unread in the ledger until the engine says that the agent has it. When we
    die in between, the history of the session tells, before anybody is told twice.
    """

    ledger: Ledger
    claim: Claim
    _said: dict[str, tuple[int, ...]] = field(default_factory=dict)  # text on its way -> messages
    _prompt: tuple[int, ...] = ()
    _looked: float = 0.0

    def opening(self, engine: Engine, home: Path, resume: str) -> str:
        """What the first prompt of a session has to say, or nothing."""
        self._said = {}
        unread = self.ledger.unread(self.claim.identifier)
        heard = [m for m in unread if resume and engine.heard(home, resume, mark_of(m))]
        if heard:
            self._acknowledge([message.id for message in heard])
        new = [message for message in unread if message not in heard]
        self._prompt = tuple(message.id for message in new)
        return "\n\n".join([HEAD, *map(told, new)]) if new else ""

    def deliver(self, engine: Engine) -> None:
        """Say what is new; to be called often while the session runs."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for message in self._new():
            text = told(message)
            self._said[text] = (message.id,)
            if not engine.say(text):
                del self._said[text]
                return

    def last_call(self) -> str:
        """What came so late that the agent has finished meanwhile."""
        new = self._new()
        text = "\n\n".join(map(told, new))
        if new:
            self._said[text] = tuple(message.id for message in new)
        return text

    def saw(self, event: EngineEvent) -> None:
        """StaleClaim: somebody else has the task."""
        if event.kind != "message":
            return
        if event.data.get("prompt"):
            ids, self._prompt = self._prompt, ()
        else:
            ids = self._said.pop(event.text, ())
        if ids:
            self._acknowledge(ids)

    def _new(self) -> list[Message]:
        on_their_way = {number for ids in (*self._said.values(), self._prompt) for number in ids}
        try:
            unread = self.ledger.unread(self.claim.identifier)
        except LedgerError as error:  # they are safe in there, and the work goes on
            log.warning("messages not read task=%s reason=%r", self.claim.identifier, str(error))
            return []
        return [message for message in unread if message.id not in on_their_way]

    def _acknowledge(self, ids: Sequence[int]) -> None:
        try:
            self.ledger.acknowledge(ids, self.claim)
        except LedgerError as error:  # the next attempt finds them in the session's history
            log.warning("messages not marked task=%s reason=%r", self.claim.identifier, str(error))


def mark_of(message: Message) -> str:
    """What nobody can write who has not seen the message: a forged one would hide it."""
    known = f"{message.id}\0{message.at}\0{message.sender}\0{message.body}"
    return f"[message {message.id}-{hashlib.sha256(known.encode()).hexdigest()[:8]} from "


def told(message: Message) -> str:
    person = message.sender == "person"
    who = "a person" if person else f"the agent of {message.sender}"
    return f"{mark_of(message)}{who}]\n{message.body}"
