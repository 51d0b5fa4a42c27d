"""Three readings of time: wall clock for people, boot time for leases, and which boot it is."""

import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from axon.facts import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`wall` may jump at any time. `boot` only grows, suspended or not, until a reboot."""

    wall: Callable[[], float]
    boot: Callable[[], float]
    boot_id: str


def system_clock() -> Clock:
    return Clock(wall=time.time, boot=_boot_seconds, boot_id=_boot_id())


def _boot_seconds() -> float:
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":  # mach_continuous_time: unlike monotonic, it counts sleep
        return time.clock_gettime(time.CLOCK_MONOTONIC_RAW)
    return time.monotonic()


@cache
def _boot_id() -> str:
    """A name for this boot of the machine; empty where there is none."""
    if sys.platform == "linux":
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        except OSError:
            return ""  # /proc is not there: leases then end by their time alone
    if sys.platform == "darwin":
        return _ask("sysctl", "-n", "kern.bootsessionuuid")
    return _ask("sysctl", "-n", "kern.boottime")


def _ask(*command: str) -> str:
    import subprocess

    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
