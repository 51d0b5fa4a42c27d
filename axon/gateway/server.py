"""The gateway's process: started by the coordinator, it serves until its leash is let go."""

import logging
import os
import resource
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from axon.errors import AxonError
from axon.gateway.books import Books
from axon.gateway.cassette import read
from axon.gateway.door import Door
from axon.gateway.endpoint import Endpoint
from axon.gateway.listener import Listener
from axon.gateway.recording import Recording
from axon.gateway.replay import Replay
from axon.gateway.script import load_script
from axon.gateway.scripted import ScriptUpstream
from axon.gateway.settings import CASSETTE, GatewaySettings, script_path, settings_from
from axon.gateway.wire import Upstream
from axon.ledger import Ledger, open_ledger
from axon.security.secrets import Redactor

__all__ = ["Gateway", "GatewaySettings", "serve", "settings_from"]

log = logging.getLogger(__name__)

STACK_BYTES, DESCRIPTORS = 512 << 10, 4096
CLOSING_SECONDS = 2.0  # for figures the ledger has not taken yet


def serve(settings: GatewaySettings, leash: Connection) -> None:
    """Send the port through `leash` and serve until it closes or says "stop".

    If the gateway cannot work, a line that says why is sent in place of the port.
    """
    _make_room()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's; its leash ends us
    try:
        gateway = Gateway(settings, lambda: open_ledger(settings.ledger_url))
    except (AxonError, OSError) as error:
        why = str(error) if isinstance(error, AxonError) else str(error.strerror)
        log.error("gateway not started reason=%r", why)
        _send(leash, f"cannot start: {why}")
        return
    gateway.start()
    _send(leash, gateway.port)
    _hold(leash)
    gateway.close()
    os._exit(0)  # at once: whoever is still connected must see an end


def _make_room() -> None:
    """For a thread and two descriptors per connection."""
    threading.stack_size(STACK_BYTES)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Gateway:
    """All parts of a gateway, put together."""

    def __init__(self, settings: GatewaySettings, open_books: Callable[[], Ledger]) -> None:
        self._books = Books(open_books, settings.run)
        redactor = Redactor(settings.secrets)
        self._upstream = _upstream(settings, self._books, redactor)
        door = Door(
            settings=settings,
            books=self._books,
            upstream=self._upstream,
            redactor=redactor,
        )
        self._listener = Listener(settings.port, door.handle)
        self.port = self._listener.port

    def start(self) -> None:
        self._books.waiting(None)  # whatever one before this waited for
        self._listener.start()

    def close(self) -> None:
        """Take no more requests and write down what was spent."""
        self._listener.stop()
        self._books.close(CLOSING_SECONDS)
        self._upstream.close()


def _upstream(settings: GatewaySettings, books: Books, redactor: Redactor) -> Upstream:
    upstream = _answering(settings, books, redactor)
    if not settings.record:
        return upstream
    return Recording(upstream, Path(settings.record), settings.root, redactor, books.title_of)


def _answering(settings: GatewaySettings, books: Books, redactor: Redactor) -> Upstream:
    if settings.upstream.startswith(CASSETTE):
        return Replay(
            read(script_path(settings.upstream, settings.root)),
            settings.root,
            books.title_of,
            strict=settings.strict,
            speed=settings.replay_speed,
        )
    if settings.upstream:
        script = load_script(script_path(settings.upstream, settings.root))
        return ScriptUpstream(script, settings.root, books.title_of)
    return Endpoint(settings, redactor)


def _hold(leash: Connection) -> None:
    """Return when the coordinator says "stop", lets go, or dies."""
    try:
        while leash.recv() != "stop":
            pass
    except (EOFError, OSError):
        pass


def _send(leash: Connection, word: int | str) -> None:
    try:
        leash.send(word)
    except OSError:
        log.warning("gateway not wanted any more")
