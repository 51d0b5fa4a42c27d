"""Turn what a source says into what a setting holds; refuse what no part could work with."""

import re
from collections.abc import Iterable
from typing import Any

from axon.config.declared import Config, settings
from axon.config.services import DAYS, KINDS, NEVER
from axon.errors import UsageError

ALIASES = ("haiku", "sonnet", "opus")
MODEL_ID = re.compile(r"(?=.*[-:/.\d])[\w.:/@\[\]-]{3,200}")  # local servers have their own names
CHAT = re.compile(r"-?\d{1,18}", re.ASCII)
INHERIT = "inherit"  # an agent's model: that of the session it works in
TEXTS: Any = tuple[str, ...]
NUMBERS: Any = tuple[int, ...]
TABLES: Any = dict[str, dict[str, Any]]
SHAPES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    TEXTS: "a list of texts",
    NUMBERS: "a list of whole numbers",
    dict[str, str]: "a table of texts",
    TABLES: "a table of tables",
}
CHOICES = {
    "review": ("solo", "always", "never"),
    "engine": ("claude", "command"),
    "land": ("auto", "manual", "pr"),
    "sandbox_tier": ("auto", "bubblewrap", "landlock", "sandbox-exec"),
    "sandbox_network": ("open", "model-only", "ports"),
    "replay": ("strict", "lenient"),
    "budget_then": ("stop", "pause", "ask"),
}
SWITCHES = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
LEAST = {
    "workers": 0,
    "max_review": 1,
    "lease_seconds": 1,
    "max_processes": 10,
    "land_batch": 1,
    "max_attempts": 1,
    "max_turns": 1,
    "max_losses": 1,
    "same_errors": 2,
    "idle_turns": 5,
    "max_context_tokens": 1000,
}
MORE_THAN_NOTHING = (
    "github_poll_seconds",
    "gate_minutes", "setup_minutes", "max_minutes", "stall_minutes", "budget_usd", "budget_tokens",
    "max_usd", "task_tokens", "day_usd", "day_tokens",
    "key_minutes", "stale_hours",
)  # fmt: skip
MOST = 10**12  # no setting needs more, and every part can hold it


def from_variable(text: str, kind: Any) -> Any:
    """A variable's text as a file would say it: true or false, and lists with commas between."""
    if kind is bool:
        return SWITCHES.get(text.strip().lower(), text)
    if kind in (TEXTS, NUMBERS):
        items = [item.strip() for item in text.split(",") if item.strip()]
        digits = kind == NUMBERS and all(item.isascii() and item.isdigit() for item in items)
        return [int(item) for item in items] if digits else items
    return text


def convert(raw: Any, kind: Any, where: str) -> Any:
    """`raw` as the setting's type has it; UsageError says what it must be."""
    members: Any = getattr(kind, "__args__", ())
    base = members[0] if type(None) in members else kind
    found = _converted(raw, base)
    if found is None:
        raise UsageError(f"{where} is {raw!r}; it must be {SHAPES[base]}")
    return found


def _converted(raw: Any, base: Any) -> Any:
    """None when it cannot be one."""
    if base is bool:
        return raw if isinstance(raw, bool) else None
    if base is str:
        return raw if isinstance(raw, str) else None
    if base in (int, float):
        return _number(raw, base)
    if base == TEXTS:
        return tuple(raw) if isinstance(raw, list) and _all(raw, str) else None
    if base == NUMBERS:
        whole = isinstance(raw, list) and all(type(number) is int for number in raw)
        return tuple(raw) if whole else None
    inner = dict if base == TABLES else str
    return dict(raw) if isinstance(raw, dict) and _all(raw.values(), inner) else None


def _number(raw: Any, base: type[int] | type[float]) -> int | float | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    if base is int and isinstance(raw, float):
        return None
    try:
        number = base(raw)
    except ValueError:
        return None
    return number if abs(number) <= MOST else None


