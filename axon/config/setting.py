"""How a setting is declared: one field of a dataclass, with what is known about it."""

from dataclasses import field
from typing import Any


def setting(
    key: str,
    default: Any,
    doc: str,
    *,
    env: str = "",
    flag: str = "",
    own: bool = False,
    widens: bool = False,
    secret: bool = False,
) -> Any:
    """`own`: the person's alone to say, never the repository's `axon.toml` or `.env`.

    `widens`: what `axon.toml` says there takes effect only when a person has allowed it.
    `secret`: never in `axon.toml`, which is committed, and never shown.
    """
    meta: dict[str, Any] = {"key": key, "doc": doc, "env": env, "flag": flag}
    meta |= {"own": own or secret, "widens": widens, "secret": secret}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=meta)
    return field(default=default, metadata=meta, repr=not secret)
