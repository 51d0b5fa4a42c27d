"""A filter of system calls: what no coding tool needs and what could reach out of the sandbox."""

import ctypes
import errno
import struct
from collections.abc import Iterable

from axon.security.launcher import kernel

Code = list[bytes]

ARCHITECTURE = {0: 0xC000003E, 1: 0xC00000B7}  # by column of the table of numbers
X32 = 0x40000000  # the other way into an x86-64 kernel
LOAD, AND, EQUALS, ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x45, 0x06
ALLOW = struct.pack("HBBI", RETURN, 0, 0, 0x7FFF0000)
ASK = struct.pack("HBBI", RETURN, 0, 0, 0x7FC00000)  # the watcher decides and does it
SET_FILTER, LISTEN, PATIENT = 1, 1 << 3, 1 << 5

NAMESPACES = 0x7E020000 | 0x80  # every CLONE_NEW*
INJECTING = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: type into somebody's terminal
FILE_FLAGS = (0x40086602, 0x401C5820, 0x40087602)  # chattr works on files open for reading
SET_OWNER = (8, 15)  # of fcntl: whom the kernel signals for an open file
SET_OWNER_TOO = (0x8901, 0x8902)  # of ioctl
FAST_OPEN = 0x20000000  # connects without connect()
UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
STREAM, DATAGRAM, SEQUENCED = 1, 2, 5

NEVER = (
    "acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime", "clock_settime",
    "delete_module", "fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick",
    "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl",
    "kcmp", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "migrate_pages",
    "modify_ldt", "mount", "mount_setattr", "move_mount", "move_pages", "open_by_handle_at",
    "open_tree", "open_tree_attr", "perf_event_open", "pidfd_getfd", "pivot_root",
    "process_madvise", "process_mrelease", "process_vm_readv", "process_vm_writev", "ptrace",
    "quotactl", "quotactl_fd", "reboot", "request_key", "setdomainname", "sethostname", "setns",
    "settimeofday", "swapoff", "swapon", "syslog", "umount2", "unshare", "userfaultfd", "vhangup",
)  # fmt: skip
# Without namespaces of its own a process shares these with all others of the user.
SHARED = ("mq_open", "msgget", "semget", "shmget", "shmat")
FOR_ITSELF = ("prlimit64", "sched_setattr", "sched_setparam", "sched_setscheduler")
ATTRIBUTES = (
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
)  # fmt: skip
OLD_FASHIONED = ("utime", "utimes", "futimesat")
WATCHED = (
    "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utimensat", "connect",
)  # fmt: skip
SIGNALS = ("kill", "tkill", "tgkill", "pidfd_send_signal")
QUEUED = ("rt_sigqueueinfo", "rt_tgsigqueueinfo")


def refuse(code: int) -> bytes:
    return struct.pack("HBBI", RETURN, 0, 0, 0x00050000 | code)


DENY = refuse(errno.EPERM)
ABSENT = refuse(errno.ENOSYS)


