"""How this person's sessions reach the model: with a key of theirs, or only through the CLI."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from axon.config import CREDENTIALS, Config
from axon.errors import EngineError, EngineFault, UsageError
from axon.gateway.keys import KeyCommand
from axon.gateway.wire import Headers

ANTHROPIC = "https://api.anthropic.com"
CLOUDS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
OAUTH = "CLAUDE_CODE_OAUTH_TOKEN"
CLOUD_PREFIXES = (
    "ANTHROPIC_",
    "AWS_",
    "AZURE_",
    "CLAUDE_CODE_SKIP_",
    "CLOUD_ML_",
    "GCLOUD_",
    "GOOGLE_",
    "VERTEX_",
)
NETWORK = ("https_proxy", "http_proxy", "no_proxy", "ssl_cert_file", "node_extra_ca_certs")
CLOUD_FILES = {  # what cloud libraries look for in HOME, which is another for an agent
    "AWS_CONFIG_FILE": ".aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": ".aws/credentials",
    "GOOGLE_APPLICATION_CREDENTIALS": ".config/gcloud/application_default_credentials.json",
}
Login = Literal["gateway", "bypass", "none"]


def login_of(config: Config) -> Login:
    """How sessions reach the model.

    "gateway": through it. "bypass": only the agent CLI can use this login. "none": there is no
    login at all. Where several are set, the order is the CLI's own.
    """
    environ = config.environ
    if config.upstream:
        return "gateway"
    if _clouds(environ):
        return "bypass"
    if key_command_of(config).command:
        return "gateway"
    own = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
    if any(environ.get(name, "").strip() for name in own):
        return "gateway"
    if environ.get(OAUTH, "").strip() or _state(environ, ".credentials.json"):
        return "bypass"
    # macOS keeps the secret elsewhere: only the account is in a file
    return "bypass" if _state(environ, ".claude.json").get("oauthAccount") else "none"


def login_environment(config: Config) -> dict[str, str]:
    """The variables a CLI needs to use a login past the gateway. EngineError: it cannot."""
    environ = config.environ
    network = {name: value for name, value in environ.items() if name.lower() in NETWORK}
    if clouds := _clouds(environ):
        home = Path(environ.get("HOME") or "/nonexistent")
        files = {
            name: str(home / path) for name, path in CLOUD_FILES.items() if (home / path).is_file()
        }
        own = {name: value for name, value in environ.items() if name.startswith(CLOUD_PREFIXES)}
        return network | clouds | files | own
    return network | {OAUTH: environ.get(OAUTH, "").strip() or _subscription(environ)}


def base_url_of(config: Config) -> str:
    """Where the endpoint is. UsageError: nowhere."""
    name = "ANTHROPIC_BASE_URL"
    url = config.environ.get(name, "").strip() or ANTHROPIC
    try:
        parts = urlsplit(url)
        named = (parts.hostname or "").encode("idna")  # as a name server is asked
        good = parts.scheme in ("http", "https") and bool(named) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise UsageError(f"{name} is not a web address; give it as https://HOST[:PORT][/PATH]")
    if parts.username or parts.password:
        raise UsageError(f"{name} holds a password; use ANTHROPIC_AUTH_TOKEN instead")
    return url.rstrip("/")


def first_party(config: Config) -> bool:
    """Whether the CLI may send all that it sends to Anthropic's own endpoint."""
    return bool(config.upstream) or urlsplit(base_url_of(config)).hostname == "api.anthropic.com"


def key_command_of(config: Config) -> KeyCommand:
    """The person's command that prints a key: axon's setting, else Claude Code's."""
    environ = config.environ
    command = config.key_command or str(_state(environ, "settings.json").get("apiKeyHelper") or "")
    fixed = any(environ.get(name, "").strip() for name in CREDENTIALS[:2])
    if not command or (fixed and not config.key_command):
        return KeyCommand()
    return KeyCommand(
        command=command,
        environment={name: v for name, v in environ.items() if name not in CREDENTIALS},
        cwd=str(config.root),
        seconds=60 * config.key_minutes,
    )


def proxied(config: Config) -> bool:
    """Whether a proxy stands between here and the endpoint."""
    return bool(proxy_of(config))


def proxy_of(config: Config) -> str:
    """The proxy between here and the endpoint, or "". UsageError: of an unknown kind."""
    parts = urlsplit(base_url_of(config))
    environ = config.environ.items()
    lower = {name.lower(): value.strip() for name, value in environ if value.strip()}
    proxy = lower.get(f"{parts.scheme}_proxy", "")
    if not proxy or _direct(parts.hostname or "", lower.get("no_proxy", "")):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        good = urlsplit(proxy).scheme == "http" and bool(urlsplit(proxy).hostname)
        urlsplit(proxy).port  # noqa: B018  # reading it is the check
    except ValueError:
        good = False
    if not good:
        raise UsageError(
            f"{parts.scheme}_proxy is no http:// address; use an HTTP proxy, or name the host of "
            "the endpoint in no_proxy"
        )
    return proxy.rstrip("/")


def credentials_of(config: Config) -> Headers:
    """The headers that open the endpoint, as the CLI would send them. UsageError: broken."""
    environ = config.environ
    found: list[tuple[str, str]] = []
    for line in environ.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip():
            found.append((name.strip(), value.strip()))
    if key := environ.get("ANTHROPIC_API_KEY", "").strip():
        found.append(("x-api-key", key))
    if token := environ.get("ANTHROPIC_AUTH_TOKEN", "").strip():
        found.append(("authorization", f"Bearer {token}"))
    for name, value in found:
        if not (name + value).isascii() or not (name + value).isprintable() or " " in name:
            raise UsageError(f"the value for header {name!r} cannot be sent; copy it again")
    return tuple(found)


def _clouds(environ: Mapping[str, str]) -> dict[str, str]:
    chosen = {name: environ.get(name, "") for name in CLOUDS}
    return {k: v for k, v in chosen.items() if v.lower() in ("1", "true", "yes", "on")}


def _direct(host: str, no_proxy: str) -> bool:
    """This host itself, and what no_proxy names: hosts, and domains with all below them."""
    if host in ("localhost", "::1") or host.startswith("127."):
        return True
    names = [name.strip().lower().lstrip("*").lstrip(".") for name in no_proxy.split(",")]
    return "*" in no_proxy.split(",") or any(
        name and (host == name or host.endswith(f".{name}")) for name in names
    )


def _state(environ: Mapping[str, str], name: str) -> dict[str, Any]:
    """What a file of the CLI's own state holds; empty when there is none."""
    home = Path(environ.get("HOME") or "/nonexistent")
    folder = Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude")
    if name == ".claude.json" and not environ.get("CLAUDE_CONFIG_DIR"):
        folder = home
    try:
        found = json.loads((folder / name).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _subscription(environ: Mapping[str, str]) -> str:
    """The token of a login made with the CLI. Only lent: renewing it stays with the CLI."""
    login = _state(environ, ".credentials.json").get("claudeAiOauth")
    token = login.get("accessToken") if isinstance(login, dict) else None
    ends = login.get("expiresAt") if isinstance(login, dict) else None
    if not isinstance(token, str) or not token or (ends and float(ends) / 1000 < time.time()):
        raise EngineError(
            "the login of the claude CLI cannot be used as it is; run claude setup-token and set "
            "CLAUDE_CODE_OAUTH_TOKEN to what it prints, or set ANTHROPIC_API_KEY",
            EngineFault.AUTH,
        )
    return token
