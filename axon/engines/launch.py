"""Start the agent CLI contained, and so that it cannot outlive the process that started it."""

import os
import shlex
import sys
from pathlib import Path

from axon.config import inherited
from axon.engines import SessionRequest

# Python when it is killed leaves the CLI running, calling the model and its tools; the kernel
# delivers this signal even then. The check after it covers a parent that died before it was set.
_LEASHED = """\
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 15)
if os.getppid() != int(sys.argv[1]):
    sys.exit("axon: the worker has gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


def leashed(cli: Path, request: SessionRequest, environment: dict[str, str]) -> Path:
    """An executable that runs `cli` in its sandbox and ends it when this process dies.

    It takes out of the environment what is not in `environment`: the SDK passes on everything.
    """
    script = request.launcher or request.home / "claude"
    script.parent.mkdir(parents=True, exist_ok=True)
    lines = ["#!/bin/sh"]
    if names := inherited(environment):
        lines.append(f"unset {' '.join(names)}")
    lines.append(f'exec {shlex.join(_words(cli, request))} "$@"')
    temporary = script.with_suffix(f".{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with open(temporary, "x", encoding="utf-8", errors="surrogateescape") as file:
        file.write("\n".join(lines) + "\n")
    temporary.chmod(0o700)
    temporary.replace(script)
    return script


def _words(cli: Path, request: SessionRequest) -> list[str]:
    me = os.getpid()
    words = request.contained.around([str(cli)], parent=me)
    if request.contained.sandbox.tier == "landlock":
        return words  # its launcher holds the leash
    leash = [sys.executable, "-ISc", _LEASHED, str(me)]
    if request.contained.sandbox.tier != "bubblewrap":
        return [*leash, *words]
    # bubblewrap dies with its parent by itself, and with it all that runs inside
    check = f'[ "$PPID" = {me} ] || exit 1; exec "$@"'
    return ["/bin/sh", "-c", check, "axon", *words]
