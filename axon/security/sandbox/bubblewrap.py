"""The words that start bubblewrap: a file system, processes and IPC of a program's own."""

import os

from axon.security.sandbox.bounds import Bounds

ISOLATED = (
    "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--die-with-parent", "--new-session",
)  # fmt: skip
KEPT_BY_ROOT = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID")
EMPTY = ("/tmp", "/var/tmp", "/run")


def words(program: str, bounds: Bounds, fixed: tuple[str, ...], folder: str) -> list[str]:
    """`fixed`: what stays as it is although it lies where the program may write."""
    found = [program, *ISOLATED]
    if os.geteuid() == 0:
        found += ["--cap-drop", "ALL"]
        for capability in KEPT_BY_ROOT:
            found += ["--cap-add", capability]
    mounts: dict[str, list[str]] = {}
    for path in EMPTY:
        mounts[path] = ["--tmpfs", path]
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
