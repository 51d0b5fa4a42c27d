"""What runs between axon and a contained program: it gives rights up, then starts the program.

A process of its own, for the rights are gone for good. Its arguments are an order, word by word
(see `Order`), then `--` and the command.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import ctypes
import os
import struct
import sys

from axon.security.launcher import kernel, landlock, seccomp, watcher

TYPE_CHECKING = False  # what typing calls so, without typing
if TYPE_CHECKING:
    from typing import NoReturn

CANNOT = 126
MOST_DESCRIPTORS = 4096
# Enough to change one's own files as root; everything else of root's powers goes.
KEPT = (1 << 0) | (1 << 1) | (1 << 3) | (1 << 4)  # CHOWN, DAC_OVERRIDE, FOWNER, FSETID
LAST_CAPABILITY = 63
CAPABILITY_VERSION = 0x20080522


class Order:
    """`read=PATH`, `write=PATH`, `device=PATH` as often as needed; `leash`, `abi`, `gateway`;
    `closed`: only what each `port=N` names may be connected to; `alone`, `local`, `watch`: see
    seccomp.
    """

    def __init__(self, words: list[str]):
        self.read: list[str] = []
        self.write: list[str] = []
        self.device: list[str] = []
        self.port: list[str] = []
        self.numbers = {"leash": 0, "abi": 0, "gateway": 0}
        flags = set()
        for word in words:
            name, equals, value = word.partition("=")
            if not equals:
                flags.add(name)
            elif name in self.numbers:
                self.numbers[name] = int(value)
            else:
                getattr(self, name).append(value)
        self.ports = [int(port) for port in self.port] if "closed" in flags else None
        self.alone, self.local, self.watch = (n in flags for n in ("alone", "local", "watch"))


def main(words: list[str]) -> "NoReturn":
    end = words.index("--")
    order, command = Order(words[:end]), words[end + 1 :]
    try:
        os.closerange(3, MOST_DESCRIPTORS)
        _leash(order.numbers["leash"])
        _contain(order)
        if order.watch:
            _start_watched(order, command)
        seccomp.install(_program(order), listen=False)
        os.execv(command[0], command)
    except OSError as error:
        _fail(f"{' '.join(command[:1])}: {error.strerror or error}")


def _leash(parent: int) -> None:
    """SIGTERM when the process that started this dies, also when it did so just now."""
    if parent:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, _signal.SIGTERM)
        if os.getppid() != parent:
            _fail("the worker has gone")


def _contain(order: "Order") -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if os.geteuid() == 0:
        _drop_capabilities()
    if order.numbers["abi"]:
        ports = order.ports
        landlock.restrict(order.numbers["abi"], order.read, order.write, order.device, ports)


def _drop_capabilities() -> None:
    for capability in range(LAST_CAPABILITY + 1):
        if not KEPT >> capability & 1:
            try:
                kernel.prctl(kernel.PR_CAPBSET_DROP, capability)
            except OSError:  # there are no more, or they may not be dropped for they are not ours
                continue
    header = ctypes.create_string_buffer(struct.pack("Ii", CAPABILITY_VERSION, 0))
    had = ctypes.create_string_buffer(24)
    if kernel.libc.capget(header, had) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    effective, permitted, _, effective2, permitted2, _ = struct.unpack("6I", had.raw[:24])
    words = (effective & KEPT, permitted & KEPT, 0, 0, 0, 0)
    if kernel.libc.capset(header, struct.pack("6I", *words)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _program(order: "Order") -> seccomp.Code:
    return seccomp.program(
        alone=order.alone,
        watched=order.watch,
        local=order.local,
        datagrams=order.ports is None,
        truncation=order.alone or order.numbers["abi"] >= 3,
        # below 2 the kernel would let a signal interrupt the question whether it may be sent
        signals=order.alone or order.numbers["abi"] not in landlock.ASKED_SIGNALS,
    )


def _start_watched(order: "Order", command: list[str]) -> "NoReturn":
    """The program as a child; this process stays, and answers for what Landlock leaves open."""
    ours, theirs = _socket.socketpair()
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)  # who may be looked into must be below
    me = os.getpid()
    child = os.fork()
    if child == 0:
        ours.close()
        _be_watched(_program(order), command, me, theirs)
    theirs.close()
    watcher.forward(child)
    listener = _received(ours)
    if listener < 0:
        os.waitpid(child, 0)
        os._exit(CANNOT)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # nothing below may look into this process
    ours.close()  # now it may begin
    status = watcher.Watcher(listener, order.write, order.ports, order.numbers["gateway"]).serve(
        child
    )
    _end_like(status)


def _be_watched(
    code: seccomp.Code, command: list[str], parent: int, told: _socket.socket
) -> "NoReturn":
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, _signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(CANNOT)
        listener = seccomp.install(code, listen=True)
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listener))
        told.sendmsg([b"x"], [rights])
        told.recv(1)
        os.closerange(3, MOST_DESCRIPTORS)
        os.execv(command[0], command)
    except OSError as error:
        _fail(f"{' '.join(command[:1])}: {error.strerror or error}")


def _received(told: _socket.socket) -> int:
    """The descriptor on which the kernel asks; -1 when the child ended before."""
    _, extra, _, _ = told.recvmsg(1, _socket.CMSG_SPACE(4))
    return int(struct.unpack("i", extra[0][2][:4])[0]) if extra else -1


def _end_like(status: int) -> "NoReturn":
    """So that whoever started this sees how the program ended."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (_signal.SIGKILL, _signal.SIGSTOP):
            _signal.signal(number, _signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else CANNOT)


def _fail(why: str) -> "NoReturn":
    sys.stderr.write(f"axon: sandbox: {why}\n")
    sys.stderr.flush()
    os._exit(CANNOT)
