"""What a handler has at hand: a ledger of its thread's own, and what all threads share."""

import threading
from dataclasses import field
from typing import TYPE_CHECKING, Any

from axon.dashboard.settings import PageSettings
from axon.dashboard.web.guard import Guard
from axon.facts import dataclass
from axon.ledger import Ledger
from axon.security.secrets import Redactor

if TYPE_CHECKING:  # nobody asks for these at once
    from axon.dashboard.analytics.tally import Tally
    from axon.dashboard.recordings import Recordings
    from axon.monitoring.health.check import Check
    from axon.security.sandbox import Containment

Body = dict[str, Any]


class Shared:
    """What there is once for all threads, made when somebody asks for it."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._tally: Tally | None = None
        self._recordings: Recordings | None = None
        self.containment: tuple[Check, Containment | None] | None = None

    @property
    def tally(self) -> "Tally":
        with self._making:
            if self._tally is None:
                from axon.dashboard.analytics.tally import Tally

                self._tally = Tally()
            return self._tally

    @property
    def recordings(self) -> "Recordings":
        with self._making:
            if self._recordings is None:
                from axon.dashboard.recordings import Recordings

                self._recordings = Recordings()
            return self._recordings


@dataclass(slots=True, kw_only=True)
class Desk:
    ledger: Ledger
    page: PageSettings
    guard: Guard
    redactor: Redactor
    shared: Shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Where the data is not all there is to say."""

    data: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What a browser should keep under a name, or show as it is."""

    body: bytes
    kind: str
    name: str = ""
