"""Read the sources in their order, and remember which one each value came from."""

import os
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from axon.config.declared import CREDENTIALS, MODEL_VARIABLES, Config, settings
from axon.config.values import check, convert, from_variable
from axon.errors import UsageError


def load_config(
    args: Namespace, cwd: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Config:
    """Read all sources. UsageError names the source, the key and the nearest known key."""
    root = find_root(cwd or Path.cwd())
    dotenv = _permitted(_read_dotenv(root / ".env"))
    environ = {**dotenv, **environment}
    table = _read_toml(root / "axon.toml")
    types = get_type_hints(Config)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in settings():
        key, flag, env = (setting.metadata[name] for name in ("key", "flag", "env"))
        origins[key] = "default"
        found: list[tuple[str, Any]] = []
        if key in table:
            found.append(("axon.toml", table[key]))
        if env and environ.get(env):  # set but empty is as good as not set
            said = from_variable(environ[env], types[setting.name])
            found.append((env if env in environment else ".env", said))
        if flag and getattr(args, flag, None) is not None:
            found.append((f"--{flag.replace('_', '-')}", getattr(args, flag)))
        if found:
            origin, raw = found[-1]
            values[setting.name] = convert(raw, types[setting.name], f"{key} ({origin})")
            origins[key] = origin
    for name in MODEL_VARIABLES:
        if name in environ:
            origins[name] = "environment" if name in environment else ".env"
    config = Config(root=root, environ=environ, origins=origins, **values)
    check(config)
    _refuse_foreign_key(config)
    _refuse_foreign_chat(config)
    return config


def rereader(args: Namespace, config: Config) -> Callable[[], Config]:
    """Reads all sources anew, with the environment as it is now: a run takes its keys away."""
    environment = dict(os.environ)
    return lambda: load_config(args, config.root, environment)


def _refuse_foreign_key(config: Config) -> None:
    """A repository that names a task server must bring its own key: it is not sent another's."""
    key = "ledger.url" if config.ledger else "ledger.task_mcp_url"
    origin = config.origins[key]
    if not config.ledger_url.startswith("mcp+") or origin not in ("axon.toml", ".env"):
        return
    if config.origins["mcp_api_key"] == "MCP_API_KEY":
        raise UsageError(
            f"{origin} names a task server, but MCP_API_KEY comes from the environment and would"
            " be sent there; name the server by AXON_LEDGER or --ledger"
        )


def _refuse_foreign_chat(config: Config) -> None:
    """Nor does a project say who may command by a bot that is not its own."""
    origin = config.origins["telegram.chats"]
    if origin == ".env" and config.origins["telegram.token"] == "TELEGRAM_BOT_TOKEN":
        raise UsageError(
            ".env sets TELEGRAM_CHAT_ID, but TELEGRAM_BOT_TOKEN comes from the environment and"
            " would be obeyed there; set both in the same place"
        )


def find_root(cwd: Path) -> Path:
    """The nearest folder above that is a git checkout, else `cwd`."""
    for folder in (cwd, *cwd.parents):
        if (folder / ".git").exists():
            return folder
    return cwd


def read_dotenv(root: Path) -> dict[str, str]:
    """All that the project's `.env` says, permitted or not."""
    return _read_dotenv(root / ".env")


def _read_dotenv(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; fix or remove it") from None
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip().isidentifier():
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            found[name.strip()] = value
    return found


def _permitted(dotenv: dict[str, str]) -> dict[str, str]:
    """What a project may say in `.env`: settings and its way to the model, not PATH or HOME.

    A repository that names an endpoint must bring its own key: it is not sent anybody else's.
    The same holds for GitHub: what to do there is the token's owner's to say.
    """
    brought = "GITHUB_TOKEN" in dotenv and "GITHUB_TOKEN" not in os.environ
    named = {
        s.metadata["env"]
        for s in settings()
        if s.metadata["env"]
        and (s.metadata["secret"] or _is_open(s.metadata) or (brought and _is_github(s.metadata)))
    }
    allowed = {k: v for k, v in dotenv.items() if k in named or k in MODEL_VARIABLES}
    foreign = [name for name in CREDENTIALS if name in os.environ]
    if "ANTHROPIC_BASE_URL" in allowed and "ANTHROPIC_BASE_URL" not in os.environ and foreign:
        raise UsageError(
            f".env sets ANTHROPIC_BASE_URL, but {foreign[0]} comes from the environment and would "
            "be sent there; set both in the same place"
        )
    return allowed


def _is_github(meta: Mapping[str, Any]) -> bool:
    return bool(meta["key"].startswith("github."))


def _is_open(meta: Mapping[str, Any]) -> bool:
    """A setting that a project may say in its `.env`, whoever's keys are used."""
    return not meta["own"] and not (meta["widens"] and _is_github(meta))


def _read_toml(path: Path) -> dict[str, Any]:
    """`{"gate.command": ...}`; unknown keys are errors."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; fix or remove it") from None
    import tomllib  # where there is such a file: it takes as long to import as all of this room

    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}; fix it") from None
    return dict(_flat(document, "", path.name))


def _flat(table: dict[str, Any], prefix: str, source: str) -> Iterator[tuple[str, Any]]:
    """Tables in tables as dotted keys, as far down as settings have them."""
    known = {setting.metadata["key"] for setting in settings() if not setting.metadata["own"]}
    for name, value in table.items():
        key = prefix + name
        if key in known:
            yield key, value
        elif isinstance(value, dict):
            yield from _flat(value, f"{key}.", source)
        else:
            import difflib  # for a mistake only

            near = difflib.get_close_matches(key, known, 1, 0.4)
            hint = f"did you mean {near[0]}?" if near else "see axon config for the known keys"
            raise UsageError(f"unknown key {key} in {source}; {hint}")


def inherited(given: Mapping[str, str]) -> tuple[str, ...]:
    """Variables a child would get of this process beside those it is given."""
    return tuple(sorted(n for n in os.environ if n not in given and n.isidentifier()))


def scrub_environment(keep: Mapping[str, str]) -> None:
    """Leave only `keep` in this process's environment: children inherit it, and show it."""
    os.environ.clear()
    os.environ.update(keep)
