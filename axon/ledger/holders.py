"""Who holds a lock, told by the kernel where it tells; and a holder that was stopped let go on."""

import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

from axon.facts import dataclass

RECORD_BYTES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that holds the lock."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})" if self.pid else "another process"

    def go_on(self) -> bool:
        """If somebody has stopped it in the middle of its write, let it end that.

        It holds what all others wait for, and it cannot be robbed of it: SQLite would have its
        write half done. What it does after that is fenced like all that comes late.
        """
        if not self.pid or _state(self.pid) != "T":
            return False
        with suppress(OSError):
            os.kill(self.pid, signal.SIGCONT)
            return True
        return False


NOBODY = Holder(pid=0, command="")


def holder_of(descriptor: int) -> Holder:
    """Who has locked that open file."""
    if sys.platform != "linux":
        return _recorded(descriptor)
    inode = os.fstat(descriptor).st_ino
    locks = ""
    with suppress(OSError):
        locks = Path("/proc/locks").read_text("ascii", "replace")
    match = re.search(rf"^\d+: FLOCK +ADVISORY +WRITE (\d+) \w+:\w+:{inode} ", locks, re.MULTILINE)
    return Holder(pid=int(match[1]), command=_command(int(match[1]))) if match else NOBODY


def record(descriptor: int) -> None:
    """Leave a note where the kernel does not tell; its holder alone writes to the file."""
    with suppress(OSError):  # a full disk must not stop a writer that can go on
        words = [Path(sys.argv[0]).name, *sys.argv[1:2]] if sys.argv else []
        text = f"{os.getpid()} {' '.join(words) or 'python'}".encode("utf-8", "replace")
        os.pwrite(descriptor, text[:RECORD_BYTES].ljust(RECORD_BYTES), 0)


def _recorded(descriptor: int) -> Holder:
    with suppress(OSError):
        text = os.pread(descriptor, RECORD_BYTES, 0).decode("utf-8", "replace")
        pid, _, command = text.strip().partition(" ")
        if pid.isdigit():
            return Holder(pid=int(pid), command=command)
    return NOBODY


def _command(pid: int) -> str:
    """Its program and subcommand, without the interpreter."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        words = [word for word in words[:8] if word and not word.startswith("-")]
        if len(words) > 1 and Path(words[0]).name.startswith("python"):
            words = words[1:]
        if words:
            return " ".join([Path(words[0]).name, *words[1:2]])
    return "unknown"


def _state(pid: int) -> str:
    """T: stopped by a signal. Empty where that cannot be known."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    return ""
