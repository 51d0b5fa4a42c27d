"""What the broadcaster tells: events as they are written, and the team when it looks different."""

import time
from collections.abc import Sequence
from typing import Any

from axon.dashboard.api.views import event_view
from axon.dashboard.settings import PageSettings
from axon.dashboard.site import clean_json
from axon.dashboard.web.answer import encode
from axon.dashboard.web.stream import Told
from axon.ledger import Event, Ledger
from axon.security.secrets import Redactor
from axon.tasks.text import shortened

RESTLESS = (
    "at",
    "elapsed_seconds",
    "eta_seconds",
    "updated_at",
)  # what differs although nothing has happened


LONGEST_TEXT = 4000  # in the stream: who wants all of it asks for the event


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return shortened(value, LONGEST_TEXT)
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(item) for item in value]
    return value


class LiveFeed:
    """A ledger of the broadcaster's own."""

    def __init__(self, ledger: Ledger, page: PageSettings, redactor: Redactor) -> None:
        self._ledger, self._redactor = ledger, redactor
        self._stale_hours = page.config.stale_hours
        self._sessions = page.state_dir / "sessions"
        self._shown: object = None
        self._told = b""

    def pulse(self) -> int:
        return self._ledger.pulse()

    def last_seq(self) -> int:
        return self._ledger.last_seq()

    def events(self, after: int, limit: int) -> Sequence[Told]:
        return [
            Told(
                seq=event.seq,
                identifier=event.identifier,
                run=event.run,
                data=b"id: %d\nevent: event\ndata: %b\n\n" % (event.seq, self._encoded(event)),
            )
            for event in self._ledger.events(after=after, limit=limit)
        ]

    def _encoded(self, event: Event) -> bytes:
        """Secrets first: half of one would not be known."""
        view = event_view(event)
        if self._redactor.suspects(text := encode(view).decode()):
            view = self._redactor.narrowed(text).value(view)
        return encode(_shortened(view))

    def team(self) -> bytes:
        from axon.team.status import team_view  # not needed to start

        view = team_view(self._ledger, self._sessions, time.time(), stale_hours=self._stale_hours)
        shown = view | {
            "at": None,
            "progress": view["progress"] | {"eta_seconds": None},
            "workers": [one | dict.fromkeys(RESTLESS) for one in view["workers"]],
        }
        if shown != self._shown:
            self._shown = shown
            self._told = b"event: team\ndata: %b\n\n" % clean_json(view, self._redactor)
        return self._told
