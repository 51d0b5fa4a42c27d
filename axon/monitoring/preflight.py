"""Find out before the first task what would otherwise fail all of them."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from axon.config import Config
from axon.engines.vendor import activate
from axon.errors import EngineError, EngineFault, UsageError
from axon.gateway.login import Login, base_url_of, login_of, proxied

CLI_SECONDS = 30.0
CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the run will use."""

    cli: Path | None = None
    python_path: tuple[str, ...] = ()
    login: Login = "gateway"


def check_engine(config: Config, say: Callable[[str], None], *, thorough: bool = True) -> Ready:
    """UsageError or EngineError when the engine of this configuration cannot work.

    `say` gets one line when something takes long. Unless `thorough`, the endpoint is not called
    and the CLI not tried.
    """
    if config.engine == "command":
        command_of(config)
        return Ready(login=command_login(config))
    login = check_login(config, reach=thorough)
    python_path, cli = engine_paths(config, say)
    if thorough:
        try_cli(cli, config)
    return Ready(cli=cli, python_path=python_path, login=login)


def command_of(config: Config) -> str:
    if not config.engine_command:
        raise UsageError(
            'engine "command" has no command; set [engine] command = "..." in axon.toml'
        )
    return config.engine_command


def engine_paths(config: Config, say: Callable[[str], None]) -> tuple[tuple[str, ...], Path]:
    """Where the SDK imports from, and the agent CLI; unpacked first when they are not on disk."""
    paths = activate(config.environ, config.cache_dir, packed_cli=not config.claude, say=say)
    return paths.python_path, find_cli(config, paths.cli)


def command_login(config: Config) -> Login:
    """Another agent CLI may use the gateway; one that needs no model is fine without a key."""
    return "gateway" if config.upstream or login_of(config) == "gateway" else "none"


def check_login(config: Config, *, reach: bool = True) -> Login:
    """EngineError when nothing says how to reach a model, or its endpoint does not answer."""
    login = login_of(config)
    if login == "none":
        raise EngineError(
            "no way to a model is configured; set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN, and "
            "ANTHROPIC_BASE_URL for another endpoint) in the environment or in .env",
            EngineFault.AUTH,
        )
    if reach and login == "gateway" and not config.upstream and not proxied(config):
        _reach(base_url_of(config))
    return login


def _reach(url: str) -> None:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_SECONDS).close()
    except OSError as error:
        raise EngineError(
            f"the model endpoint {url} cannot be reached ({error.strerror or error}); "
            "check ANTHROPIC_BASE_URL and the network",
            EngineFault.NETWORK,
        ) from None


def find_cli(config: Config, packed: Path | None) -> Path:
    """The CLI of the person's choice, else the packed one, else the one on PATH."""
    if config.claude:
        chosen = Path(config.claude).expanduser()
        if not chosen.is_file() or not os.access(chosen, os.X_OK):
            raise EngineError(
                f"the agent CLI {chosen} is missing or not executable; correct AXON_CLAUDE"
            )
        return chosen.absolute()
    found = packed or shutil.which("claude", path=config.environ.get("PATH"))
    if not found:
        raise EngineError(
            "this axon.pyz carries no agent CLI and none is on PATH; use the full build, or set "
            "AXON_CLAUDE to a claude executable"
        )
    return Path(found)


def try_cli(cli: Path, config: Config) -> str:
    """Its version."""
    try:
        done = subprocess.run(
            [cli, "--version"],
            capture_output=True,
            timeout=CLI_SECONDS,
            env={"PATH": config.environ.get("PATH", ""), "HOME": os.devnull},
        )
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"the agent CLI {cli} does not answer --version; replace it or set AXON_CLAUDE"
        ) from None
    except OSError as error:
        raise EngineError(
            f"the agent CLI {cli} cannot be run ({error.strerror}); replace it or set AXON_CLAUDE"
        ) from None
    if done.returncode:
        last = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise EngineError(
            f"the agent CLI {cli} is broken (exit code {done.returncode}"
            f"{': ' + last[-1][:200] if last else ''}); replace it or set AXON_CLAUDE"
        )
    said = done.stdout.decode("utf-8", "replace").strip()
    return said.split()[0][:40] if said else "of unknown version"
