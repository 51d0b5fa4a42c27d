"""The other MCP servers of a project: `[mcp.NAME]` in axon.toml, read and checked."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from axon.config import Config
from axon.errors import UsageError
from axon.mcp.spec import Server

KEYS = ("command", "args", "env", "url", "headers", "agents")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}")  # part of a tool's name: no underscores in it
OWN_NAME = "axon"
TELEGRAM = "telegram"
REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")
BROWSER = re.compile(r"playwright|puppeteer|selenium|webdriver|browser|chrome|firefox", re.I)
SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "x-api-key"}


def servers_of(config: Config) -> tuple[Server, ...]:
    """As declared, `$NAME` not filled in yet. UsageError names the key."""
    tables = {**_telegram(config), **config.servers}
    return tuple(_server(name, table) for name, table in tables.items())


def _telegram(config: Config) -> dict[str, dict[str, Any]]:
    """The one server that has variables of its own, and nobody's consent to wait for."""
    if not config.telegram_mcp_url:
        return {}
    headers = {"Authorization": "Bearer $MCP_API_KEY"} if config.mcp_key else {}
    table = {"url": config.telegram_mcp_url, "headers": headers, "agents": [TELEGRAM]}
    return {TELEGRAM: table}


def can_be_missing(server: Server) -> bool:
    """What is done with it can be left undone: to tell a person, and to look at pages."""
    return server.name == TELEGRAM or is_browser(server)


def is_browser(server: Server) -> bool:
    """Told by its name or its program: whether agents can look at pages with it."""
    return bool(BROWSER.search(" ".join((server.name, server.command, *server.args))))


def without_servers(config: Config, names: Collection[str]) -> Config:
    kept = {name: table for name, table in config.servers.items() if name not in names}
    url = "" if TELEGRAM in names else config.telegram_mcp_url
    return replace(config, servers=kept, telegram_mcp_url=url)


def resolved(server: Server, environ: Mapping[str, str], base: Mapping[str, str]) -> Server:
    """`server` with each `$NAME` or `${NAME}` replaced from `environ`; `$$` is a dollar.

    `base`: the environment a program gets besides its own.
    """
    where = f"mcp.{server.name}"
    own = {k: _filled(v, environ, f"{where}.env.{k}") for k, v in server.env.items()}
    return replace(
        server,
        args=tuple(_filled(a, environ, f"{where}.args") for a in server.args),
        env={**base, **own} if server.command else {},
        url=_filled(server.url, environ, f"{where}.url"),
        headers={k: _filled(v, environ, f"{where}.headers.{k}") for k, v in server.headers.items()},
    )


def secrets_in(server: Server, environ: Mapping[str, str]) -> Iterator[str]:
    """What the references of `server` as declared stand for: never to be shown or recorded."""
    for text in (*server.args, server.url, *server.env.values(), *server.headers.values()):
        for found in REFERENCE.finditer(text):
            name = found[1] or found[2]
            if name and name not in ("HOME", "PATH", "USER") and environ.get(name):
                yield environ[name]


def _filled(text: str, environ: Mapping[str, str], where: str) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if not name:
            return "$"
        if not environ.get(name):
            raise UsageError(f"{where} refers to ${name}, which is not set; set it")
        return environ[name]

    return REFERENCE.sub(value, text)


def _server(name: str, table: dict[str, Any]) -> Server:
    where = f"mcp.{name}"
    if not NAME.fullmatch(name) or name == OWN_NAME:
        raise UsageError(f"{where}: a server needs a name of letters, digits and -, not {name!r}")
    for key in table:
        if key not in KEYS:
            raise UsageError(f"unknown key {where}.{key}; use {', '.join(KEYS)}")
    server = Server(
        name=name,
        command=_text(table.get("command", ""), f"{where}.command"),
        args=_texts(table.get("args", []), f"{where}.args"),
        env=_table(table.get("env", {}), f"{where}.env"),
        url=_text(table.get("url", ""), f"{where}.url"),
        headers=_table(table.get("headers", {}), f"{where}.headers"),
        agents=_texts(table.get("agents", []), f"{where}.agents"),
    )
    if bool(server.command) == bool(server.url):
        raise UsageError(f"{where} needs either command or url")
    _check_rest(server, where)
    return server


def _check_rest(server: Server, where: str) -> None:
    if server.command and server.headers:
        raise UsageError(f"{where}.headers go with url; a command gets env")
    if server.url and (server.args or server.env):
        raise UsageError(f"{where}.args and env go with command; a url gets headers")
    if server.url and (urlsplit(server.url).scheme not in ("http", "https")):
        raise UsageError(f"{where}.url must begin with http:// or https://")
    for name, value in server.headers.items():
        if name.lower() in SECRET_HEADERS and not REFERENCE.search(value):
            raise UsageError(
                f"{where}.headers.{name} holds a secret; write $NAME and set that variable"
            )


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise UsageError(f"{where} must be a text")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise UsageError(f"{where} must be a list of texts")
    return tuple(_text(item, where) for item in value)


def _table(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a table of texts")
    return {name: _text(item, f"{where}.{name}") for name, item in value.items()}
