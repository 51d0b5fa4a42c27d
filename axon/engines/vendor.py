"""Put the engine that axon.pyz carries on disk, once per build, and make it importable."""

import errno
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import re
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

from axon import resources
from axon.errors import EngineError
from axon.resources import Blob, BuildInfo

log = logging.getLogger(__name__)

BLOB_NAME = re.compile(r"[\w.-]+-[0-9a-f]{32}(\.\w+)?")
LOCK_SECONDS = 600.0  # another process unpacks 400 MB, perhaps to a slow disk
SPARE_BYTES = 16 << 20  # left free beside what is unpacked
TOUCH_SECONDS = 3600.0  # a blob's mtime says when it was last used, give or take this


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePaths:
    """Where the SDK imports from, and the agent CLI that goes with it."""

    python_path: tuple[str, ...]  # for PYTHONPATH of a child; () when installed beside Python
    cli: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A folder that may hold blobs."""

    path: Path
    owners: frozenset[int]
    prepared: bool = False  # filled by `axon cache unpack`: used when whole, never written


class Unusable(Exception):
    """Why a root cannot be used; the next one may."""


def activate(
    environ: Mapping[str, str],
    cache_dir: str = "",
    *,
    packed_cli: bool = True,
    say: Callable[[str], None] = log.info,
) -> EnginePaths:
    """Make `claude_agent_sdk` importable here, unpacking first what is missing on disk.

    Without `packed_cli` the agent CLI stays packed: the person has one of their own.
    EngineError says what is in the way.
    """
    info = resources.build_info()
    if info is None:
        paths = _installed()
    else:
        paths = _packed(info, cache_roots(environ, cache_dir), packed_cli, say)
    if paths is None:
        raise EngineError(
            f"claude-agent-sdk is not installed for {sys.executable}; "
            "pip install axon-agent there, or use axon.pyz"
        )
    sys.path[:0] = [entry for entry in paths.python_path if entry not in sys.path]
    return paths


def _packed(
    info: BuildInfo, roots: tuple[Root, ...], packed_cli: bool, say: Callable[[str], None]
) -> EnginePaths:
    """The engine of this archive, or just the SDK it asks for if it has none for us."""
    name = resources.this_target()
    target = info.targets.get(name)
    if target and target.engine:
        cli = target.cli if packed_cli else ""
        blobs = tuple(blob for blob in target.blobs if cli or blob.name != target.cli)
        folder = _unpacked(roots, blobs, say)
        return EnginePaths(
            python_path=(str(folder / target.engine),), cli=folder / cli if cli else None
        )
    found = _installed(info.sdk_version)
    if found is None:
        carried = "" if info.flavour == "core" else f", but for {' and '.join(info.targets)}"
        raise EngineError(
            f"this axon.pyz ({info.flavour}) carries no engine for {name}{carried}; use one that "
            f"does, or install claude-agent-sdk=={info.sdk_version} for {sys.executable}"
        )
    return found


def _installed(version: str = "") -> EnginePaths | None:
    """The SDK of this Python; exactly `version`, if given."""
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec("claude_agent_sdk")
        installed = importlib.metadata.version("claude-agent-sdk")
        if spec and spec.submodule_search_locations and version in ("", installed):
            cli = Path(spec.submodule_search_locations[0], "_bundled", "claude")
            return EnginePaths(python_path=(), cli=cli if cli.exists() else None)
    return None


# ── where ──


def cache_roots(environ: Mapping[str, str], cache_dir: str = "") -> tuple[Root, ...]:
    """Folders that may hold the engine, best first."""
    user = os.geteuid()
    owners = frozenset({user, 0})
    if cache_dir := cache_dir or environ.get("AXON_CACHE_DIR", ""):
        return (Root(path=Path(cache_dir).absolute(), owners=owners),)
    roots = []
    archive = resources.archive_path()
    if archive is not None:
        with suppress(OSError):  # who owns the archive could put anything into it as well
            owner = archive.stat().st_uid
            prepared = archive.with_name(f"{archive.name}.engine")
            roots.append(Root(path=prepared, owners=owners | {owner}, prepared=True))
    folders = [
        (environ.get("XDG_CACHE_HOME"), "axon"),
        (environ.get("HOME"), ".cache/axon"),
        ("/var/tmp", f"axon-{user}"),
        (environ.get("TMPDIR", "/tmp"), f"axon-{user}"),
        (environ.get("XDG_RUNTIME_DIR"), "axon"),
    ]
    paths = dict.fromkeys(Path(top, name) for top, name in folders if top and os.path.isabs(top))
    return (*roots, *(Root(path=path, owners=owners) for path in paths))


def refuse(root: Root) -> None:
    """Raise Unusable when somebody else could put code into `root`, or nothing can run there."""
    found = os.lstat(root.path)
    parent = os.stat(root.path.parent)
    if stat.S_ISLNK(found.st_mode):
        raise Unusable("is a symbolic link")
    if not stat.S_ISDIR(found.st_mode):
        raise Unusable("is not a folder")
    if found.st_uid not in root.owners:
        raise Unusable(f"belongs to user {found.st_uid}")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unusable("can be written by others (chmod go-w)")
    if parent.st_uid not in root.owners:
        raise Unusable(f"lies in a folder of user {parent.st_uid}")
    if parent.st_mode & stat.S_IWOTH and not parent.st_mode & stat.S_ISVTX:
        raise Unusable("lies in a folder that others can write")
    if os.statvfs(root.path).f_flag & getattr(os, "ST_NOEXEC", 0):
        raise Unusable("is on a file system mounted noexec")


# ── on disk ──


def _unpacked(roots: tuple[Root, ...], blobs: tuple[Blob, ...], say: Callable[[str], None]) -> Path:
    """The first root that has, or can take, all `blobs`."""
    reasons = []
    for root in roots:
        if root.prepared and not root.path.exists():
            continue
        try:
            _fill(root, blobs, say)
        except Unusable as reason:
            reasons.append(f"{root.path} {reason}")
        except OSError as error:
            reasons.append(f"{root.path}: {error.strerror}")
        else:
            return root.path
    raise EngineError(
        f"no folder can take the engine: {', '.join(reasons)}; set AXON_CACHE_DIR to a folder "
        f"of yours with {_total(blobs) + SPARE_BYTES} bytes free that programs may run from"
    )


def _fill(root: Root, blobs: tuple[Blob, ...], say: Callable[[str], None]) -> None:
    if not root.prepared:
        root.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse(root)
    if _missing(root.path, blobs):
        if root.prepared:
            raise Unusable("lacks files of this build (axon cache unpack --to it)")
        with locked(root.path):
            missing = _missing(root.path, blobs)  # another process may have brought them
            if missing:
                say(f"unpacking the agent engine, {_total(missing) >> 20} MB, to {root.path}")
                unpack(missing, root.path)
    if not root.prepared:
        _mark_used(root.path, blobs)


def _missing(folder: Path, blobs: Iterable[Blob]) -> tuple[Blob, ...]:
    return tuple(blob for blob in blobs if not _whole(folder / blob.name, blob))


def _whole(path: Path, blob: Blob) -> bool:
    """Blobs appear under their name only when complete and hashed: the size tells enough."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    runs = not blob.executable or bool(found.st_mode & stat.S_IXUSR)
    return found.st_size == blob.size and runs


