"""What a command may take of the machine, processes and disk, looked at while it runs."""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from axon.team.processes import descendants, table

MOST_PROCESSES = 1000
CROWD_SECONDS = 2.0  # between two counts, while the machine as a whole has no more processes
MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """`folders`: where the command may write; their disks keep `floor_mb` free."""

    processes: int = MOST_PROCESSES
    floor_mb: int = 0
    folders: tuple[Path, ...] = ()
    large_bytes: int = 1 << 20  # of a file that is worth removing


@dataclass(slots=True)
class Taking:
    """One command against its allowance. `blamed`: it is its own doing."""

    allowance: Allowance
    why: str = ""
    blamed: bool = True
    _began: int = field(init=False)
    _free: dict[Path, int] = field(init=False)
    _tasks: int = field(default_factory=lambda: tasks_of_machine())
    _count_at: float = 0.0
    _disk_at: float = 0.0

    def __post_init__(self) -> None:
        self._free = {folder: free_mb(folder) for folder in self.allowance.folders}
        self._began = time.time_ns()

    def look(self, pid: int) -> str:
        """Why the command of process `pid`, a session of its own, must end now; or nothing."""
        self.why = self.why or self._disk() or self._processes(pid)
        return self.why

    def _disk(self) -> str:
        floor = self.allowance.floor_mb
        for folder, before in self._free.items():
            free = free_mb(folder)
            if free < floor:
                # What it has written itself, in its folders: else others filled the disk, or it
                # was full before, and that is no fault of this command.
                own = sum(size for _, size in self._written()) // MB
                self.blamed = before >= floor and own >= max(8, (before - free) // 2)
                return (
                    f"it left {free} MB free on the disk of {folder}, less than the floor of"
                    f" {floor} MB (workspace.disk_floor_mb)"
                )
        return ""

    def _processes(self, pid: int) -> str:
        now, grown = time.monotonic(), tasks_of_machine() - self._tasks
        most = self.allowance.processes
        if grown < most and now < self._count_at:
            return ""
        self._count_at = now + CROWD_SECONDS
        if most_of(pid) > most:
            return f"it had more than {most} processes at once (gate.max_processes)"
        return ""

    def disk(self) -> str:
        """As `look`, of the disk alone, and only where it is to blame."""
        if not self.why and time.monotonic() >= self._disk_at and (full := self._disk()):
            self._disk_at = time.monotonic() + CROWD_SECONDS  # a look at all files costs something
            self.why = full if self.blamed else ""
        return self.why

    def clear(self, spare: Collection[Path] = ()) -> None:
        """Remove the large files it has written: the disk is needed by everybody."""
        large = self.allowance.large_bytes
        written = [path for path, size in self._written() if size >= large]
        for path in [found for found in written if found not in spare]:
            with suppress(OSError):
                path.unlink()

    def _written(self) -> Iterator[tuple[Path, int]]:
        """What it has written so far, and how much room that takes."""
        for folder in self.allowance.folders:
            for root, names, files in os.walk(folder):
                if ".git" in names:
                    names.remove(".git")
                for name in files:
                    path = Path(root, name)
                    with suppress(OSError):
                        facts = path.lstat()
                        if facts.st_ctime_ns >= self._began - 10**9:
                            yield path, facts.st_blocks * 512


def most_of(pid: int) -> int:
    """Processes of the session that `pid` leads, and what has descended from it."""
    now = table()
    found = {process.pid for process in now.values() if process.session == pid}
    return len(found | {process.pid for process in descendants(pid, now)})


def free_mb(folder: Path) -> int:
    """What anybody may still write there; a lot when that is not known."""
    try:
        facts = os.statvfs(folder)
    except OSError:
        return 1 << 40
    return facts.f_bavail * facts.f_frsize // MB


def tasks_of_machine() -> int:
    """All its processes and threads; 0 where that is not told (macOS)."""
    try:
        with open("/proc/loadavg", "rb") as file:
            return int(file.read().split()[3].partition(b"/")[2])
    except (OSError, ValueError, IndexError):
        return 0
