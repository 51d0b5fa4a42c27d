"""How many agents a machine has room for."""

import os

BYTES_EACH = 800 << 20  # an agent CLI with the tools and the check it runs
MOST = 16


def room() -> int:
    """Agents that cores and free memory allow at once, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return fitting(cores or 1, free_bytes())


def fitting(cores: int, free: int | None) -> int:
    """Two agents to a core, for they mostly wait for the model; `free` None: not known."""
    by_memory = MOST if free is None else free // BYTES_EACH
    return max(1, min(2 * cores, by_memory, MOST))


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
