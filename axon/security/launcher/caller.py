"""Look into a process whose system call the kernel holds."""

import ctypes
import errno
import os

from axon.security.launcher import kernel

HERE = -100  # AT_FDCWD
NOWHERE = 0xFFFFFFFF


def checked(result: int) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def memory(task: int, pointer: int, size: int) -> bytes:
    with open(f"/proc/{task}/mem", "rb", buffering=0) as memory:
        data = os.pread(memory.fileno(), size, pointer)
    if len(data) != size:
        raise OSError(errno.EFAULT, "bad address")
    return data


def text(task: int, pointer: int) -> bytes:
    """A path, which may end just before memory does."""
    found = b""
    with open(f"/proc/{task}/mem", "rb", buffering=0) as memory:
        while b"\0" not in found and len(found) < 4096:
            at = pointer + len(found)
            data = os.pread(memory.fileno(), 4096 - at % 4096, at)
            if not data:
                raise OSError(errno.EFAULT, "bad address")
            found += data
    path, zero, _ = found.partition(b"\0")
    if not zero:
        raise OSError(errno.ENAMETOOLONG, "too long")
    return path


def handle(task: int, descriptor: int) -> int:
    """What a descriptor of the caller stands for (its folder: -100)."""
    number = ctypes.c_int(descriptor & NOWHERE).value
    name = "cwd" if number == HERE else f"fd/{number}"
    try:
        return os.open(f"/proc/{task}/{name}", os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        raise OSError(errno.EBADF, "no such descriptor") from None


def leader(task: int) -> int:
    """The process that a thread belongs to."""
    try:
        with open(f"/proc/{task}/status", "rb") as file:
            rows = file.read().split(b"\n")
    except OSError:
        raise ProcessLookupError(errno.ESRCH, "no such process") from None
    return next((int(row[5:]) for row in rows if row.startswith(b"Tgid:")), 0)


def take(task: int, descriptor: int) -> int:
    """The caller's own descriptor, shared with it."""
    process = os.pidfd_open(leader(task))
    try:
        return kernel.call("pidfd_getfd", process, ctypes.c_int(descriptor & NOWHERE).value, 0)
    finally:
        os.close(process)
