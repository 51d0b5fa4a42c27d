"""A connection that a contained program asks for, made by the watcher in its place."""

import ctypes
import errno
import fcntl
import os
import struct

from axon.security.launcher import caller, kernel

TYPE_CHECKING = False  # what typing calls so, without typing
if TYPE_CHECKING:
    from axon.security.launcher.watcher import Watcher

UNIX, INET, INET6 = 1, 2, 10
SOL_SOCKET, SO_DOMAIN = 1, 39
ADDRESS_BYTES = 128


class Connecting:
    """A connection of a socket that this process shares, to an address nobody else can change."""

    def __init__(self, watcher: "Watcher", task: int, given: tuple[int, ...]):
        size = given[2] & caller.NOWHERE
        if not 2 <= size <= ADDRESS_BYTES:
            raise OSError(errno.EINVAL, "no address")
        self.address = caller.memory(task, given[1], size)
        self.held: list[int] = []
        self.socket = caller.take(task, given[0])
        self.held.append(self.socket)
        try:
            self._check(watcher, task)
        except BaseException:
            self.close()
            raise

    def _check(self, watcher: "Watcher", task: int) -> None:
        family = _domain(self.socket)
        if family == UNIX:
            self.address = self._local(watcher, task)
        elif family in (INET, INET6) and watcher.ports is not None:
            port = int.from_bytes(self.address[2:4], "big")
            home = _is_loopback(self.address)
            if port not in watcher.ports or (port == watcher.gateway and not home):
                raise PermissionError(errno.EACCES, "this port is closed")

    def _local(self, watcher: "Watcher", task: int) -> bytes:
        """Named by its open file: nothing can be put in its place."""
        path = self.address[2:].split(b"\0")[0]
        if not path:
            raise PermissionError(errno.EACCES, "abstract sockets are shared with the host")
        start = caller.handle(task, caller.HERE)
        try:
            found = os.open(path, os.O_PATH | os.O_CLOEXEC, dir_fd=start)
        finally:
            os.close(start)
        self.held.append(found)
        watcher.owns(found)
        return struct.pack("H", UNIX) + f"/proc/self/fd/{found}".encode() + b"\0"

    def waits(self) -> bool:
        return not fcntl.fcntl(self.socket, fcntl.F_GETFL) & os.O_NONBLOCK

    def run(self) -> None:
        caller.checked(kernel.libc.connect(self.socket, self.address, len(self.address)))

    def close(self) -> None:
        for descriptor in self.held:
            os.close(descriptor)


def _domain(descriptor: int) -> int:
    value, size = ctypes.c_int(0), ctypes.c_uint(4)
    pointers = (ctypes.byref(value), ctypes.byref(size))
    caller.checked(kernel.libc.getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, *pointers))
    return value.value


def _is_loopback(address: bytes) -> bool:
    family = int.from_bytes(address[:2], "little")
    if family == INET:
        return address[4:5] == b"\x7f"
    return address[8:24] in (b"\0" * 15 + b"\x01", b"\0" * 10 + b"\xff\xff\x7f\0\0\x01")
