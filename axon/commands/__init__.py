"""A file per subcommand; each has `configure(parser)` and `run(args, config)`."""

import json
import os
import re
import stat
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from axon.errors import UsageError

if TYPE_CHECKING:
    from axon.config import Config
    from axon.ledger import Ledger


READ_BYTES = 1 << 20

# C1 controls, line separators, and what turns text round: JSON leaves them as they are.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON with stable keys")


def add_ledger(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--ledger",
        metavar="URL",
        help="file:PATH (file:.axon/ledger.db), or mcp+https://HOST/mcp of a task server",
    )


def add_unsafe(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        default=None,
        help="run agents and checks with all your rights",
    )


def add_trust(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--trust",
        action="store_true",
        default=None,  # not given is not the same as no: the settings have other sources
        help="take the project's own agents, prompts and servers as allowed (for CI)",
    )


def print_json(data: Any) -> None:
    print(harmless_json(json.dumps(data, ensure_ascii=False, indent=2)))


def harmless_json(text: str) -> str:
    """JSON with what a terminal could obey written as escapes: it says the same."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_text(pieces: Iterable[str]) -> None:
    """A terminal is shown text without power over it; a pipe gets every byte."""
    from axon.core.terminal import plain

    if sys.stdout.isatty():
        for piece in pieces:
            print(plain(piece), end="")
        return
    for piece in pieces:
        sys.stdout.buffer.write(piece.encode("utf-8", "backslashreplace"))


def write_whole(path: Path, pieces: Iterable[str], *, replace: bool = False) -> None:
    """As write_bytes, of text."""
    write_bytes(path, (p.encode("utf-8", "backslashreplace") for p in pieces), replace=replace)


def write_bytes(
    path: Path, pieces: Iterable[bytes], *, replace: bool = False, mode: int = 0o666
) -> None:
    """Write a file beside and put it in place: complete, or not there. UsageError says why not."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        if not replace and os.path.lexists(path):
            raise UsageError(f"{path} is there already; choose another name, or say --force")
        if path.is_dir():
            raise UsageError(f"{path} is a directory; name a file in it")
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with open(os.open(beside, flags, mode), "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            _put_in_place(beside, path, replace)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}; choose another place, nothing was changed"
        ) from None


def _put_in_place(beside: Path, path: Path, replace: bool) -> None:
    if not replace:
        try:
            os.link(beside, path)  # unlike a rename, it never replaces what came meanwhile
            return
        except FileExistsError:
            raise
        except OSError:
            pass  # no hard links here
    beside.replace(path)


def ledger_of(config: "Config", *, create: bool = False) -> "Ledger":
    """The project's ledger. `create`: made when missing, in a git repository or where told."""
    from axon.ledger import ledger_from

    away = config.ledger_url.startswith("mcp+")  # its copies are kept in .axon
    if (create and not config.ledger) or away:
        check_repository(config)
        make_state_dir(config)
    return ledger_from(config, create=create)


def check_repository(config: "Config") -> None:
    if not (config.root / ".git").exists():
        raise UsageError(
            f"{config.root} is not a git repository; run git init && git commit --allow-empty"
            " -m start"
        )


def make_state_dir(config: "Config") -> None:
    """`.axon`, private, and kept out of git by itself."""
    folder = config.state_dir
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "ascii")
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}; make it writable") from None


def read_text(source: str, most_bytes: int) -> str:
    """The text of a file, or of standard input for "-"; what is no UTF-8 is replaced."""
    with opened(source, most_bytes) as file:
        return file.read().decode("utf-8", "replace")


@contextmanager
def opened(source: str, most_bytes: int) -> Iterator[IO[bytes]]:
    """A file, or standard input for "-", that is not too large and can be wound back."""
    import tempfile  # few commands read a file

    if source == "-" and sys.stdin is None:
        raise UsageError("standard input is closed; name a file")
    with ExitStack() as stack:
        try:
            file: IO[bytes] = sys.stdin.buffer
            if source != "-":
                file = stack.enter_context(open(source, "rb"))
            known = os.fstat(file.fileno())
            large = known.st_size > most_bytes
            whole = source != "-" and known.st_size > 0 and stat.S_ISREG(known.st_mode)
            if not (large or whole):  # what comes through a pipe comes once
                copy = stack.enter_context(tempfile.SpooledTemporaryFile(READ_BYTES))
                large = _copied(file, copy, most_bytes) > most_bytes
                file = copy
                file.seek(0)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = getattr(error, "strerror", None) or error
            raise UsageError(
                f"cannot read {source}: {reason}; name a file that can be read"
            ) from None
        if large:
            name = "standard input" if source == "-" else source
            raise UsageError(f"{name} has more than {most_bytes >> 20} MiB; split it")
        yield file


def _copied(source: IO[bytes], target: IO[bytes], most_bytes: int) -> int:
    """How many bytes were copied; a few more than `most_bytes` when there are more."""
    count = 0
    while count <= most_bytes and (piece := source.read(READ_BYTES)):
        count += target.write(piece)
    return count


def read_task_file(path: Path) -> str:
    """A file of tasks, for `axon.tasks.exchange.drafts_from`."""
    from axon.tasks.exchange import MAX_FILE_BYTES

    return read_text(str(path), MAX_FILE_BYTES)
