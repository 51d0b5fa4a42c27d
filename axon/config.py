"""Every setting with its default, and where its effective value came from.

Order, later wins: default, `axon.toml`, `.env` of the project, environment, flag. This is the
only module that reads the environment.
"""

import difflib
import os
import re
import tomllib
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from axon.errors import UsageError

ALIASES = ("haiku", "sonnet", "opus")
MODEL_ID = re.compile(
    r"(?=.*[-:/.\d])[\w.:/@\[\]-]{3,200}"
)  # local servers have names of their own
MOST = 10**12  # no setting needs more, and every part can hold it

CREDENTIALS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_OAUTH_TOKEN",
)
# Read by other modules from `Config.environ`; listed for `axon config`.
MODEL_VARIABLES = (*CREDENTIALS, "ANTHROPIC_BASE_URL")


def _setting(
    key: str, default: Any, doc: str, *, env: str = "", flag: str = "", own: bool = False
) -> Any:
    """`own`: the person's alone to say, never the repository's `axon.toml` or `.env`."""
    meta = {"key": key, "doc": doc, "env": env, "flag": flag, "own": own}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=meta)
    return field(default=default, metadata=meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Effective settings of one project."""

    root: Path
    environ: Mapping[str, str]  # `.env` under the environment
    origins: Mapping[str, str]  # setting key -> "default", "axon.toml", ".env", NAME, "--flag"

    target: str = _setting(
        "project.target", "", "branch to land on; empty: the one checked out", flag="target"
    )
    team: str = _setting("project.team", "ENG", "team key of new tasks", flag="team")
    ledger: str = _setting(
        "ledger.url", "", "empty: file:.axon/ledger.db", env="AXON_LEDGER", flag="ledger"
    )
    workers: int = _setting("team.workers", 2, "agents at work at once", flag="workers")
    max_tasks: int | None = _setting(
        "team.max_tasks", None, "tasks one run may take", flag="max_tasks"
    )
    budget_usd: float | None = _setting(
        "team.budget_usd", None, "USD one run may spend", flag="budget_usd"
    )
    lease_seconds: float = _setting(
        "team.lease_seconds", 30.0, "a claim not renewed for so long is given back"
    )
    engine: str = _setting("engine.name", "claude", "claude or command", flag="engine")
    engine_command: str = _setting("engine.command", "", "what engine `command` runs in a shell")
    model: str = _setting(
        "engine.model", "sonnet", "haiku, sonnet, opus or a full model id", flag="model"
    )
    claude: str = _setting(
        "engine.claude", "", "Claude Code CLI to use instead of the packed one", env="AXON_CLAUDE"
    )
    upstream: str = _setting(
        "model.upstream",
        "",
        "script:FILE instead of the real endpoint",
        flag="model_upstream",
    )
    gate: str = _setting("gate.command", "", "exit code 0 means the work is good")
    gate_minutes: float = _setting("gate.minutes", 10.0, "time limit of the gate")
    copy: tuple[str, ...] = _setting(
        "workspace.copy", (), "untracked paths copied into each workspace"
    )
    link: tuple[str, ...] = _setting(
        "workspace.link", (), "untracked paths linked into each workspace"
    )
    setup: str = _setting("workspace.setup", "", "command that prepares a new workspace")
    setup_minutes: float = _setting("workspace.setup_minutes", 10.0, "time limit of the set-up")
    ports: int = _setting(
        "workspace.ports", 10, "ports reserved per workspace; the first is $AXON_PORT"
    )
    variables: dict[str, str] = _setting(
        "workspace.environment", {}, "variables for set-up, agent and gate"
    )
    disk_floor_mb: int = _setting(
        "workspace.disk_floor_mb", 500, "no task is started with less free space"
    )
    max_attempts: int = _setting("limits.max_attempts", 3, "failed attempts before a task fails")
    max_losses: int = _setting(
        "limits.max_losses", 10, "dead workers one task may cost before it fails"
    )
    max_turns: int = _setting("limits.max_turns", 200, "model turns of one attempt")
    max_minutes: float = _setting("limits.max_minutes", 60.0, "time limit of one attempt")
    max_usd: float | None = _setting("limits.max_usd", None, "USD one task may spend")
    backoff_seconds: float = _setting(
        "limits.backoff_seconds", 2.0, "pause after a failed attempt, doubled each time"
    )
    cache_dir: str = _setting(
        "cache.dir", "", "where engine files are unpacked", env="AXON_CACHE_DIR", own=True
    )

    @property
    def state_dir(self) -> Path:
        return self.root / ".axon"

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"file:{self.state_dir / 'ledger.db'}"

    @property
    def color(self) -> bool:
        return not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"


def settings() -> tuple["Field[Any]", ...]:
    return tuple(f for f in fields(Config) if "key" in f.metadata)


def load_config(args: Namespace, cwd: Path | None = None) -> Config:
    """Read all sources. UsageError names the source, the key and the nearest known key."""
    root = find_root(cwd or Path.cwd())
    dotenv = _permitted(_read_dotenv(root / ".env"))
    environ = {**dotenv, **os.environ}
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
            found.append((env if env in os.environ else ".env", environ[env]))
        if flag and getattr(args, flag, None) is not None:
            found.append((f"--{flag.replace('_', '-')}", getattr(args, flag)))
        if found:
            origin, raw = found[-1]
            values[setting.name] = _convert(raw, types[setting.name], f"{key} ({origin})")
            origins[key] = origin
    for name in MODEL_VARIABLES:
        if name in environ:
            origins[name] = "environment" if name in os.environ else ".env"
    config = Config(root=root, environ=environ, origins=origins, **values)
    _check(config)
    return config


def find_root(cwd: Path) -> Path:
    """The nearest folder above that is a git checkout, else `cwd`."""
    for folder in (cwd, *cwd.parents):
        if (folder / ".git").exists():
            return folder
    return cwd


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
    """
    named = {s.metadata["env"] for s in settings() if s.metadata["env"] and not s.metadata["own"]}
    allowed = {k: v for k, v in dotenv.items() if k in named or k in MODEL_VARIABLES}
    foreign = [name for name in CREDENTIALS if name in os.environ]
    if "ANTHROPIC_BASE_URL" in allowed and "ANTHROPIC_BASE_URL" not in os.environ and foreign:
        raise UsageError(
            f".env sets ANTHROPIC_BASE_URL, but {foreign[0]} comes from the environment and would "
            "be sent there; set both in the same place"
        )
    return allowed


def _read_toml(path: Path) -> dict[str, Any]:
    """`{"gate.command": ...}`; unknown keys are errors."""
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; fix or remove it") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}; fix it") from None
    known = {setting.metadata["key"] for setting in settings() if not setting.metadata["own"]}
    flat: dict[str, Any] = {}
    for section, entries in document.items():
        if not isinstance(entries, dict):
            entries = {"": entries}
        for name, value in entries.items():
            key = f"{section}.{name}".rstrip(".")
            if key not in known:
                near = difflib.get_close_matches(key, known, 1, 0.4)
                hint = f"did you mean {near[0]}?" if near else "see axon config for the known keys"
                raise UsageError(f"unknown key {key} in {path.name}; {hint}")
            flat[key] = value
    return flat


