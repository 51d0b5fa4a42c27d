"""The profile of sandbox-exec on macOS."""

from collections.abc import Iterable

from axon.security.sandbox.bounds import OBEYED, Bounds

SYSTEM = (
    "/usr", "/bin", "/sbin", "/System", "/Library", "/opt", "/private/etc", "/private/var/db",
    "/private/var/select", "/dev", "/Applications",
)  # fmt: skip
TEMPORARY = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty")


def profile(bounds: Bounds, ports: list[int] | None) -> str:
    """In a profile the last rule that fits counts."""
    workspace = bounds.write[0]
    obeyed = [f"{workspace}/{name}" for name in OBEYED]
    lines = [
        "(version 1)",
        "(deny default)",
        "(allow process-exec process-fork sysctl-read mach-lookup ipc-posix-sem)",
        "(allow signal process-info* (target same-sandbox))",
        "(allow file-read-metadata)",
        '(allow file-read* (literal "/"))',
        _rule("allow file-read*", (*SYSTEM, *bounds.read)),
        _rule("deny file-read*", bounds.hidden),
        _rule("allow file-read* file-write*", bounds.write),
        _rule("allow file-read* file-write* file-ioctl", TEMPORARY),
        _rule("deny file-write*", obeyed),
    ]
    if ports is None:
        lines.append("(allow network* (remote ip) (local ip))")
    else:
        lines += [f'(allow network-outbound (remote tcp "localhost:{port}"))' for port in ports]
        lines += [f'(allow network-outbound (remote tcp "*:{port}"))' for port in ports]
        lines.append('(allow network-bind network-inbound (local tcp "localhost:*"))')
    return "\n".join(line for line in lines if line)


def _rule(what: str, paths: Iterable[str]) -> str:
    parts = [f'(subpath "{_quoted(path)}")' for path in paths]
    return f"({what} {' '.join(parts)})" if parts else ""


def _quoted(path: str) -> str:
    return path.replace("\\", "\\\\").replace('"', '\\"')
