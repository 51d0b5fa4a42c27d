"""Does for contained processes what Landlock does not look at: modes, owners, connections, signals.

The kernel holds such a call and asks here. The answer is never "go on": a second thread could
change what was looked at. The call is made here, on what was looked at, and its result handed back.
"""

import _signal  # type: ignore[import-not-found]
import ctypes
import errno
import fcntl
import os
import select
import stat
import struct
from collections.abc import Callable

from axon.security.launcher import caller, kernel, signalling
from axon.security.launcher.connecting import Connecting

RECEIVE, SEND, STILL_VALID = 0xC0502100, 0xC0182101, 0x40082102
NO_FOLLOW, EMPTY_PATH = 0x100, 0x1000
TIMES_BYTES = 32
Arguments = tuple[int, ...]


class Watcher:
    """`roots`: folders whose files may be changed. `ports`: what may be connected to; None: all."""

    def __init__(self, listener: int, roots: list[str], ports: list[int] | None, gateway: int):
        self.listener = listener
        self.roots = [os.path.realpath(root) for root in roots]
        self.ports = ports
        self.gateway = gateway
        self.names = {kernel.number(name): name for name in HANDLERS}
        self.names.pop(-1, None)

    def serve(self, child: int) -> int:
        """Until `child` has ended; its wait status."""
        ended = os.pidfd_open(child)
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        poll.register(ended, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self.listener in ready:
                if ready[self.listener] & select.POLLIN:
                    self._answer()
                else:
                    poll.unregister(self.listener)
            if ended in ready:
                return os.waitpid(child, 0)[1]

    def _answer(self) -> None:
        message = bytearray(80)
        try:
            fcntl.ioctl(self.listener, RECEIVE, message)
        except OSError:  # the caller has been killed meanwhile
            return
        name, task, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", message)
        handler = HANDLERS[self.names[number]]
        if handler is not connect:
            self._reply(name, _attempt(lambda: handler(self, task, tuple(arguments))))
            return
        connecting = _attempt_opening(self, task, tuple(arguments))
        if isinstance(connecting, int):
            self._reply(name, connecting)
            return
        self._connect(name, connecting)

    def _connect(self, name: int, connecting: Connecting) -> None:
        def run() -> None:
            code = _attempt(connecting.run)
            connecting.close()
            self._reply(name, code)

        if connecting.waits():
            import _thread

            _thread.start_new_thread(run, ())
        else:
            run()

    def _reply(self, name: int, code: int) -> None:
        try:
            fcntl.ioctl(self.listener, SEND, struct.pack("QqiI", name, 0, -code, 0))
        except OSError:  # the caller has gone
            return

    def owns(self, found: int) -> str:
        """The real path of an open file that may be changed; PermissionError for another."""
        path = os.readlink(f"/proc/self/fd/{found}")
        if not any(path == root or path.startswith(f"{root}/") for root in self.roots):
            raise PermissionError(errno.EPERM, "outside of the workspace")
        return path

    def target(self, task: int, folder: int, pointer: int, *, follow: bool = True) -> int:
        """A descriptor of what a path of a call means to its caller; the path is read once."""
        path = caller.text(task, pointer)
        if not path:
            return caller.handle(task, folder)
        for alias in ("/proc/self/", "/proc/thread-self/"):
            if path.startswith(alias.encode()):
                path = f"/proc/{task}/".encode() + path[len(alias) :]
        if path.startswith(b"/dev/fd/"):
            path = f"/proc/{task}/fd/".encode() + path[8:]
        flags = os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
        if path.startswith(b"/"):
            return os.open(path, flags)
        start = caller.handle(task, folder)
        try:
            return os.open(path, flags, dir_fd=start)
        finally:
            os.close(start)


def chmod(watcher: Watcher, task: int, given: Arguments) -> None:
    _chmod(watcher, watcher.target(task, caller.HERE, given[0]), given[1])


def fchmodat(watcher: Watcher, task: int, given: Arguments) -> None:
    _chmod(watcher, watcher.target(task, given[0], given[1]), given[2])


def fchmod(watcher: Watcher, task: int, given: Arguments) -> None:
    _chmod(watcher, caller.handle(task, given[0]), given[1])


def _chmod(watcher: Watcher, found: int, mode: int) -> None:
    try:
        watcher.owns(found)
        mode &= 0o7777
        folder = stat.S_ISDIR(os.fstat(found).st_mode)
        if mode & stat.S_ISUID or (mode & stat.S_ISGID and not folder):
            raise PermissionError(errno.EPERM, "no program runs as somebody else")
        os.chmod(f"/proc/self/fd/{found}", mode)
    finally:
        os.close(found)


def chown(watcher: Watcher, task: int, given: Arguments) -> None:
    _chown(watcher, watcher.target(task, caller.HERE, given[0]), given[1], given[2])


def lchown(watcher: Watcher, task: int, given: Arguments) -> None:
    _chown(watcher, watcher.target(task, caller.HERE, given[0], follow=False), given[1], given[2])


def fchown(watcher: Watcher, task: int, given: Arguments) -> None:
    _chown(watcher, caller.handle(task, given[0]), given[1], given[2])


def fchownat(watcher: Watcher, task: int, given: Arguments) -> None:
    follow = not given[4] & NO_FOLLOW
    found = watcher.target(task, given[0], given[1], follow=follow)
    _chown(watcher, found, given[2], given[3])


def _chown(watcher: Watcher, found: int, user: int, group: int) -> None:
    try:
        watcher.owns(found)
        words = (ctypes.c_uint(user & caller.NOWHERE), ctypes.c_uint(group & caller.NOWHERE))
        caller.checked(kernel.libc.fchownat(ctypes.c_int(found), b"", *words, EMPTY_PATH))
    finally:
        os.close(found)


def utimensat(watcher: Watcher, task: int, given: Arguments) -> None:
    folder, pointer, times, flags = given[:4]
    if pointer:
        found = watcher.target(task, folder, pointer, follow=not flags & NO_FOLLOW)
    else:
        found = caller.handle(task, folder)
    try:
        watcher.owns(found)
        values = caller.memory(task, times, TIMES_BYTES) if times else None
        link = stat.S_ISLNK(os.fstat(found).st_mode)
        if link:
            result = kernel.libc.utimensat(found, b"", values, EMPTY_PATH)
        else:
            result = kernel.libc.utimensat(
                caller.HERE, f"/proc/self/fd/{found}".encode(), values, 0
            )
        caller.checked(result)
    finally:
        os.close(found)


def connect(watcher: Watcher, task: int, given: Arguments) -> None:
    """Has its own way, for it may take long."""


HANDLERS = {
    "chmod": chmod,
    "fchmod": fchmod,
    "fchmodat": fchmodat,
    "chown": chown,
    "lchown": lchown,
    "fchown": fchown,
    "fchownat": fchownat,
    "utimensat": utimensat,
    "connect": connect,
    **signalling.HANDLERS,
}


def forward(child: int) -> None:
    """Who means to end or interrupt what runs here sends that to this process."""
    for number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP, _signal.SIGQUIT):
        _signal.signal(number, lambda caught, _: _pass_on(child, caught))


def _pass_on(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except ProcessLookupError:
        return


def _attempt_opening(watcher: Watcher, task: int, given: Arguments) -> Connecting | int:
    try:
        return Connecting(watcher, task, given)
    except OSError as error:
        return error.errno or errno.EPERM


def _attempt(run: Callable[[], None]) -> int:
    """0, or the number of the error."""
    try:
        run()
    except OSError as error:
        return error.errno or errno.EPERM
    return 0
