"""The files axon brings along, wherever it runs from: the archive, a checkout or a wheel."""

import functools
import hashlib
import json
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING
from zipimport import zipimporter

from axon.errors import AxonError
from axon.facts import dataclass

if TYPE_CHECKING:  # few commands open the archive a second time
    from zipfile import ZipFile

_PACKAGE = Path(__file__).parent
_LOADER = __spec__.loader if __spec__ else None
_IMPORTER = _LOADER if isinstance(_LOADER, zipimporter) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A file that must be on disk to be used; its name holds its hash."""

    name: str
    sha256: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the archive carries for one Python on one platform; names are those of blobs."""

    engine: str  # zip of the SDK and its dependencies; "" in flavour core
    cli: str  # the agent CLI; "" in flavours core and slim
    blobs: tuple[Blob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInfo:
    """BUILD.json of the archive."""

    version: str
    flavour: str
    sdk_version: str
    cli_version: str
    targets: Mapping[str, Target]


def archive_path() -> Path | None:
    """The axon.pyz this code was imported from; None in a checkout or an installed package."""
    return Path(_IMPORTER.archive) if _IMPORTER else None


def import_path() -> str:
    """What a child Python needs on its PYTHONPATH to import axon."""
    return str(_PACKAGE.parent)  # the archive, or the folder in it that is our Python's


def archive_changed() -> bool:
    """Whether axon.pyz was replaced since this process imported from it.

    Modules already loaded keep working; nothing more can be read from it.
    """
    return _identity() != _AT_START


def _identity() -> tuple[int, ...]:
    if _IMPORTER is None:
        return ()
    try:
        found = os.stat(_IMPORTER.archive)
    except OSError:
        return (0,)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


_AT_START = _identity()  # as early as can be: imports read the archive as it is now


def read_bytes(name: str) -> bytes:
    """A file by its name in the package, as `static/app.js` or `prompts/worker.md`."""
    if ".." in PurePosixPath(name).parts or name.startswith("/"):
        raise FileNotFoundError(name)
    if _IMPORTER is None:
        return _on_disk(name).read_bytes()
    _check_unchanged()
    try:
        return _entry(_IMPORTER, f"axon/{name}")
    except OSError:
        raise FileNotFoundError(name) from None


def read_text(name: str) -> str:
    return read_bytes(name).decode("utf-8")


def list_files(folder: str) -> tuple[str, ...]:
    """Names of all files below `static` or `prompts`, as read_bytes takes them; () if none."""
    if _IMPORTER is None:
        top = _on_disk(folder)
        found = (path for path in top.rglob("*") if path.is_file())
        return tuple(sorted(f"{folder}/{path.relative_to(top).as_posix()}" for path in found))
    _check_unchanged()
    found = (name.removeprefix("axon/") for name in _manifest(_IMPORTER))
    return tuple(sorted(name for name in found if name.startswith(f"{folder}/")))


def _manifest(importer: zipimporter) -> dict[str, str]:
    """The sha256 of each entry but the blobs: `zipfile` takes 20 times as long to list them."""
    sums: dict[str, str] = json.loads(_entry(importer, "MANIFEST.json"))
    return sums


def _entry(importer: zipimporter, name: str) -> bytes:
    return importer.get_data(os.path.join(importer.archive, name))


def _on_disk(name: str) -> Path:
    """In a checkout `static/` lies beside the package, in a wheel inside it."""
    inside = _PACKAGE / name
    if name.partition("/")[0] == "static" and not (_PACKAGE / "static").is_dir():
        return _PACKAGE.parent / name
    return inside


@contextmanager
def open_blob(blob: Blob) -> Iterator[IO[bytes]]:
    """The content of a blob of this archive, as a stream."""
    _check_unchanged()
    if _IMPORTER is None:
        raise FileNotFoundError(blob.name)
    from zipfile import ZipFile

    with ZipFile(_IMPORTER.archive) as archive, archive.open(f"blobs/{blob.name}") as stream:
        yield stream


def damage() -> Iterator[str]:
    """What in this archive is not as it was built; nothing when it is whole."""
    from zipfile import BadZipFile, ZipFile

    info = build_info()
    if info is None or _IMPORTER is None:
        return
    try:
        with ZipFile(_IMPORTER.archive) as archive:
            yield from _damage(archive, info)
    except (OSError, BadZipFile, ValueError, zlib.error) as error:
        yield f"{_IMPORTER.archive} cannot be read: {error}"


def _damage(archive: "ZipFile", info: "BuildInfo") -> Iterator[str]:
    sums: dict[str, str] = json.loads(archive.read("MANIFEST.json"))
    blobs = {b.name: b.sha256 for target in info.targets.values() for b in target.blobs}
    sums |= {f"blobs/{name}": sha256 for name, sha256 in blobs.items()}
    names = archive.namelist()
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} is there twice"
    for name in sorted({*sums, *names} - {"MANIFEST.json"}):
        if name not in sums:
            yield f"{name} was added"
        elif name not in names:
            yield f"{name} is missing"
        elif _sha256(archive, name) != sums[name]:
            yield f"{name} was changed"


def _sha256(archive: "ZipFile", name: str) -> str:
    from zipfile import BadZipFile

    try:
        with archive.open(name) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    except (BadZipFile, zlib.error, EOFError):
        return ""


@functools.cache
def build_info() -> BuildInfo | None:
    """How this archive was built; None in a checkout or an installed package."""
    if _IMPORTER is None:
        return None
    _check_unchanged()
    data = json.loads(_entry(_IMPORTER, "BUILD.json"))
    blobs = {name: Blob(name=name, **facts) for name, facts in data["blobs"].items()}
    targets = {
        name: Target(
            engine=facts["engine"],
            cli=facts["cli"],
            blobs=tuple(blobs[blob] for blob in facts["blobs"]),
        )
        for name, facts in data["targets"].items()
    }
    return BuildInfo(
        version=data["version"],
        flavour=data["flavour"],
        sdk_version=data["sdk_version"],
        cli_version=data["cli_version"],
        targets=targets,
    )


def this_target() -> str:
    """The Python and platform we run on, named as builds name them: `cp312-linux_x86_64`."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}{sys.abiflags}"
    if sys.platform == "darwin":
        return f"{python}-macos_{os.uname().machine}"
    # of the interpreter, not of the kernel: x86_64-linux-gnu, aarch64-linux-musl
    triplet = getattr(sys.implementation, "_multiarch", "")
    machine, _, libc = triplet.partition("-linux-")
    return f"{python}-{'musl' if 'musl' in libc else 'linux'}_{machine or os.uname().machine}"


def _check_unchanged() -> None:
    if archive_changed():
        raise AxonError(f"{archive_path()} was replaced while it ran; start axon again")
