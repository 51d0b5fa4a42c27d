"""Find the processes something started, however they detached, and end them for good."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36
ROUND_SECONDS = 0.01
CROWD = 100  # so many may fork faster than we look: they are stopped first
LIMIT_SECONDS = 5.0  # something in uninterruptible sleep may outlive even SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One row of the process table. `pid` and `start` together name it for good."""

    pid: int
    parent: int
    group: int
    session: int
    start: str
    zombie: bool
    stopped: bool = False

    @property
    def key(self) -> tuple[int, str]:
        return self.pid, self.start


def table() -> dict[int, Process]:
    """All processes that can be seen."""
    if not os.path.isdir("/proc/self"):
        return _ps()
    found = (_proc(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process is not None}


def start_time(pid: int) -> str | None:
    """Tells a process from a later one with the same pid; None when it has ended."""
    process = _proc(pid) if os.path.isdir("/proc/self") else _ps(pid).get(pid)
    return process.start if process is not None and not process.zombie else None


def is_stopped(pid: int) -> bool:
    """Whether somebody has stopped it (Ctrl-Z, SIGSTOP): it lives and does nothing."""
    process = _proc(pid) if os.path.isdir("/proc/self") else _ps(pid).get(pid)
    return process is not None and process.stopped


def descendants(pid: int, now: dict[int, Process] | None = None) -> list[Process]:
    """Children, their children and so on; not those that were adopted by someone else."""
    return _below([pid], table() if now is None else now)


def cpu_seconds(pid: int) -> float:
    """What all below `pid` have computed so far, ended children included; 0 where /proc is not."""
    ticks = 0
    for process in descendants(pid):
        with suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{process.pid}/stat", "rb") as file:
                stat = file.read()
            ticks += sum(map(int, stat[stat.rindex(b")") + 2 :].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def end_tree(pid: int, grace_seconds: float, *, start: str | None = None) -> None:
    """SIGTERM to `pid` and all below, SIGKILL to what is left after the grace, until none is."""
    now = table()
    root = now.get(pid)
    if root is None or (start is not None and root.start != start):
        return
    tracked = {process.key: process for process in (root, *_below([pid], now))}
    if grace_seconds > 0:
        _signal(tracked.values(), signal.SIGTERM)
        ends = time.monotonic() + grace_seconds
        while time.monotonic() < ends:
            now = table()
            _track(tracked, now)
            if not _alive(tracked, now):
                return
            time.sleep(ROUND_SECONDS)
    _kill_until_gone(lambda now: _track(tracked, now))


def end_descendants(pid: int) -> None:
    """SIGKILL all below `pid`, until nothing is left; `pid` itself lives on."""
    tracked = {process.key: process for process in descendants(pid)}

    def find(now: dict[int, Process]) -> list[Process]:
        tracked.update({process.key: process for process in _below([pid], now)})
        return _track(tracked, now)

    _kill_until_gone(find)


def end_marked(mark: str) -> None:
    """SIGKILL every process of this user that has `mark` in its environment, and all below.

    The mark is inherited across setsid and double forks, so it finds what left the tree. It is
    nothing on systems whose /proc does not show the environment.
    """
    if not os.path.isdir("/proc/self"):
        return
    needle = mark.encode()
    tracked: dict[tuple[int, str], Process] = {}

    def find(now: dict[int, Process]) -> list[Process]:
        for process in now.values():
            if process.key not in tracked and process.pid != os.getpid() and _has(process, needle):
                tracked[process.key] = process
        return _track(tracked, now)

    _kill_until_gone(find)


def become_subreaper() -> bool:
    """Orphaned descendants become children of this process instead of init's (Linux)."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def end_orphans(spare: Collection[int]) -> int:
    """SIGKILL and reap children of this process that are not in `spare`, with all below them.

    `spare` must name every child somebody will wait for. Returns how many children it ended.
    """
    me = os.getpid()
    ended: set[int] = set()

    def find(now: dict[int, Process]) -> list[Process]:
        orphans = [p.pid for p in now.values() if p.parent == me and p.pid not in spare]
        ended.update(orphans)
        below = _below(orphans, now)
        for pid in orphans:
            _reap(pid)
        return [*(now[pid] for pid in orphans if not now[pid].zombie), *below]

    _kill_until_gone(find)
    return len(ended)


def _kill_until_gone(find: Callable[[dict[int, Process]], list[Process]]) -> None:
    """Kill what `find` finds in the table, again and again: they may fork while we look."""
    ends = time.monotonic() + LIMIT_SECONDS
    while left := [process for process in find(table()) if not process.zombie]:
        if len(left) > CROWD:
            left = _held(find, ends)
        _signal(left, signal.SIGKILL)
        if time.monotonic() > ends:
            return
        time.sleep(ROUND_SECONDS)


def _held(find: Callable[[dict[int, Process]], list[Process]], ends: float) -> list[Process]:
    """All of them, stopped: they fork no more, and where their number is limited nobody else."""
    while True:
        left = [process for process in find(table()) if not process.zombie]
        moving = [process for process in left if not process.stopped]
        if not moving or time.monotonic() > ends:
            return left
        _signal(moving, signal.SIGSTOP)


def _track(tracked: dict[tuple[int, str], Process], now: dict[int, Process]) -> list[Process]:
    """Add new descendants of what is tracked; return those that are alive."""
    alive = _alive(tracked, now)
    for process in _below([process.pid for process in alive], now):
        tracked[process.key] = process
    return _alive(tracked, now)


def _alive(tracked: dict[tuple[int, str], Process], now: dict[int, Process]) -> list[Process]:
    found = (now.get(pid) for pid, _ in tracked)
    return [p for p in found if p is not None and p.key in tracked and not p.zombie]


def _below(roots: Iterable[int], now: dict[int, Process]) -> list[Process]:
    children: dict[int, list[Process]] = {}
    for process in now.values():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = list(roots)
    seen = set(waiting)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child.pid not in seen:
                seen.add(child.pid)
                found.append(child)
                waiting.append(child.pid)
    return found


def _signal(processes: Iterable[Process], number: signal.Signals) -> None:
    for process in processes:
        if process.pid > 1 and process.pid != os.getpid():
            with suppress(ProcessLookupError, PermissionError):  # gone, or not ours to end
                os.kill(process.pid, number)


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _has(process: Process, needle: bytes) -> bool:
    try:
        with open(f"/proc/{process.pid}/environ", "rb") as file:
            return needle in file.read()
    except OSError:
        return False  # gone, or someone else's


def _proc(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # a program's name may hold anything
    return Process(
        pid=pid,
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        start=fields[19].decode(),
        zombie=fields[0] in (b"Z", b"X"),
        stopped=fields[0] == b"T",
    )


def _ps(pid: int | None = None) -> dict[int, Process]:
    """For systems without /proc (macOS)."""
    which = ["-p", str(pid)] if pid is not None else ["-ax"]
    out = subprocess.run(
        ["ps", *which, "-o", "pid=,ppid=,pgid=,sess=,stat=,lstart="],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"LC_ALL": "C", "PATH": "/bin:/usr/bin"},
        timeout=10,
    ).stdout
    found = {}
    for row in out.decode("ascii", "replace").splitlines():
        fields = row.split(None, 5)
        if len(fields) == 6 and fields[0].isdigit():
            number = int(fields[0])
            found[number] = Process(
                pid=number,
                parent=int(fields[1]),
                group=int(fields[2]),
                session=0,  # macOS prints an address here
                start=fields[5].strip(),
                zombie=fields[4].startswith("Z"),
                stopped=fields[4].startswith("T"),
            )
    return found
