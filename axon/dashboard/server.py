"""The page's process: it serves until it is told to stop, or whoever started it has gone."""

import gc
import importlib
import logging
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from axon.dashboard.desk import Desk, Shared
from axon.dashboard.live import LiveFeed
from axon.dashboard.page import Page
from axon.dashboard.settings import PageSettings
from axon.dashboard.site import ApiSite
from axon.dashboard.web.crew import Crew
from axon.dashboard.web.guard import Guard
from axon.dashboard.web.loop import Loop
from axon.dashboard.web.stream import Broadcaster
from axon.errors import AxonError
from axon.ledger import Ledger, ledger_from
from axon.security.secrets import Redactor

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

log = logging.getLogger(__name__)

THREADS = 8
LOOK_SECONDS = 10.0  # between two looks at a task server
REST_SECONDS = 1.0
LATER = (
    "axon.dashboard.analytics.answers", "axon.dashboard.diffs", "axon.dashboard.health",
    "axon.dashboard.openapi", "axon.dashboard.recordings", "axon.monitoring.metrics",
    "axon.tasks.exchange", "axon.team.status",
)  # fmt: skip
STACK_BYTES = 512 << 10
MOST_CONNECTIONS, SPARE_FILES = 12_000, 256
SWITCH_SECONDS = 0.0005  # one long answer must not make all others wait for their turn


def serve(settings: PageSettings, listener: socket.socket, leash: "Connection") -> None:
    """As a child of a run: its leash ends it."""
    from axon.team.leash import Leash

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's
    Leash(leash)
    serve_here(settings, listener)


def serve_here(
    settings: PageSettings,
    listener: socket.socket,
    ready: Callable[[Loop], None] = lambda _: None,
    ledger: Ledger | None = None,  # opened by this thread
) -> None:
    """In this process, until `stop` of what `ready` is given."""
    sys.setswitchinterval(SWITCH_SECONDS)
    threading.stack_size(STACK_BYTES)
    redactor = Redactor((*settings.secrets, settings.token))
    guard = Guard(
        port=listener.getsockname()[1],
        token=settings.token,
        names=frozenset(name.lower() for name in settings.config.dashboard_names),
        remote=settings.remote,
        cookie=settings.cookie,
    )

    def open_ledger() -> Ledger:
        return ledger_from(settings.config)

    open_desk = _desks(open_ledger, page=settings, guard=guard, redactor=redactor)
    broadcaster = Broadcaster(lambda: LiveFeed(open_ledger(), settings, redactor))
    files = Page()
    site = ApiSite(guard, files, redactor, _pulse(open_ledger, ledger))
    loop = Loop(listener, site, Crew(open_desk, THREADS), broadcaster, _most_connections())
    broadcaster.start()
    if settings.config.ledger_url.startswith("mcp+"):
        _begin(_look_there, open_ledger, LOOK_SECONDS)
    gc.freeze()  # what was imported stays: it need not be looked through again
    _begin(_read_the_rest, files)
    ready(loop)
    loop.run()


def _desks(open_ledger: Callable[[], Ledger], **facts: Any) -> Callable[[], Desk]:
    """Makes a desk for whichever thread asks; what can be shared is."""
    shared = Shared()
    first = threading.Lock()

    def open_desk() -> Desk:
        if first.acquire(blocking=False):  # and never let go
            _begin(_read_history, open_ledger, shared)
        return Desk(ledger=open_ledger(), shared=shared, **facts)

    return open_desk


def _begin(target: Callable[..., None], *args: Any) -> None:
    threading.Thread(target=target, args=args, daemon=True, name=target.__name__).start()


def _read_history(open_ledger: Callable[[], Ledger], shared: Shared) -> None:
    """Once somebody has come: whoever asks for analytics then need not wait for all of it."""
    time.sleep(REST_SECONDS)  # they have come for something else first
    try:
        with closing(open_ledger()) as ledger:
            shared.tally.update(ledger)
    except AxonError as error:
        log.warning("history not read reason=%r", str(error))


def _read_the_rest(files: Page) -> None:
    """What was not needed to start: the archive may be replaced while we run."""
    time.sleep(REST_SECONDS)
    files.read()
    for name in LATER:
        importlib.import_module(name)


def _look_there(open_ledger: Callable[[], Ledger], seconds: float) -> None:
    """Tasks of a task server change without us: bring its news into the ledger's file."""
    while True:
        try:
            with closing(open_ledger()) as ledger:
                ledger.counts()
        except AxonError as error:
            log.warning("task server not asked reason=%r", str(error))
        time.sleep(seconds)


def _pulse(open_ledger: Callable[[], Ledger], ledger: Ledger | None) -> Callable[[], int]:
    """Of the loop's own ledger; 0, which nothing is kept for, while there is none to be read."""
    known = [ledger] if ledger else []

    def pulse() -> int:
        try:
            if not known:
                known.append(open_ledger())
            return known[0].pulse()
        except AxonError as error:
            log.warning("ledger not read reason=%r", str(error))
            known.clear()
            return 0

    return pulse


def _most_connections() -> int:
    """As many files as this process may open, which may be raised for the asking."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + SPARE_FILES
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(64, min(MOST_CONNECTIONS, soft - SPARE_FILES))