def program(
    *, alone: bool, watched: bool, local: bool, datagrams: bool, truncation: bool, signals: bool
) -> Code:
    """`alone`: in a process and IPC namespace of its own. `watched`: a watcher does for it what
    Landlock does not look at. `local`: it may have Unix sockets. `datagrams`: UDP is allowed.
    `truncation`, `signals`: Landlock looks at them, or nothing can.
    """
    column = kernel.COLUMNS[kernel.MACHINE]
    code = [_load(4), *_when(ARCHITECTURE[column], [], otherwise=[DENY]), _load(0)]
    if column == 0:
        code += [struct.pack("HBBI", 0x35, 0, 1, X32), DENY]  # at least
    code += _calls(NEVER, [DENY])
    code += _calls(("clone",), [_argument(0), *_bits(NAMESPACES, [DENY]), ALLOW])
    code += _calls(("clone3", "fchmodat2", "file_setattr", "setxattrat", "removexattrat"), [ABSENT])
    requests = (*INJECTING, *FILE_FLAGS, *(() if signals else SET_OWNER_TOO))
    code += _calls(("ioctl",), _switch(1, dict.fromkeys(requests, [DENY]), ALLOW))
    if not signals:
        code += _calls(("fcntl",), _switch(1, dict.fromkeys(SET_OWNER, [DENY]), ALLOW))
        code += _calls(SIGNALS, [ASK]) + _calls(QUEUED, [DENY])
    code += _calls(("socket",), _sockets(watched, local, datagrams))
    if not datagrams:
        for name, position in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
            code += _calls((name,), [_argument(position), *_bits(FAST_OPEN, [DENY]), ALLOW])
    if not alone:
        code += _calls(SHARED, [DENY])
        code += _calls(FOR_ITSELF, _switch(0, {0: [ALLOW]}, DENY))
        code += _calls(("setpriority", "ioprio_set"), _switch(1, {0: [ALLOW]}, DENY))
    if watched:
        names = WATCHED if local else [name for name in WATCHED if name != "connect"]
        code += _calls(names, [ASK]) + _calls(OLD_FASHIONED, [ABSENT])
        code += _calls(ATTRIBUTES, [refuse(errno.ENOTSUP)])
        code += _calls(("socketpair",), _switch(1, {DATAGRAM: [DENY]}, ALLOW, mask=0xF))
    if not truncation:
        code += _calls(("truncate",), [DENY]) + _calls(("openat2",), [ABSENT])
        for name, position in (("open", 1), ("openat", 2)):
            code += _calls((name,), _switch(position, {0x200: [DENY]}, ALLOW, mask=0x203))
    return [*code, ALLOW]


def _sockets(watched: bool, local: bool, datagrams: bool) -> Code:
    kinds = {STREAM: [ALLOW], SEQUENCED: [ALLOW]} if local or not watched else {}
    if not watched:
        kinds[DATAGRAM] = [ALLOW]
    internet = {STREAM: _switch(2, {0: [ALLOW], 6: [ALLOW]}, DENY)}  # not MPTCP, not SCTP
    if datagrams:
        internet[DATAGRAM] = _switch(2, {0: [ALLOW], 17: [ALLOW]}, DENY)
    families = {
        UNIX: _switch(1, kinds, refuse(errno.EACCES), mask=0xF),
        INET: _switch(1, internet, DENY, mask=0xF),
        INET6: _switch(1, internet, DENY, mask=0xF),
        NETLINK: _switch(2, {0: [ALLOW]}, DENY),  # asking for addresses and routes
    }
    return _switch(0, families, refuse(errno.EAFNOSUPPORT))


def install(code: Code, *, listen: bool) -> int:
    """Needs no_new_privs. The descriptor on which the watcher hears of calls, or -1."""
    buffer = ctypes.create_string_buffer(b"".join(code), 8 * len(code))
    words = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(buffer))
    if not listen:
        kernel.call("seccomp", SET_FILTER, 0, words)
        return -1
    try:
        return kernel.call("seccomp", SET_FILTER, LISTEN | PATIENT, words)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return kernel.call("seccomp", SET_FILTER, LISTEN, words)


def _load(offset: int) -> bytes:
    return struct.pack("HBBI", LOAD, 0, 0, offset)


def _argument(position: int) -> bytes:
    return _load(16 + 8 * position)  # the low half: both machines are little-endian


def _when(value: int, then: Code, otherwise: Code | None = None) -> Code:
    """`then` must end in a return, unless `otherwise` does."""
    if otherwise:
        return [struct.pack("HBBI", EQUALS, len(otherwise), 0, value), *otherwise, *then]
    return [struct.pack("HBBI", EQUALS, 0, len(then), value), *then]


def _bits(mask: int, then: Code) -> Code:
    return [struct.pack("HBBI", ANY_BIT, 0, len(then), mask), *then]


def _switch(position: int, cases: dict[int, Code], default: bytes, *, mask: int = 0) -> Code:
    code = [_argument(position)]
    if mask:
        code.append(struct.pack("HBBI", AND, 0, 0, mask))
    for value, body in cases.items():
        code += _when(value, body)
    return [*code, default]


def _calls(names: Iterable[str], body: Code) -> Code:
    """`body`, which always returns, for each of these calls that the machine has."""
    code: Code = []
    for name in names:
        if (number := kernel.number(name)) >= 0:
            code += _when(number, body)
    return code
