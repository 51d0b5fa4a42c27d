"""The words that start bubblewrap: a file system, processes and IPC of a program's own."""

import os
import subprocess
from contextlib import suppress

from axon.security.sandbox.bounds import Bounds

ISOLATED = (
    "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--die-with-parent", "--new-session",
)  # fmt: skip
KEPT_BY_ROOT = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID")
EMPTY = ("/tmp", "/var/tmp", "/run")
MEMORY_BYTES = 1 << 30  # in each of these, for they are memory; TMPDIR is on the disk


def can_bound(program: str) -> bool:
    """Whether this bwrap can say how large a file system in memory may become (0.5 or newer)."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([program, "--help"], capture_output=True, timeout=10, check=False)
        return b"--size " in done.stdout + done.stderr
    return False


def words(
    program: str, bounds: Bounds, fixed: tuple[str, ...], folder: str, *, bounded: bool
) -> list[str]:
    """`fixed`: what stays as it is although it lies where the program may write."""
    found = [program, *ISOLATED]
    if os.geteuid() == 0:
        found += ["--cap-drop", "ALL"]
        for capability in KEPT_BY_ROOT:
            found += ["--cap-add", capability]
    mounts: dict[str, list[str]] = {}
    for path in EMPTY:
        size = ["--size", str(MEMORY_BYTES)] if bounded else []
        mounts[path] = [*size, "--tmpfs", path]
    for path in bounds.read:
        mounts[path] = _shown(path)
    for path in bounds.hidden:
        mounts[path] = _covered(path)
    for path in bounds.write:
        mounts[path] = ["--bind-try", path, path]
    for path in fixed:
        mounts[path] = ["--ro-bind-try", path, path]
        if "/.git/" in path:  # what is mounted cannot be moved aside
            repository = f"{path.partition('/.git/')[0]}/.git"
            mounts[repository] = ["--bind-try", repository, repository]
    for path in sorted(mounts, key=_parts):  # a folder before what lies in it
        found += mounts[path]
    for path in bounds.hidden:
        if os.path.isdir(path):
            found += ["--remount-ro", path]
    found += ["--ro-bind-try", "/sys", "/sys", "--proc", "/proc", "--dev", "/dev"]
    return [*found, "--chdir", folder, "--"]


def _parts(path: str) -> list[str]:
    return path.strip("/").split("/")


def _shown(path: str) -> list[str]:
    if os.path.islink(path) and os.path.dirname(path) == "/":
        return ["--symlink", os.readlink(path), path]  # /bin -> usr/bin
    return ["--ro-bind-try", path, path]


def _covered(path: str) -> list[str]:
    if os.path.isdir(path):
        return ["--tmpfs", path]
    return ["--ro-bind-try", "/dev/null", path]
