"""What a bug report needs, in one small archive that a person can read, and without secrets."""

import io
import json
import os
import platform
import sqlite3
import stat
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from axon import __version__, resources
from axon.config import Config, read_dotenv, settings
from axon.errors import AxonError
from axon.gateway.login import login_environment, login_of
from axon.ledger import Event, Ledger
from axon.mcp.config import secrets_in, servers_of
from axon.monitoring.health.books import ledger_here
from axon.monitoring.metrics import metrics_view
from axon.security.masking import shown_settings
from axon.security.secrets import Redactor, secrets_of
from axon.tasks.text import shortened

EVENTS, SESSIONS, RUNS = 500, 50, 10
MOST_EVENT_BYTES, MOST_LOG_BYTES = 200 << 10, 200 << 10
BEFORE_BYTES = 32 << 10  # of the log, read to see a secret that begins there
LONGEST_VALUE, LONGEST_WHY, LONGEST_DATA = 500, 300, 100
SPOKEN = ("comment", "message", "ask", "answer", "plan")  # what people and agents said stays here
Clean = Callable[[str], str]
ABOUT = """\
A report of axon, for whoever is to find out what went wrong.

versions.json  axon, Python, system        config.json    settings and where they come from
health.json    what axon health said       ledger.json    counts and sizes
runs.json      the latest runs             sessions.json  the latest sessions, without their text
workers.json   what they did               metrics.json   figures
events.jsonl   the latest events, a line each             axon.log  the end of the log

Secrets are taken out, what agents and people said is not in it, and neither is any file of the
project. Look through it before you send it all the same: names of tasks and paths are there.
"""


def packed(config: Config, health: dict[str, Any], now: float) -> bytes:
    """A tar.gz. What cannot be read is said in its place; nothing here raises."""
    clean = _cleaner(config)
    top = time.strftime("axon-report-%Y%m%d-%H%M%S", time.localtime(now))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in _members(config, health, now, clean):
            data = clean(text).encode("utf-8", "backslashreplace")
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), int(now), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _members(
    config: Config, health: dict[str, Any], now: float, clean: Clean
) -> Iterator[tuple[str, str]]:
    yield "README.txt", ABOUT
    yield "versions.json", _told(versions)
    yield "health.json", _told(lambda: health)
    yield "config.json", _told(lambda: _settings(config, clean))
    ledger = None
    try:
        ledger = ledger_here(config)
    except (AxonError, OSError) as error:
        yield "ledger.json", json.dumps({"error": str(error)}) + "\n"
    if ledger is not None:
        with closing(ledger):
            yield from _of_ledger(ledger, config, now, clean)
    yield "axon.log", _tail(config.state_dir / "axon.log")


def _of_ledger(
    ledger: Ledger, config: Config, now: float, clean: Clean
) -> Iterator[tuple[str, str]]:
    yield "ledger.json", _told(lambda: {**ledger.stats(), "states": ledger.counts()})
    yield "runs.json", _told(lambda: [asdict(run) for run in ledger.runs(RUNS)])
    yield (
        "workers.json",
        _told(lambda: [asdict(one) for run in ledger.runs(RUNS) for one in ledger.workers(run.id)]),
    )
    yield "sessions.json", _told(lambda: [asdict(one) for one in ledger.sessions(limit=SESSIONS)])
    yield "metrics.json", _told(lambda: metrics_view(ledger, config, now))
    yield "events.jsonl", _events(ledger, clean)


def _told(look: Callable[[], Any]) -> str:
    try:
        found = look()
    except Exception as error:  # a report is for when something is wrong
        found = {"error": f"{type(error).__name__}: {error}"}
    return json.dumps(found, ensure_ascii=False, indent=1, default=str) + "\n"


def versions() -> dict[str, Any]:
    info = resources.build_info()
    return {
        "axon": __version__,
        "archive": bool(resources.archive_path()),
        "flavour": info.flavour if info else None,
        "sdk": info.sdk_version if info else None,
        "cli": info.cli_version if info else None,
        "python": sys.version,
        "platform": platform.platform(),
        "libc": " ".join(platform.libc_ver()),
        "sqlite": sqlite3.sqlite_version,
        "encoding": sys.getfilesystemencoding(),
        "cores": os.cpu_count(),
        "root": os.geteuid() == 0,
    }


def _settings(config: Config, clean: Clean) -> list[dict[str, Any]]:
    entries = shown_settings(config)
    for entry in entries:
        text = clean(json.dumps(entry["value"], ensure_ascii=False, default=str))
        if len(text) > LONGEST_VALUE:
            entry["value"] = shortened(text, LONGEST_VALUE)
    return entries


def _events(ledger: Ledger, clean: Clean) -> str:
    """The newest that fit, oldest first."""
    try:
        found = ledger.latest(limit=EVENTS)
    except AxonError as error:
        return json.dumps({"error": str(error)}) + "\n"
    lines: list[str] = []
    size = 0
    for event in reversed(found):
        line = json.dumps(_event(event, clean), ensure_ascii=False, default=str)
        size += len(line.encode("utf-8", "replace"))
        if size > MOST_EVENT_BYTES:
            break
        lines.append(line + "\n")
    return "".join(reversed(lines))


def _event(event: Event, clean: Clean) -> dict[str, Any]:
    """Without what people and agents said, and without what is long; half a secret would not be
    known, so they go first."""
    view = asdict(event)
    view["why"] = "" if event.action in SPOKEN else shortened(clean(event.why), LONGEST_WHY)
    view["data"] = {
        name: value
        for name, value in event.data.items()
        if isinstance(value, int | float | bool)
        or (isinstance(value, str) and len(value) <= LONGEST_DATA)
    }
    return view


def _tail(path: Path) -> str:
    """The end of a log of any size; what is no UTF-8 is replaced, what is no file is said."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return "it is not a file\n"
            file.seek(max(0, facts.st_size - MOST_LOG_BYTES - BEFORE_BYTES))
            return file.read(MOST_LOG_BYTES + BEFORE_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return "there is none\n"
    except OSError as error:
        return f"it cannot be read: {error.strerror}\n"


def _cleaner(config: Config) -> Clean:
    redactor = Redactor(_secrets(config))
    home = config.environ.get("HOME", "")

    def clean(text: str) -> str:
        text = redactor.text(text)
        if len(text) > MOST_LOG_BYTES + BEFORE_BYTES // 2:  # its beginning may be half a secret
            rest = text[BEFORE_BYTES // 2 :]
            text = rest.partition("\n")[2] or rest
        text = text.replace(str(config.root), "<project>")
        return text.replace(home, "~") if len(home) > len("/root") - 1 else text

    return clean


def _secrets(config: Config) -> Iterator[str]:
    """Every live one that this host lets us know."""
    yield from secrets_of(config.environ)
    yield from secrets_of(read_dotenv(config.root))
    for setting in settings():
        if setting.metadata["secret"]:
            yield str(getattr(config, setting.name) or "")
    with suppress(OSError):
        yield (config.state_dir / "dashboard.token").read_text("ascii", "replace")
    with suppress(AxonError):
        for server in servers_of(config):
            yield from secrets_in(server, config.environ)
    if login_of(config) == "bypass":
        with suppress(AxonError):
            yield from secrets_of(login_environment(config))
