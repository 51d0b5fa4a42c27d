"""Where a ledger is: refused what can be told from outside, and errors put in words."""

import os
import sqlite3
import stat
from pathlib import Path

from axon.errors import LedgerError
from axon.ledger.mounts import refuse_network
from axon.tasks.text import shortened

MAX_SAID = 200  # of what SQLite says: it may show a whole table
FULL_BYTES = 1024 * 1024  # with less than this free, an I/O error means a full disk


def place_of(address: str) -> Path:
    """The file that what follows `file:` names; one path, whatever names the file has."""
    path = address
    if address.startswith("//"):
        path = address[2:]  # file:///absolute
        if not path.startswith("/"):
            raise LedgerError(f"cannot read file:{address}; write file:PATH")
    if not path or "\0" in path:
        raise LedgerError("the ledger's address names no file; write file:PATH")
    return Path(os.path.realpath(path))


def check_place(path: Path, create: bool) -> None:
    """Refuse what can be told without opening the file; make its folder when `create`."""
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        if not create:
            raise LedgerError(f"no ledger at {path}; run axon init") from None
        kind = stat.S_IFREG
    except OSError as error:
        raise LedgerError(f"cannot open {path}: {error.strerror}; choose another path") from None
    if stat.S_ISDIR(kind):
        raise LedgerError(f"{path} is a directory; name the ledger file itself")
    if not stat.S_ISREG(kind):
        raise LedgerError(f"{path} is not a regular file; choose another path")
    if create:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"cannot make {path.parent}: {error.strerror}; choose another path"
            ) from None
    refuse_network(path.parent)
    if create:
        _reserve(path)


def _reserve(path: Path) -> None:
    """Make the file private before SQLite makes it readable; one that is there is not opened."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise LedgerError(f"cannot make {path}: {error.strerror}; choose another path") from None


def explain(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> str:
    """One line a person can act on; empty when the error is no fault of the file or disk."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    said = shortened(" ".join(str(error).split()), MAX_SAID)
    if isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in said:
        code, said = sqlite3.SQLITE_CORRUPT, "a text is no UTF-8"
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _full(path.parent):
        code = sqlite3.SQLITE_FULL
    match code:
        case sqlite3.SQLITE_FULL:
            return f"no space left for {path}; free some and try again, nothing was lost"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return f"cannot write {path}: it is read-only; make it and its folder writable"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return f"{path} is damaged or no ledger ({said}); move it away or restore a backup"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return f"another program keeps {path} locked; end it and try again"
        case sqlite3.SQLITE_CANTOPEN:
            return f"cannot open {path}; it and its folder must be readable and writable"
        case sqlite3.SQLITE_IOERR:
            return f"the disk failed under {path} ({said}); check it, nothing was acknowledged"
        case sqlite3.SQLITE_NOMEM | sqlite3.SQLITE_TOOBIG:
            return f"too much data for {path} ({said}); nothing was written"
    return ""


def _full(folder: Path) -> bool:
    try:
        space = os.statvfs(folder)
    except OSError:
        return False
    return space.f_bavail * space.f_frsize < FULL_BYTES
