"""The profile of sandbox-exec on macOS."""

import os
from collections.abc import Iterable

from axon.security.sandbox.bounds import OBEYED, Bounds

SYSTEM = (
    "/usr", "/bin", "/sbin", "/System", "/Library", "/opt", "/private/etc", "/private/var/db",
    "/private/var/select", "/private/var/run/resolv.conf", "/dev", "/Applications",
)  # fmt: skip
SECRETS = ("/Library/Keychains", "/private/var/db/dslocal", "/private/etc/master.passwd")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
RESOLVER = "/private/var/run/mDNSResponder"  # who asks for a name asks here


def profile(bounds: Bounds, ports: list[int] | None, gateway: int = 0) -> str:
    """In a profile the last rule that fits counts. `gateway`: a port of this machine alone."""
    workspace = os.path.realpath(bounds.write[0])
    obeyed = [f"{workspace}/{name}" for name in OBEYED]
    above = sorted({path for name in obeyed for path in _between(workspace, name)})
    lines = [
        "(version 1)",
        "(deny default)",
        "(allow process-exec process-fork sysctl-read mach-lookup ipc-posix-sem)",
        "(allow signal process-info* (target same-sandbox))",
        "(allow file-read-metadata)",
        '(allow file-read* (literal "/"))',
        *_nested(bounds),
        _rule("allow file-read* file-write* file-ioctl", DEVICES),
        _rule("deny file-write*", obeyed),
        # what is moved aside can be written under its other name
        _rule("deny file-write-unlink", above, "literal"),
        *_network(ports, gateway),
    ]
    return "\n".join(line for line in lines if line)


def _nested(bounds: Bounds) -> list[str]:
    """What lies deeper comes later, as it was meant; the kernel knows paths without links only."""
    kinds = dict.fromkeys((*SYSTEM, *map(os.path.realpath, bounds.read)), "allow file-read*")
    hidden = (*SECRETS, *map(os.path.realpath, bounds.hidden))
    kinds |= dict.fromkeys(hidden, "deny file-read* file-write*")
    kinds |= dict.fromkeys(map(os.path.realpath, bounds.write), "allow file-read* file-write*")
    return [_rule(kinds[path], [path]) for path in sorted(kinds, key=lambda path: path.split("/"))]


def _network(ports: list[int] | None, gateway: int) -> list[str]:
    names = f'(allow network-outbound (literal "{RESOLVER}"))'
    if ports is None:
        return ["(allow network* (remote ip) (local ip))", names]
    lines = [f'(allow network-outbound (remote tcp "localhost:{port}"))' for port in ports]
    far = [port for port in ports if port != gateway]
    lines += [f'(allow network-outbound (remote tcp "*:{port}"))' for port in far]
    lines += [names] if far else []
    return [*lines, '(allow network-bind network-inbound (local tcp "localhost:*"))']


def _between(top: str, path: str) -> list[str]:
    """The folders below `top` in which `path` lies."""
    found = []
    while (path := os.path.dirname(path)) != top:
        found.append(path)
    return found


def _rule(what: str, paths: Iterable[str], kind: str = "subpath") -> str:
    parts = [f'({kind} "{_quoted(path)}")' for path in paths]
    return f"({what} {' '.join(parts)})" if parts else ""


def _quoted(path: str) -> str:
    return path.replace("\\", "\\\\").replace('"', '\\"')
