"""The machine: disk, memory, limits of the system, clock."""

import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from axon.config import Config
from axon.monitoring.health.check import Check, failed, good, warned

AGENT_BYTES = 800 << 20  # an agent CLI with the tools and the check it runs
LEAST_BYTES = 200 << 20
DESCRIPTORS = 1024
AGENT_PROCESSES = 64  # threads too
AGENT_WATCHES = 8
FIRST_YEAR, LAST_YEAR = 2025, 2100
SLACK_SECONDS = 86400.0
PID_FILES = ("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids.current")
WATCHES = Path("/proc/sys/fs/inotify/max_user_instances")


def disk(config: Config) -> Check:
    """Where workspaces and recordings are."""
    place = config.state_dir if config.state_dir.exists() else config.root
    free, floor = shutil.disk_usage(place).free >> 20, config.disk_floor_mb
    if free < floor:
        fix = "run axon gc, free some space, or set workspace.disk_floor_mb lower"
        return failed("disk", f"{free:,} MB are free, the floor is {floor:,} MB", fix)
    if free < 2 * floor:
        reason = f"{free:,} MB are free, near the floor of {floor:,} MB"
        return warned("disk", reason, "run axon gc, or free some space")
    return good("disk", f"{free:,} MB are free, the floor is {floor:,} MB")


def memory(config: Config) -> Check:
    free, workers = free_bytes(), max(1, config.workers)
    if free is None:
        return good("memory", "how much is free is not known on this system")
    reason = f"{free >> 20:,} MB are free for {workers} workers of some {AGENT_BYTES >> 20} MB each"
    if free < LEAST_BYTES:
        return warned("memory", reason, "free some memory: agents would be killed")
    if free < workers * AGENT_BYTES and config.workers:
        return warned("memory", reason, "use fewer: --workers auto")
    return good("memory", reason)


def free_bytes() -> int | None:
    """Memory that can be had without swapping, of the machine and of the control group."""
    found = [_of_machine(), _of_group()]
    known = [number for number in found if number is not None]
    return min(known) if known else None


def _of_machine() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        return None


def _of_group() -> int | None:
    """What a container may still use."""
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            limit = int(file.read())
        with open("/sys/fs/cgroup/memory.current", encoding="ascii") as file:
            return max(0, limit - int(file.read()))
    except (OSError, ValueError):  # "max": no limit
        return None


def limits(config: Config) -> Check:
    """Open files, processes, and watched folders (agents' tools use them)."""
    workers = max(1, config.workers)
    soft, hard = (_most(number) for number in resource.getrlimit(resource.RLIMIT_NOFILE))
    processes = _most(resource.getrlimit(resource.RLIMIT_NPROC)[0])
    group, watches = _group_processes(), _number(WATCHES)
    needed = AGENT_PROCESSES * workers
    short = [
        (hard < DESCRIPTORS, f"{hard} open files", f"ulimit -n {DESCRIPTORS}"),
        (processes < needed, f"{processes} processes", f"ulimit -u {4 * needed}"),
        (
            group is not None and group < needed,
            f"{group} more processes in this container",
            "raise its limit of processes",
        ),
        (
            watches is not None and watches < AGENT_WATCHES * workers,
            f"{watches} inotify instances",
            "sysctl fs.inotify.max_user_instances=512",
        ),
    ]
    found = [(what, fix) for is_short, what, fix in short if is_short]
    if found:
        reason = f"too few for {workers} workers: {', '.join(what for what, _ in found)}"
        return warned("limits", reason, "; ".join(fix for _, fix in found))
    files = "any number of" if soft == sys.maxsize else f"{soft:,}"
    return good("limits", f"{files} open files, room for {needed} processes")


def _most(number: int) -> int:
    return sys.maxsize if number == resource.RLIM_INFINITY else number


def _group_processes() -> int | None:
    most, now = (_number(Path(path)) for path in PID_FILES)
    return None if most is None or now is None else max(0, most - now)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def clock(config: Config, wall: Callable[[], float] = time.time) -> Check:
    """The wall clock: leases do not need it, but budgets of a day, dates and TLS do."""
    now = wall()
    year = time.gmtime(now).tm_year if 0 <= now < 1e11 else 0
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return failed("clock", f"it shows the year {year}", "set it; timedatectl set-ntp true")
    before, steady = wall(), time.monotonic()
    time.sleep(0.02)
    gap = abs((wall() - before) - (time.monotonic() - steady))
    if gap > 0.5:
        return warned("clock", f"it jumped by {gap:.1f} s while it was looked at", "see to its NTP")
    newest = max((_written(config.root / name) for name in (".git", ".axon")), default=0.0)
    if newest > now + SLACK_SECONDS:
        reason = f"this project was written {newest - now:,.0f} s in the future: it was set back"
        return warned("clock", reason, "set it; timedatectl set-ntp true")
    return good("clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
