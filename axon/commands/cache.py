"""List, clean or prepare the folders that the engine is unpacked to."""

import os
import time
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from axon import resources
from axon.commands import add_json, print_json
from axon.config import Config
from axon.engines import vendor
from axon.errors import AxonError, UsageError
from axon.resources import Blob

KEEP_SECONDS = 7 * 86400.0  # another version of axon may be at work with what it used since


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file in a cache."""

    path: Path
    size: int
    used_at: float
    current: bool  # of this build


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_json(actions.add_parser("list", help="show what is unpacked where"))
    clean = actions.add_parser("gc", help="remove what other builds left and nobody used for long")
    clean.add_argument("--all", action="store_true", help="also what was used in the last 7 days")
    prepare = actions.add_parser("unpack", help="prepare a folder for a read-only host")
    prepare.add_argument(
        "--to", required=True, type=Path, metavar="DIR", help="as /opt/axon.pyz.engine"
    )


def run(args: Namespace, config: Config) -> int:
    roots = vendor.cache_roots(config.environ, config.cache_dir)
    if args.action == "list":
        return _list(roots, as_json=args.json)
    if args.action == "gc":
        return _clean(roots, 0.0 if args.all else KEEP_SECONDS)
    return _prepare(args.to)


def _list(roots: tuple[vendor.Root, ...], *, as_json: bool) -> int:
    listed = [_describe(root) for root in roots if root.path.is_dir()]
    if as_json:
        print_json({"roots": listed})
        return 0
    for root in listed:
        print(root["path"] + (f" ({root['refused']})" if root["refused"] else ""))
        for file in root["files"]:
            mark = "this build" if file["current"] else "another build"
            print(f"  {file['size']:>12,}  {file['used_at'][:10]}  {mark:13}  {file['name']}")
    if not listed:
        print("nothing is unpacked yet")
    return 0


def _describe(root: vendor.Root) -> dict[str, Any]:
    refused = ""
    try:
        vendor.refuse(root)
        files = entries(root.path)
    except (vendor.Unusable, OSError) as reason:
        refused, files = str(reason), []
    return {
        "path": str(root.path),
        "prepared": root.prepared,
        "refused": refused,
        "files": [
            {
                "name": file.path.name,
                "size": file.size,
                "used_at": datetime.fromtimestamp(file.used_at, UTC).isoformat(timespec="seconds"),
                "current": file.current,
            }
            for file in files
        ],
    }


def entries(folder: Path) -> list[Entry]:
    """Blobs in `folder`; whatever else lies there is not ours."""
    current = {blob.name for blob in _blobs()}
    found = []
    with os.scandir(folder) as listing:
        for item in sorted(listing, key=lambda item: item.name):
            if vendor.BLOB_NAME.fullmatch(item.name) and item.is_file(follow_symlinks=False):
                facts = item.stat()
                found.append(
                    Entry(
                        path=Path(item.path),
                        size=facts.st_size,
                        used_at=facts.st_mtime,
                        current=item.name in current,
                    )
                )
    return found


def _clean(roots: tuple[vendor.Root, ...], keep_seconds: float) -> int:
    removed: list[Entry] = []
    for root in roots:
        if root.prepared or not root.path.is_dir():
            continue
        with suppress(vendor.Unusable, OSError):  # not a cache of ours, then
            vendor.refuse(root)
            with vendor.locked(root.path):
                vendor.sweep(root.path)
                found = entries(root.path)
                for entry in (e for e in found if unused(e, time.time(), keep_seconds)):
                    entry.path.unlink(missing_ok=True)
                    removed.append(entry)
    print(f"removed {len(removed)} files, {sum(entry.size for entry in removed):,} bytes")
    return 0


def unused(entry: Entry, now: float, keep_seconds: float) -> bool:
    """Whether nothing can miss it: of another build, and not used for so long."""
    return not entry.current and now - entry.used_at >= keep_seconds


def _prepare(folder: Path) -> int:
    blobs = _blobs()
    if not blobs:
        raise UsageError("this axon carries no engine to unpack; use the full or slim axon.pyz")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with vendor.locked(folder):
            vendor.unpack(blobs, folder)
    except vendor.Unusable as reason:
        raise AxonError(f"{folder} {reason}; choose another with --to") from None
    except OSError as error:
        raise AxonError(f"{folder}: {error.strerror}; choose another with --to") from None
    print(f"unpacked {len(blobs)} files, {sum(blob.size for blob in blobs):,} bytes, to {folder}")
    return 0


def _blobs() -> tuple[Blob, ...]:
    """All this archive carries, for whatever Python."""
    info = resources.build_info()
    targets = info.targets.values() if info else ()
    return tuple({blob.name: blob for target in targets for blob in target.blobs}.values())
