"""How many agents a machine has room for."""

import os

from axon.monitoring.health.machine import AGENT_BYTES, free_bytes

MOST = 16


def room() -> int:
    """Agents that cores and free memory allow at once, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return fitting(cores or 1, free_bytes())


def fitting(cores: int, free: int | None) -> int:
    """Two agents to a core, for they mostly wait for the model; `free` None: not known."""
    by_memory = MOST if free is None else free // AGENT_BYTES
    return max(1, min(2 * cores, by_memory, MOST))
