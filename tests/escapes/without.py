"""Run a program as on a kernel that lacks something: python -m tests.escapes.without WHAT PROGRAM …

landlock      there is no Landlock
    sharing       no process takes part in a descriptor of another, as in most containers
namespaces    no namespaces and no mounts, as in most containers
"""

import errno
import os
import struct
import sys

from axon.security.launcher import kernel, seccomp

LACKS = {
    "landlock": ("landlock_create_ruleset",),
    "sharing": ("pidfd_getfd",),
    "namespaces": ("unshare", "mount", "pivot_root", "setns"),
}


def filtered(what: list[str]) -> seccomp.Code:
    code = [struct.pack("HBBI", seccomp.LOAD, 0, 0, 0)]
    for name in (name for each in what for name in LACKS[each]):
        refused = errno.ENOSYS if name.startswith("landlock") else errno.EPERM
        code += [
            struct.pack("HBBI", seccomp.EQUALS, 0, 1, kernel.number(name)),
            seccomp.refuse(refused),
        ]
    if "namespaces" in what:
        spaces = seccomp.NAMESPACES & ~0x80
        code += [
            struct.pack("HBBI", seccomp.EQUALS, 0, 3, kernel.number("clone")),
            struct.pack("HBBI", seccomp.LOAD, 0, 0, 16),
            struct.pack("HBBI", seccomp.ANY_BIT, 0, 1, spaces),
            seccomp.DENY,
        ]
    return [*code, seccomp.ALLOW]


if __name__ == "__main__":
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install(filtered(sys.argv[1].split(",")), listen=False)
    os.execv(sys.argv[2], sys.argv[2:])