def damage(roots: tuple[Root, ...]) -> Iterator[str]:
    """Which unpacked files of this build are not what was packed; missing ones come again."""
    info = resources.build_info()
    targets = info.targets.values() if info else ()
    blobs = {blob.name: blob for target in targets for blob in target.blobs}
    for root in roots:
        for name in sorted(blobs):
            path = root.path / name
            try:
                with open(path, "rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except FileNotFoundError:
                continue
            except OSError as error:
                yield f"{path} cannot be read: {error.strerror}"
                continue
            if found != blobs[name].sha256:
                yield f"{path} was changed; remove it, and it is unpacked anew"


def _total(blobs: Iterable[Blob]) -> int:
    return sum(blob.size for blob in blobs)


def sweep(folder: Path) -> None:
    """Remove what a killed process left half written; the caller holds the lock."""
    for stale in folder.glob(".*.part"):
        stale.unlink()


def unpack(blobs: tuple[Blob, ...], folder: Path) -> None:
    """Write `blobs` into `folder`, of which the caller holds the lock."""
    sweep(folder)
    facts = os.statvfs(folder)
    needed, free = _total(blobs) + SPARE_BYTES, facts.f_bavail * facts.f_frsize
    if free < needed:
        raise Unusable(f"has too little space: {needed} bytes needed, {free} free")
    for blob in blobs:
        part = folder / f".{blob.name}.part"
        try:
            _write(blob, part)
            os.replace(part, folder / blob.name)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise Unusable(f"is full: {blob.size} bytes needed for {blob.name}") from None
        finally:
            part.unlink(missing_ok=True)


def _write(blob: Blob, part: Path) -> None:
    digest = hashlib.sha256()
    try:
        with resources.open_blob(blob) as source, open(part, "wb") as file:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                file.write(chunk)
            os.fchmod(file.fileno(), 0o755 if blob.executable else 0o644)
            file.flush()
            os.fsync(file.fileno())  # a name must never stand for less than its content
    except (BadZipFile, zlib.error, EOFError, KeyError):
        digest = hashlib.sha256()
    if digest.hexdigest() != blob.sha256:
        raise EngineError(f"{resources.archive_path()} is damaged at {blob.name}; copy it again")


def _mark_used(folder: Path, blobs: Iterable[Blob]) -> None:
    """`axon cache gc` goes by it. Not on each start, and not at all in a read-only folder."""
    for blob in blobs:
        with suppress(OSError):
            if time.time() - (folder / blob.name).stat().st_mtime > TOUCH_SECONDS:
                os.utime(folder / blob.name)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone among all processes that write to `folder`; the wait is bounded."""
    path = folder / ".lock"
    deadline = time.monotonic() + LOCK_SECONDS
    with open(path, "ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EngineError(
                        f"{path} is held by another axon for {LOCK_SECONDS:.0f} s; end it"
                    ) from None
                time.sleep(0.05)
        yield
