"""Start the agent CLI so that it cannot outlive the process that started it."""

import os
import shlex
import sys
from pathlib import Path

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


def leashed(cli: Path, folder: Path) -> Path:
    """An executable in `folder` that runs `cli` and gets SIGTERM when this process dies."""
    script = folder / "claude"
    words = [sys.executable, "-ISc", _LEASHED, str(os.getpid()), str(cli)]
    text = f'#!/bin/sh\nexec {" ".join(map(shlex.quote, words))} "$@"\n'
    temporary = script.with_suffix(f".{os.getpid()}")
    temporary.write_text(text)
    temporary.chmod(0o700)
    temporary.replace(script)
    return script
