"""Signals of contained processes, sent in their place, and only to what runs below this process.

Newer kernels see to it by Landlock.
"""

import _signal  # type: ignore[import-not-found]
import ctypes
import errno
import os

from axon.security.launcher import caller, kernel

TYPE_CHECKING = False  # what typing calls so, without typing
if TYPE_CHECKING:
    from axon.security.launcher.watcher import Arguments, Watcher

ATTEMPTS = 5  # to climb a tree in which parents end meanwhile
PARENT, GROUP = 1, 2  # fields of /proc/PID/stat behind the name


def kill(watcher: "Watcher", task: int, given: "Arguments") -> None:
    target, number = _signed(given[0]), _signed(given[1])
    if target > 0:
        _send(caller.leader(target), number)
    elif target == -1:
        raise PermissionError(errno.EPERM, "everything at once")
    else:
        _send_group(-target or _field(caller.leader(task), GROUP), number)


def tkill(watcher: "Watcher", task: int, given: "Arguments") -> None:
    thread = _signed(given[0])
    _send_thread(task, caller.leader(thread), thread, _signed(given[1]))


def tgkill(watcher: "Watcher", task: int, given: "Arguments") -> None:
    leader, thread, number = (_signed(word) for word in given[:3])
    if caller.leader(thread) != leader:
        raise ProcessLookupError(errno.ESRCH, "no such thread")
    _send_thread(task, leader, thread, number)


def pidfd_send_signal(watcher: "Watcher", task: int, given: "Arguments") -> None:
    path = f"/proc/{task}/fdinfo/{given[0] & caller.NOWHERE}"
    try:
        with open(path, "rb") as file:
            rows = file.read().split(b"\n")
    except FileNotFoundError:
        raise OSError(errno.EBADF, "no such descriptor") from None
    found = [int(row[4:]) for row in rows if row.startswith(b"Pid:")]
    if not found:
        raise OSError(errno.EBADF, "not of a process")
    _send(found[0], _signed(given[1]))


def _send(pid: int, number: int) -> None:
    """The process is held first: its number may be another's when it is looked at."""
    if pid <= 0:
        raise ProcessLookupError(errno.ESRCH, "it has ended")
    process = os.pidfd_open(pid)
    try:
        if not _is_below(pid):
            raise PermissionError(errno.EPERM, "not in this sandbox")
        _signal.pidfd_send_signal(process, number)
    finally:
        os.close(process)


def _send_thread(task: int, leader: int, thread: int, number: int) -> None:
    """Of its own threads a process names one; of others, all that counts is the process."""
    if caller.leader(task) == leader:
        kernel.call("tgkill", leader, thread, number)
    else:
        _send(leader, number)


def _send_group(group: int, number: int) -> None:
    members = [pid for pid in _processes() if _member(pid, group)]
    sent, failed = 0, ProcessLookupError(errno.ESRCH, "no such group")
    for pid in members:
        try:
            _send(pid, number)
            sent += 1
        except OSError as error:
            failed = error  # type: ignore[assignment]
    if not sent:
        raise failed


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _member(pid: int, group: int) -> bool:
    try:
        return _field(pid, GROUP) == group
    except ProcessLookupError:
        return False


def _is_below(pid: int) -> bool:
    for _ in range(ATTEMPTS):
        try:
            return _climbs(pid)
        except ProcessLookupError:
            continue
    raise ProcessLookupError(errno.ESRCH, "it has ended")


def _climbs(pid: int) -> bool:
    me = os.getpid()
    while pid > 1:
        pid = _field(pid, PARENT)
        if pid == me:
            return True
    return False


def _field(pid: int, position: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[position])
    except (OSError, IndexError):
        raise ProcessLookupError(errno.ESRCH, "no such process") from None


def _signed(word: int) -> int:
    return ctypes.c_int(word & caller.NOWHERE).value


HANDLERS = {
    "kill": kill,
    "tkill": tkill,
    "tgkill": tgkill,
    "pidfd_send_signal": pidfd_send_signal,
}
