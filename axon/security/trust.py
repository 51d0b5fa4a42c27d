"""Which of a project's files may widen what agents do: those a person has allowed, by hash.

The list lies with the person, never in the project: whoever can write the project, an agent or
the author of a branch, cannot write the list.
"""

import fcntl
import hashlib
import json
import os
import pwd
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from axon.config import Config, settings
from axon.errors import UsageError
from axon.facts import dataclass
from axon.security.hidden import is_secret

VERSION = 1
MAX_LIST_BYTES = 64 << 20
RECIPE = ("copy", "link")  # settings: what is brought into each workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that takes effect only when it is allowed: a file, or a section of axon.toml."""

    name: str  # ".axon/agents/docs.md", "axon.toml [mcp]"
    text: str
    widens: str = ""  # what it changes, for the person who decides

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a person has allowed for one project. `everything`: all, without asking (CI)."""

    path: Path
    project: str
    everything: bool = False

    @classmethod
    def of(cls, config: Config) -> "Trust":
        folder = _config_home(config.environ) / "axon"
        return cls(
            path=folder / "trust.json",
            project=str(config.root.resolve()),
            everything=config.trust_all,
        )

    def is_trusted(self, item: Item) -> bool:
        return self.everything or self._allowed().get(item.name, {}).get("sha256") == item.sha256

    def allowed_text(self, name: str) -> str | None:
        """What was allowed under this name before, if anything."""
        text = self._allowed().get(name, {}).get("text")
        return text if isinstance(text, str) else None

    def allowed_names(self) -> tuple[str, ...]:
        return tuple(sorted(self._allowed()))

    def allow(self, items: Sequence[Item], at: float) -> None:
        """Remember exactly these texts; each takes the place of what had its name."""
        with self._alone():
            known = self._read()
            project = known["projects"].setdefault(self.project, {})
            for item in items:
                project[item.name] = {"sha256": item.sha256, "text": item.text, "at": at}
            self._save(known)

    def forget(self, names: Sequence[str]) -> None:
        """Take the permission back."""
        with self._alone():
            known = self._read()
            for name in names:
                known["projects"].get(self.project, {}).pop(name, None)
            self._save(known)

    def _allowed(self) -> dict[str, Any]:
        found = self._read()["projects"].get(self.project, {})
        return {name: entry for name, entry in found.items() if isinstance(entry, dict)}

    def _read(self) -> dict[str, Any]:
        """The whole list. UsageError when somebody else could have written it."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return {"version": VERSION, "projects": {}}
        except OSError as error:
            raise UsageError(
                f"cannot read {self.path}: {error.strerror}; mend or remove it"
            ) from None
        with open(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) & 0o022:
                raise UsageError(f"{self.path} can be written by others; chmod 600, and own it")
            data = file.read(MAX_LIST_BYTES + 1)
        try:
            known = json.loads(data)
            if known["version"] == VERSION and all(map(_is_table, known["projects"].values())):
                return dict(known)
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise UsageError(f"{self.path} is damaged; remove it and allow again with axon trust")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two at once must not forget each other's."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = open(self.path.with_suffix(".lock"), "ab")  # noqa: SIM115  # closed below
        except OSError as error:
            raise UsageError(
                f"cannot write {self.path.parent}: {error.strerror}; make it writable"
            ) from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _save(self, known: Mapping[str, Any]) -> None:
        """Whole or not at all; the file is private from its first byte."""
        data = json.dumps(known, indent=1, sort_keys=True).encode()
        try:
            new = self.path.with_suffix(".new")  # under the lock: nobody else writes it
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(new, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self.path)
        except OSError as error:
            raise UsageError(
                f"cannot write {self.path}: {error.strerror}; nothing was allowed"
            ) from None


def widening_settings(config: Config) -> tuple[Item, ...]:
    """The sections of the project's axon.toml that need a person's consent."""
    found = []
    for setting in settings():
        key, value = setting.metadata["key"], _widening(setting, config)
        if value and config.origins.get(key) == "axon.toml":
            text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
            found.append(Item(name=f"axon.toml [{key}]", text=text, widens=setting.metadata["doc"]))
    return tuple(found)


def _widening(setting: "Field[Any]", config: Config) -> Any:
    """The part of a value that needs consent: secrets may be what a recipe brings along."""
    value = getattr(config, setting.name)
    if setting.name in RECIPE:
        return [name for name in value if any(map(is_secret, PurePosixPath(name).parts))]
    return value if setting.metadata["widens"] else None


def allowed_only(config: Config) -> tuple[Config, tuple[str, ...]]:
    """`config` without the sections nobody has allowed, and a line for each of those."""
    trust = Trust.of(config)
    refused = {item.name for item in widening_settings(config) if not trust.is_trusted(item)}
    changes: dict[str, Any] = {}
    for setting in settings():
        if f"axon.toml [{setting.metadata['key']}]" in refused:
            default = {} if setting.default is MISSING else setting.default
            if setting.name in RECIPE:
                secret = _widening(setting, config)
                default = tuple(n for n in getattr(config, setting.name) if n not in secret)
            changes[setting.name] = default
    return replace(config, **changes), tuple(ignored(name) for name in sorted(refused))


def ignored(name: str) -> str:
    """The notice for something that was left out."""
    return f"{name} is not allowed and ignored; see and allow it with axon trust"


def _config_home(environ: Mapping[str, str]) -> Path:
    chosen = Path(environ.get("XDG_CONFIG_HOME") or "")
    if chosen.is_absolute():
        return chosen
    home = environ.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
    return Path(home) / ".config"


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)