def _convert(raw: Any, kind: Any, where: str) -> Any:
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    base = getattr(kind, "__args__", (kind,))[0] if type(None) in _members(kind) else kind
    try:
        if base is str and isinstance(raw, str):
            return raw
        if base in (int, float) and isinstance(raw, str | int | float) and raw is not True:
            if base is int and isinstance(raw, float):
                raise ValueError
            number = base(raw)
            if not abs(number) <= MOST:
                raise ValueError
            return number
        if (
            base == tuple[str, ...]
            and isinstance(raw, list)
            and all(isinstance(item, str) for item in raw)
        ):
            return tuple(raw)
        if (
            base == dict[str, str]
            and isinstance(raw, dict)
            and all(isinstance(item, str) for item in raw.values())
        ):
            return dict(raw)
    except ValueError:
        pass
    shape = names.get(base, "a list of texts" if base == tuple[str, ...] else "a table of texts")
    raise UsageError(f"{where} is {raw!r}; it must be {shape}")


def _members(kind: Any) -> tuple[Any, ...]:
    return getattr(kind, "__args__", ())


def _check(config: Config) -> None:
    """Refuse values no part could work with."""
    least = {"workers": 1, "lease_seconds": 1, "max_attempts": 1, "max_turns": 1, "max_losses": 1}
    for name, minimum in least.items():
        if getattr(config, name) < minimum:
            raise UsageError(f"{name.replace('_', ' ')} must be at least {minimum}")
    for name in ("gate_minutes", "setup_minutes", "max_minutes", "budget_usd", "max_usd"):
        if (value := getattr(config, name)) is not None and value <= 0:
            raise UsageError(f"{name.replace('_', ' ')} must be more than 0")
    for name in ("backoff_seconds", "ports", "disk_floor_mb"):
        if getattr(config, name) < 0:
            raise UsageError(f"{name.replace('_', ' ')} must not be negative")
    if config.max_tasks is not None and config.max_tasks < 1:
        raise UsageError("max tasks must be at least 1")
    if config.workers > 64:
        raise UsageError("workers must be at most 64; start more teams on other hosts")
    if config.engine not in ("claude", "command"):
        raise UsageError(f"unknown engine {config.engine!r}; use claude or command")
    if not config.team.isalnum() or not config.team.isascii() or not config.team.isupper():
        raise UsageError(f"team key {config.team!r} must be capital letters and digits, as ENG")
    if config.model not in ALIASES and not MODEL_ID.fullmatch(config.model):
        raise UsageError(
            f"unknown model {config.model!r}; use haiku, sonnet, opus or a full model id"
        )


def scrub_environment(keep: Mapping[str, str]) -> None:
    """Leave only `keep` in this process's environment: children inherit it, and show it."""
    os.environ.clear()
    os.environ.update(keep)
