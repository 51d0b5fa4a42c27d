"""What a handler has at hand: a ledger of its thread's own, and what all threads share."""

from dataclasses import dataclass, field
from typing import Any

from axon.dashboard.analytics.tally import Tally
from axon.dashboard.recordings import Recordings
from axon.dashboard.settings import PageSettings
from axon.dashboard.web.guard import Guard
from axon.ledger import Ledger
from axon.security.secrets import Redactor

Body = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Desk:
    ledger: Ledger
    page: PageSettings
    guard: Guard
    tally: Tally
    redactor: Redactor
    recordings: Recordings
    found: dict[str, Any]  # out once, for all threads


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