def _all(values: Iterable[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)


def check_model(model: str, where: str = "") -> None:
    """UsageError unless `model` is an alias or looks like a full id."""
    if model not in ALIASES and not MODEL_ID.fullmatch(model):
        raise UsageError(
            f"unknown model {model!r}{where}; use haiku, sonnet, opus or a full model id"
        )


def chat_ids(text: str, key: str) -> tuple[int, ...]:
    """The numbers of a list like "12, -1003"; UsageError for anything else, as @names."""
    words = text.replace(",", " ").split()
    wrong = next((word for word in words if not CHAT.fullmatch(word)), "")
    if wrong:
        raise UsageError(
            f"{key} has {wrong!r}; a chat or a person is a number, as 123456 or -1001234567890"
        )
    return tuple(dict.fromkeys(map(int, words)))


def weekday(text: str) -> int | None:
    """0 is Monday; None is never. UsageError for anything else."""
    name = text.strip().lower()
    if name in (NEVER, "off", "none"):
        return None
    if name.isdigit() and 1 <= int(name) <= 7:
        return int(name) - 1
    found = [number for number, day in enumerate(DAYS) if len(name) > 1 and day.startswith(name)]
    if len(found) != 1:
        raise UsageError(
            f"report.weekly_day (WEEKLY_SUMMARY_DAY) is {text!r}; use monday to sunday, 1 (Monday)"
            " to 7, or never"
        )
    return found[0]


def _check_reports(config: Config) -> None:
    chat_ids(config.telegram_chats, "telegram.chats (TELEGRAM_CHAT_ID)")
    chat_ids(config.telegram_senders, "telegram.senders")
    weekday(config.weekly_day)
    if not -1 <= config.digest_hour <= 23:
        raise UsageError("report.digest_hour (DAILY_DIGEST_HOUR) must be 0 to 23, or -1 for none")
    for kind in config.telegram_events:
        if kind not in KINDS:
            raise UsageError(f"telegram.events has {kind!r}; use {', '.join(KINDS)}")


def check(config: Config) -> None:
    """Refuse values no part could work with."""
    for name, minimum in LEAST.items():
        if getattr(config, name) < minimum:
            raise UsageError(f"{name.replace('_', ' ')} must be at least {minimum}")
    for name in MORE_THAN_NOTHING:
        if (value := getattr(config, name)) is not None and value <= 0:
            raise UsageError(f"{name.replace('_', ' ')} must be more than 0")
    for name in (
        "replay_speed",
        "hold_seconds",
        "backoff_seconds",
        "ports",
        "disk_floor_mb",
        "heartbeat_minutes",
    ):
        if getattr(config, name) < 0:
            raise UsageError(f"{name.replace('_', ' ')} must not be negative")
    if config.max_tasks is not None and config.max_tasks < 1:
        raise UsageError("max tasks must be at least 1")
    for name, known in CHOICES.items():
        if (value := getattr(config, name)) not in known:
            key = next(f.metadata["key"] for f in settings() if f.name == name)
            said = f"{', '.join(known[:-1])} or {known[-1]}"
            raise UsageError(f"unknown {key.removesuffix('.name')} {value!r}; use {said}")
    for port in config.sandbox_ports:
        if not 0 < port < 65536:
            raise UsageError(f"sandbox.ports has {port}; a port is a number from 1 to 65535")
    _check_reports(config)
    if config.workers > 64:
        raise UsageError("workers must be at most 64; start more teams on other hosts")
    if not config.team.isalnum() or not config.team.isascii() or not config.team.isupper():
        raise UsageError(f"team key {config.team!r} must be capital letters and digits, as ENG")
    check_model(config.model)
    for setting in settings():
        if setting.metadata["key"].startswith("agents."):
            model = getattr(config, setting.name)
            if model != INHERIT:
                check_model(model, f" for {setting.metadata['key']} (or {INHERIT})")
