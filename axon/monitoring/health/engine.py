"""The agent engine and the way to the model: program, login, endpoint, gateway."""

import http.client
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path

from axon.config import CREDENTIALS, Config
from axon.errors import EngineError
from axon.gateway.endpoint import Endpoint
from axon.gateway.login import Login, base_url_of, key_command_of, login_environment, login_of
from axon.gateway.server import Gateway
from axon.gateway.settings import GatewaySettings, settings_from
from axon.gateway.wire import Hangup, NoReply, Request, header
from axon.ledger import Session, open_ledger
from axon.monitoring.health.check import Check, good, skipped, warned
from axon.monitoring.preflight import (
    check_login,
    command_login,
    command_of,
    engine_paths,
    try_cli,
)
from axon.security.sandbox import trial_folder
from axon.security.secrets import Redactor, secrets_of

SKEW_SECONDS = 300.0
ANSWER_SECONDS = 10.0
RUN = "health"
WAYS = {
    "bypass": "the agent CLI finds its own way to the model",
    "none": "there is no login it could be used with",
}


def engine(config: Config, say: Callable[[str], None]) -> Check:
    """The engine is there and starts."""
    if config.engine == "command":
        return good("engine", f"command: {command_of(config).split()[0]}")
    python_path, cli = engine_paths(config, say)
    version = try_cli(cli, config)
    packed = "" if config.claude else ", the packed one" if python_path else ""
    return good("engine", f"Claude Code {version}{packed} ({cli})")


def login(config: Config) -> Check:
    """Something says how to reach a model."""
    if config.upstream:
        return skipped("login", f"the model is {config.upstream}, which needs none")
    way = _way(config)
    if way == "none" and config.engine == "command":
        return skipped("login", "none is set; the command needs none of axon's")
    if way == "none":
        check_login(config, reach=False)  # raises, and says what to do
    if way == "bypass":
        login_environment(config)  # says so when it has run out
        reason = "only the agent CLI can use this login: the gateway is bypassed"
        return warned("login", reason, "set ANTHROPIC_API_KEY to have budgets held exactly")
    if command := key_command_of(config).command:
        return good("login", f"a key printed by {command.split()[0]}")
    names = [name for name in CREDENTIALS if config.environ.get(name, "").strip()]
    said = f"{names[0]} ({config.origins.get(names[0], 'environment')})" if names else "no key"
    return good("login", f"{said}, for {base_url_of(config)}")


def endpoint(config: Config, seconds: float = ANSWER_SECONDS) -> Check:
    """Ask the endpoint for nothing, on the way that a run takes; any answer will do."""
    if config.upstream:
        return skipped("model", f"the model is {config.upstream}, not an endpoint")
    if (way := _way(config)) != "gateway":
        return skipped("model", WAYS[way])
    settings = replace(trial_settings(config), header_seconds=seconds)
    where = f"{base_url_of(config)}{' by a proxy' if settings.proxy else ''}"
    began = time.monotonic()
    answering = Endpoint(settings, Redactor(secrets_of(config.environ)))
    try:
        reply = answering.send(Request(method="HEAD", target="/", headers=()), _nobody(), Hangup())
        reply.close()
    except NoReply as error:
        raise EngineError(
            f"{where} cannot be reached ({error}); check ANTHROPIC_BASE_URL and the network"
        ) from None
    finally:
        answering.close()
    took = time.monotonic() - began
    if (skew := _skew(header(reply.headers, "date"))) and abs(skew) > SKEW_SECONDS:
        side = "behind" if skew > 0 else "ahead of"
        reason = f"{where} answers; this clock is {abs(skew):,.0f} s {side} its own"
        return warned("model", reason, "set the clock; timedatectl set-ntp true")
    return good("model", f"{where} answers in {1000 * took:.0f} ms")


def gateway(config: Config) -> Check:
    """Start one, ask it as nobody, and hear that it lets nobody in."""
    if (way := _way(config)) != "gateway":
        return skipped("gateway", WAYS[way])
    with trial_folder() as folder:
        url = f"file:{Path(folder, 'ledger.db')}"
        open_ledger(url, create=True).close()
        made = Gateway(replace(trial_settings(config), ledger_url=url), lambda: open_ledger(url))
        made.start()
        try:
            status, said = _asked(made.port)
        finally:
            made.close()
    if status != 401 or "axon" not in said:
        raise EngineError(f"the gateway answered {status} to a stranger, not 401; report this")
    return good("gateway", "it starts, answers, and lets no stranger in")


def _asked(port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("POST", "/v1/messages", b"{}", {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, str(json.loads(response.read())["error"]["message"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"the gateway does not answer ({error}); see whether programs may listen on loopback"
        ) from None
    finally:
        connection.close()


def _way(config: Config) -> Login:
    """Of this engine, to a model."""
    return command_login(config) if config.engine == "command" else login_of(config)


def trial_settings(config: Config) -> GatewaySettings:
    """As a run has them, but in less time, and without a cassette being made."""
    settings = settings_from(replace(config, record=""), run=RUN)
    return replace(settings, header_seconds=ANSWER_SECONDS, idle_seconds=ANSWER_SECONDS)


def _nobody() -> Session:
    return Session(id=RUN, identifier="", attempt=0, run=RUN, worker="", engine="claude", model="")


def _skew(date: str) -> float | None:
    """Seconds that this clock is behind; None: the endpoint tells no time."""
    if not re.search(r"\d\d:\d\d:\d\d", date):
        return None
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError, TypeError):
        return None
