"""Files that others of this host could read or write, and should not."""

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from axon.config import Config
from axon.monitoring.health.check import Check, good, warned
from axon.security.trust import Trust

READ, WRITE = 0o077, 0o022
MOST_SHOWN = 5


def permissions(config: Config) -> Check:
    found = [_loose(path, bits) for path, bits in _places(config)]
    loose = [text for text in found if text]
    if not loose:
        return good("permissions", "secrets and state are readable by this user alone")
    names = ", ".join(name for name, _ in loose[:MOST_SHOWN])
    more = f" and {len(loose) - MOST_SHOWN} more" if len(loose) > MOST_SHOWN else ""
    fix = " && ".join(fix for _, fix in loose[:MOST_SHOWN])
    return warned("permissions", f"others can get at {names}{more}", fix)


def _places(config: Config) -> Iterator[tuple[Path, int]]:
    """What to look at, and the bits it must not have."""
    root, state = config.root, config.state_dir
    yield root / ".env", READ
    yield state, READ
    if _loose(state, READ):  # a closed folder closes what is in it
        for name in ("dashboard.token", "ledger.db", "axon.log"):
            yield state / name, READ
    yield Trust.of(config).path, WRITE
    yield root / "axon.toml", WRITE
    yield root / ".git", WRITE
    home = config.environ.get("HOME", "")
    folder = config.environ.get("CLAUDE_CONFIG_DIR") or (home and f"{home}/.claude")
    if folder:
        yield Path(folder, ".credentials.json"), READ


def _loose(path: Path, bits: int) -> tuple[str, str] | None:
    """Its name and the command that mends it."""
    try:
        facts = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISLNK(facts.st_mode) or not stat.S_IMODE(facts.st_mode) & bits:
        return None
    folder = stat.S_ISDIR(facts.st_mode)
    mode = ("700" if folder else "600") if bits == READ else "go-w"
    return str(path), f"chmod {mode} {shlex.quote(str(path))}"
