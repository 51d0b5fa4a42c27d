"""The credentials of the endpoint: fixed, or fetched by a command and renewed in time."""

import logging
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from axon.errors import EngineError, EngineFault
from axon.gateway.wire import Headers
from axon.security.secrets import Redactor

log = logging.getLogger(__name__)

COMMAND_SECONDS = 30.0
LONGEST_KEY = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCommand:
    """What prints a key, as Claude Code's apiKeyHelper does."""

    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str = "/"
    seconds: float = 300.0  # a key is used for so long


class Keys:
    """The headers that open the endpoint, for all threads of a gateway."""

    def __init__(self, fixed: Headers, command: KeyCommand, redactor: Redactor) -> None:
        self._fixed, self._command = fixed, command
        self._redactor = redactor
        self._lock = threading.Lock()
        self._key, self._until = "", 0.0

    def headers(self) -> Headers:
        """EngineError: the command gives no key, and there is no earlier one."""
        if not self._command.command:
            return self._fixed
        with self._lock:
            if time.monotonic() >= self._until:
                self._renew()
            return self._headers()

    def renewed(self, refused: Headers) -> Headers | None:
        """Other headers than these, which were refused; None when there are none to be had."""
        if not self._command.command:
            return None
        with self._lock:
            if self._headers() == refused:
                self._renew()
            found = self._headers()
        return None if found == refused else found

    def _headers(self) -> Headers:
        own = (("x-api-key", self._key), ("authorization", f"Bearer {self._key}"))
        return (*self._fixed, *own)

    def _renew(self) -> None:
        try:
            self._key = fetch(self._command)
            self._redactor.also(self._key)
        except EngineError as error:
            if not self._key:
                raise
            log.warning("key not renewed reason=%r", str(error))
        self._until = time.monotonic() + self._command.seconds


def fetch(command: KeyCommand) -> str:
    """EngineError says why there is no key; what the command printed is not shown."""
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command.command],
            env=dict(command.environment),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it may hold what must not be shown
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed(f"took longer than {COMMAND_SECONDS:g} s") from None
    except OSError as error:
        raise _failed((error.strerror or "cannot be run").lower()) from None
    if done.returncode:
        raise _failed(f"ended with exit code {done.returncode}")
    key = done.stdout[:LONGEST_KEY].decode("utf-8", "replace").strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise _failed("printed no key")
    return key


def _failed(how: str) -> EngineError:
    return EngineError(f"the key command {how}; try it in a shell", EngineFault.AUTH)
