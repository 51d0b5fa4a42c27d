"""Landlock: from here on this process and all it starts touch only files and ports on a list."""

import ctypes
import errno
import os
import stat
import struct
import sys

from axon.security.launcher import kernel

NEWEST_ABI = 7  # what is below; a newer kernel knows these too
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_BLOCK = 1 << 6, 1 << 11
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
FIRST = (1 << 13) - 1  # the rights of ABI 1
READ = EXECUTE | READ_FILE | READ_DIR
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
CONNECT_TCP = 1 << 1
ABSTRACT_SOCKETS, SIGNALS = 1 << 0, 1 << 1
ASKED_SIGNALS = range(2, 6)  # versions that do not look at signals; there the watcher does
RULE_PATH, RULE_PORT = 1, 2
LACKS = (  # what is not there below an ABI
    (2, "moving files between folders"),
    (3, "truncation by itself"),
    (4, "TCP ports"),
    (5, "commands to devices"),
    (6, "signals to other processes and abstract sockets"),
)


def abi() -> int:
    """The kernel's version of Landlock; 0: it has none, or may not be asked."""
    if sys.platform != "linux" or kernel.MACHINE not in kernel.COLUMNS:
        return 0
    try:
        return kernel.call("landlock_create_ruleset", None, 0, 1)
    except (OSError, AttributeError):
        return 0


def handled(version: int) -> int:
    """The rights on files that the kernel can withhold."""
    rights = FIRST
    rights |= REFER if version >= 2 else 0
    rights |= TRUNCATE if version >= 3 else 0
    return rights | (IOCTL_DEV if version >= 5 else 0)


def restrict(
    version: int, read: list[str], write: list[str], devices: list[str], ports: list[int] | None
) -> None:
    """Needs no_new_privs. `ports`: TCP ports that may be connected to; None: all."""
    rights = handled(version)
    network = CONNECT_TCP if ports is not None and version >= 4 else 0
    scoped = ABSTRACT_SOCKETS | SIGNALS if version >= 6 else 0
    sizes = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}
    attributes = struct.pack("QQQ", rights, network, scoped)[: sizes.get(version, 24)]
    ruleset = kernel.call("landlock_create_ruleset", attributes, len(attributes), 0)
    try:
        for path in read:
            _allow(ruleset, path, READ & rights)
        for path in write:
            _allow(ruleset, path, rights & ~(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV))
        for path in devices:
            _allow(ruleset, path, (READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV) & rights)
        for port in ports if network and ports is not None else ():
            rule = struct.pack("QQ", CONNECT_TCP, port)
            kernel.call("landlock_add_rule", ruleset, RULE_PORT, rule, 0)
        kernel.call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    """What is not there needs no rule."""
    try:
        found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP):
            return
        raise
    try:
        if not stat.S_ISDIR(os.fstat(found).st_mode):
            rights &= ON_FILES
        rule = struct.pack("=Qi", rights, found)
        buffer = ctypes.create_string_buffer(rule, len(rule))
        kernel.call("landlock_add_rule", ruleset, RULE_PATH, buffer, 0)
    finally:
        os.close(found)
