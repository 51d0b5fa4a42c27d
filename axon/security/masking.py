"""Settings as they may be shown: what is a secret is said to be set, and no more."""

import re
from typing import Any

from axon.config import CREDENTIALS, MODEL_VARIABLES, Config, settings
from axon.security.secrets import SECRET_NAME

PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+@")


def shown_settings(config: Config, *, show_secrets: bool = False) -> list[dict[str, Any]]:
    """Every setting and credential: `key`, `value` and the `origin` of that."""
    return [*_settings(config, show_secrets), *_credentials(config, show_secrets)]


def _settings(config: Config, show_secrets: bool) -> list[dict[str, Any]]:
    entries = []
    for setting in settings():
        key = setting.metadata["key"]
        value = getattr(config, setting.name)
        if not show_secrets:
            value = "set" if setting.metadata["secret"] and value else _masked(value)
        entries.append({"key": key, "value": value, "origin": config.origins[key]})
    return entries


def _masked(value: Any) -> Any:
    """Without passwords in addresses, and without variables that are named as secrets."""
    if isinstance(value, str):
        return PASSWORD.sub(r"\1:***@", value)
    if isinstance(value, dict):
        return {name: "***" if SECRET_NAME.search(name) else v for name, v in value.items()}
    return value


def _credentials(config: Config, show_secrets: bool) -> list[dict[str, Any]]:
    """How axon finds its way to the model; these are never in axon.toml."""
    entries: list[dict[str, Any]] = []
    for name in MODEL_VARIABLES:
        value: str | None = config.environ.get(name)
        if value and not show_secrets:
            value = "set" if name in CREDENTIALS else _masked(value)
        origin = config.origins.get(name, "default")
        entries.append({"key": name, "value": value or None, "origin": origin})
    return entries
