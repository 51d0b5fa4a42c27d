"""The address the page listens on, and who has it when it is taken."""

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path

from axon.errors import UsageError

DEFAULT_PORT = 8003
LOOPBACK = ("127.0.0.1", "localhost", "::1")
BACKLOG = 1024
TRIED = 100


def _socket(host: str, port: int) -> socket.socket:
    """What `http.server` makes of its own would ask the network for the name of this host first."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(BACKLOG)
    except BaseException:
        found.close()
        raise
    return found


def listen(host: str, port: int) -> socket.socket:
    """Port 0: the first free one from the usual one on. UsageError names who has a taken one."""
    if port:
        return _bound(host, port)
    for number in range(DEFAULT_PORT, DEFAULT_PORT + TRIED):
        with suppress(OSError):
            return _socket(host, number)
    return _bound(host, 0)


def _bound(host: str, port: int) -> socket.socket:
    try:
        return _socket(host, port)
    except OverflowError:
        raise UsageError("a port is a number from 0 to 65535") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            holder = holder_of(port) or "another program"
            raise UsageError(
                f"port {port} is held by {holder}; choose another one, or 0 for the next that is"
                " free"
            ) from None
        if error.errno == errno.EACCES:
            raise UsageError(f"port {port} needs privileges; choose one above 1023") from None
        why = error.strerror or error
        raise UsageError(f"cannot listen on {host}:{port}: {why}; check --host") from None


def holder_of(port: int) -> str:
    """Program and process that listen there, as far as /proc lets us see it."""
    inodes = {inode for name in ("tcp", "tcp6") for inode in _listening(f"/proc/net/{name}", port)}
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for link in (process / "fd").iterdir():
                with suppress(OSError):
                    if os.readlink(link) in inodes:
                        return f"{_program(process)} (pid {process.name})"
    return "a program of another user"


def _listening(table: str, port: int) -> list[str]:
    try:
        lines = Path(table).read_text("ascii", "replace").splitlines()[1:]
    except OSError:
        return []
    rows = [line.split() for line in lines]
    return [
        f"socket:[{row[9]}]"
        for row in rows
        if len(row) > 9 and row[3] == "0A" and row[1].endswith(f":{port:04X}")
    ]


def _program(process: Path) -> str:
    """`axon.pyz dashboard` tells more than `python3`."""
    words = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    names = [Path(word).name for word in words[:3] if word and not word.startswith("-")]
    return " ".join(names)[:60] or (process / "comm").read_text().strip()
