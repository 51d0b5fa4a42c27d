"""What the page's process is given, whoever starts it."""

import hashlib
import os
from dataclasses import field
from pathlib import Path
from typing import Any

from axon.config import Config
from axon.errors import UsageError
from axon.facts import dataclass

TOKEN_NAME = "dashboard.token"
SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """`config.environ` holds what the page's process may see; `shown` is all of it, masked."""

    config: Config
    token: str = field(default="", repr=False)  # empty: everybody on this host may come in
    remote: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    shown: tuple[dict[str, Any], ...] = ()

    @property
    def state_dir(self) -> Path:
        return self.config.state_dir

    @property
    def cookie(self) -> str:
        """Cookies know no ports: each project has a name of its own."""
        place = str(self.config.root.resolve()).encode("utf-8", "surrogateescape")
        return f"axon-{hashlib.sha256(place).hexdigest()[:10]}"


def token_of(config: Config) -> str:
    """The one that is set, else the project's own, made when it is first needed."""
    if config.dashboard_token:
        if len(config.dashboard_token) < SHORTEST_TOKEN or not config.dashboard_token.isascii():
            raise UsageError(
                f"the dashboard's token must be at least {SHORTEST_TOKEN} ASCII characters"
            )
        return config.dashboard_token
    path = config.state_dir / TOKEN_NAME
    try:
        return _kept(path) or _made(path)
    except OSError as error:
        raise UsageError(
            f"cannot keep the dashboard's token in {path}: {error.strerror}; make it writable"
        ) from None


def _kept(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return ""
    with open(descriptor, encoding="ascii", errors="replace") as file:
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        token = file.read(200).strip()
    return token if len(token) >= SHORTEST_TOKEN and token.isascii() else ""


def _made(path: Path) -> str:
    """Whole or not there: two who make one at once have the same in the end."""
    import secrets  # needed once in a project's life

    path.parent.mkdir(mode=0o700, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    token = secrets.token_urlsafe(32)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    try:
        os.link(beside, path)
    except FileExistsError:
        if kept := _kept(path):
            return kept
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return token
