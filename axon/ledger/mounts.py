"""Tell a network file system, where locks and shared memory cannot be trusted, from a local one."""

import re
import sys
from functools import cache
from pathlib import Path, PurePosixPath

from axon.errors import LedgerError

NETWORK = re.compile(
    r"9p|acfs|afpfs|afs|beegfs|ceph|cifs|coda|davfs|fhgfs|gfs2|glusterfs|gpfs|lustre|ncpfs|nfs\d?"
    r"|ocfs2|orangefs|panfs|pvfs2|smb\d?|smbfs|webdav"
    r"|fuse\.(ceph|cephfs|curlftpfs|davfs2?|gcsfuse|glusterfs|goofys|juicefs|nfs|rclone|s3fs"
    r"|seaweedfs|smbnetfs|sshfs)"
)


def refuse_network(folder: Path) -> None:
    """LedgerError when `folder` (which exists) is on a file system of another machine."""
    kind = filesystem_of(folder, _mounts())
    if NETWORK.fullmatch(kind):
        raise LedgerError(
            f"{folder} is on a network file system ({kind}), where a file ledger could be"
            " damaged; keep it on a local disk, or use a postgresql:// ledger to share it"
        )


def filesystem_of(folder: Path, mounts: str) -> str:
    """The type of the file system that holds `folder`; empty when `mounts` does not tell."""
    found = (0, "")
    for point, kind in _points(mounts):
        depth = len(point.parts)
        # a later mount on the same point hides the earlier one
        if depth >= found[0] and folder.is_relative_to(point):
            found = (depth, kind)
    return found[1]


def _points(mounts: str) -> list[tuple[PurePosixPath, str]]:
    """From Linux's mountinfo (… mount-point options - type …) or from what `mount` prints."""
    points = []
    for line in mounts.splitlines():
        if " - " in line:
            before, _, after = line.partition(" - ")
            fields, kinds = before.split(" "), after.split(" ")
            if len(fields) > 4:
                points.append((PurePosixPath(_unescape(fields[4])), kinds[0]))
        elif match := re.search(r" on (/.*) \((\w+)", line):  # macOS and the BSDs
            points.append((PurePosixPath(match[1]), match[2]))
    return points


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field)


def _mounts() -> str:
    if sys.platform == "linux":
        try:
            return Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
        except OSError:
            return ""
    return _printed_mounts()


@cache
def _printed_mounts() -> str:
    import subprocess

    try:
        done = subprocess.run(["mount"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
