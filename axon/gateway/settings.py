"""What the gateway of a run is told when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from axon.config import Config
from axon.config.values import ALIASES
from axon.errors import UsageError
from axon.gateway.allowances import Then
from axon.gateway.cassette import Step, create, read
from axon.gateway.keys import KeyCommand, fetch
from axon.gateway.login import (
    ANTHROPIC,
    base_url_of,
    credentials_of,
    key_command_of,
    proxy_of,
)
from axon.gateway.prices import Price, price_of, prices_of
from axon.gateway.script import load_script
from axon.gateway.wire import Headers

SCRIPT, CASSETTE = "script:", "cassette:"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """All a gateway needs to know; travels to its process, never to a child."""

    ledger_url: str
    run: str
    root: str  # the project: a scripted model writes below its `.axon/work`
    upstream: str = ""  # "" is the endpoint at `base_url`, else script:FILE or cassette:FILE
    base_url: str = ANTHROPIC
    credentials: Headers = field(default=(), repr=False)
    proxy: str = field(default="", repr=False)  # may hold a password
    ca_file: str = ""  # instead of the system's roots
    extra_ca_file: str = ""  # besides them
    port: int = 0  # 0: any; a restart takes the first one's
    max_hold_seconds: float = 60.0  # how long a child may wait for a limit to pass
    connect_seconds: float = 10.0
    header_seconds: float = 300.0  # until the upstream begins to answer
    idle_seconds: float = 120.0  # between two bytes of an answer
    key_command: KeyCommand = KeyCommand()
    record: str = ""  # the cassette to write
    strict: bool = True  # in a replay
    replay_speed: float = 1.0
    day_usd: float | None = None
    day_tokens: int | None = None
    budget_then: Then = "stop"
    prices: Mapping[str, Price] = field(default_factory=dict)  # besides those that axon knows
    retry_seconds: tuple[float, ...] = (0.5, 1.0, 2.0)  # pauses before trying again

    @property
    def secrets(self) -> list[str]:
        """What must not be written anywhere."""
        keys = [value.removeprefix("Bearer ") for _, value in self.credentials]
        return [*keys, self.proxy]


def settings_from(config: Config, *, run: str, port: int = 0) -> GatewaySettings:
    """UsageError: an address, a proxy, a certificate file or a script that cannot work."""
    settings = GatewaySettings(
        ledger_url=config.ledger_url,
        run=run,
        root=str(config.root),
        port=port,
        day_usd=config.day_usd,
        day_tokens=config.day_tokens,
        record=_tape(config),
        strict=config.replay == "strict",
        replay_speed=config.replay_speed,
        max_hold_seconds=config.hold_seconds,
        budget_then=cast(Then, config.budget_then),
        prices=prices_of(config.prices),
    )
    if not config.upstream:
        command = key_command_of(config)
        if command.command:
            fetch(command)  # better now than in the first session
        return replace(
            settings,
            key_command=command,
            base_url=base_url_of(config),
            credentials=credentials_of(config),
            proxy=proxy_of(config),
            ca_file=_file(config.environ, "SSL_CERT_FILE"),
            extra_ca_file=_file(config.environ, "NODE_EXTRA_CA_CERTS"),
        )
    if config.upstream.startswith(SCRIPT):
        load_script(script_path(config.upstream, config.root))
    elif config.upstream.startswith(CASSETTE):
        read(script_path(config.upstream, config.root))
    else:
        raise UsageError(
            f"unknown model upstream {config.upstream!r}; use script:FILE or cassette:FILE"
        )
    return replace(settings, upstream=config.upstream)


def unpriced(config: Config) -> str:
    """What a person should know whose budget is in USD, of a model without a known price."""
    budgets = (config.budget_usd, config.max_usd, config.day_usd)
    known = config.model in ALIASES or price_of(config.model, prices_of(config.prices))
    if known or not any(budgets) or config.engine != "claude":
        return ""
    return (
        f"the price of {config.model} is not known: budgets in USD cannot hold it; set "
        f'[prices."{config.model}"] in axon.toml, or a budget of tokens'
    )


def script_path(upstream: str, root: Path | str) -> Path:
    """Of a script or a cassette."""
    return Path(root, Path(upstream.partition(":")[2]).expanduser())


def tape_path(config: Config) -> str:
    """The cassette to record to, or nothing."""
    return str(Path(config.root, Path(config.record).expanduser())) if config.record else ""


def steps_of(config: Config) -> tuple[Step, ...]:
    """The order in which the tasks of the run to be replayed began and landed. UsageError."""
    if not config.upstream.startswith(CASSETTE):
        return ()
    return read(script_path(config.upstream, config.root)).steps


def _tape(config: Config) -> str:
    """The file to record to, made."""
    if path := tape_path(config):
        create(Path(path))
    return path


def _file(environ: Mapping[str, str], name: str) -> str:
    path = environ.get(name, "").strip()
    if path and not Path(path).is_file():
        raise UsageError(f"{name} names no file: {path}; correct or unset it")
    return path
